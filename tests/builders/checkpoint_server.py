"""A server of checkpoints on this machine that behaves as a test asks, and what a download leaves behind."""

import hashlib
import threading
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.cards import find_published_card
from nonlocal_core.weights.download import DownloadLimits, download

CONTENT = np.random.default_rng(7).bytes(3_000_017)
HALF = 1_500_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LIMITS = DownloadLimits(spare_disk_bytes=0, timeout_seconds=5.0)


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    mark: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    ranges: bool = True
    heeds_if_range: bool = True
    length: bool = True
    status: int | None = None
    location: str | None = None
    break_after: int | None = None
    """Close the connection after so many bytes, once."""
    chunk_seconds: float = 0.0
    asked: list[dict[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        does = self.server.behaviour
        does.asked.append(dict(self.headers))
        if does.status:
            self.send_response(does.status)
            if does.location:
                self.send_header("Location", does.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = self.first_byte(does)
        if start >= len(does.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        for name, value in does.mark.items():
            self.send_header(name, value)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(does.content) - 1}/{len(does.content)}")
        if does.length:
            self.send_header("Content-Length", str(len(does.content) - start))
        self.end_headers()
        self.send_body(does, does.content[start:])

    def first_byte(self, does):
        wanted, known = self.headers.get("Range"), self.headers.get("If-Range")
        if not does.ranges or wanted is None or (does.heeds_if_range and known not in does.mark.values()):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def send_body(self, does, body):
        stop, does.break_after = does.break_after, None
        if stop is not None:
            body = body[:stop]
        for at in range(0, len(body), 100_000):
            self.wfile.write(body[at : at + 100_000])
            time.sleep(does.chunk_seconds)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """Say nothing about clients that hang up: some are meant to."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with Server(("127.0.0.1", 0), Handler) as running:
        running.behaviour = Behaviour()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def card_at(server, **changes):
    # Cards are https only; what a test serves is on this machine, so the check is passed by.
    card = replace(find_published_card("pyslowfast/I3D_NLN_8x8_R50"), id="test/net", **changes)
    url = server if isinstance(server, str) else f"http://127.0.0.1:{server.server_port}/zoo/net.pkl"
    object.__setattr__(card, "url", url)
    return card


def left_over(cache):
    """Every file and folder of the cache but its locks."""
    return [path for path in cache.rglob("*") if ".locks" not in path.parts] if cache.exists() else []


def refused(card, cache, told, **limits):
    with pytest.raises(WeightsError, match=told) as caught:
        download(card, cache_dir=cache, limits=replace(LIMITS, **limits))
    return str(caught.value)
