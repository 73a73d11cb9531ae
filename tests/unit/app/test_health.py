"""The health check finds the server at any port and below any path, and says so when nobody answers."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from nonlocal_core.app.server import health

SERVER = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == sys.argv[2] else 503)
        self.end_headers()

server = ThreadingHTTPServer((sys.argv[1], 0), Server)
print(server.server_port, flush=True)
server.serve_forever()
"""
STARTER = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SERVER!r}, *sys.argv[1:]])"
IDLE = "print(0, flush=True); input()"


@contextmanager
def running(program, *arguments):
    """The id of a process that runs a program, and the port that it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        port = int(process.stdout.readline())
        try:
            yield process.pid, port
        finally:
            for child in health.psutil.Process(process.pid).children():
                child.kill()
            process.kill()


@pytest.mark.parametrize("base", ["", "nlv", "/a/b/"])
@pytest.mark.parametrize(("program", "listens"), [(SERVER, "127.0.0.1"), (SERVER, "0.0.0.0"), (STARTER, "127.0.0.1")])
def test_a_server_is_healthy_at_any_port_and_below_any_path(program, listens, base, monkeypatch):
    monkeypatch.setenv(health.BASE, base)
    path = "/".join(["", *filter(None, base.split("/")), "_stcore/health"])
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # the check stays inside
    with running(program, listens, path) as (process, _):
        assert health.main(process) is None


def test_a_server_that_does_not_say_that_it_is_well_is_not_healthy(monkeypatch):
    monkeypatch.delenv(health.BASE, raising=False)
    with running(SERVER, "127.0.0.1", "/elsewhere") as (process, port):
        assert health.main(process) == f"127.0.0.1:{port} 503"


def test_a_process_that_listens_nowhere_is_not_healthy():
    with running(IDLE) as (process, _):
        assert f"Process {process} and those that it started listen to no port." == health.main(process)
