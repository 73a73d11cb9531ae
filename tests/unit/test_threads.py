"""Threads that wait give way: said before torch and NumPy are there, by whatever starts a program of ours."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from nonlocal_core.threads import PATIENT, share_cores

ROOT = Path(__file__).parents[2]
SEEN = """
import os, sys, importlib.abc

class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ("numpy", "torch"):
            print(name, {settings}.items() <= os.environ.items())

sys.meta_path.insert(0, Watch())
{start}
import numpy, torch
"""
SHELL = "from nonlocal_core.cli import main; main(['models'])"
SERVER = "import runpy; runpy.run_path('app/start.py')"


@pytest.mark.parametrize("start", [SHELL, SERVER])
def test_the_shell_and_the_server_say_it_before_torch_and_numpy_are_loaded(start):
    script = SEEN.format(settings=PATIENT, start=start)
    free = {name: value for name, value in os.environ.items() if name not in (*PATIENT, "OMP_WAIT_POLICY")}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=free, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = [line for line in done.stdout.splitlines() if line.startswith(("numpy", "torch"))]
    assert set(seen) == {"numpy True", "torch True"}


def test_what_the_environment_says_stays(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "77")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    share_cores()
    assert (os.environ["GOMP_SPINCOUNT"], os.environ["OPENBLAS_NUM_THREADS"]) == ("77", "3")


def test_a_policy_of_waiting_that_the_environment_names_is_not_overruled(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("GOMP_SPINCOUNT", "")  # so that what is set here is undone afterwards
    del os.environ["GOMP_SPINCOUNT"]
    share_cores()
    assert "GOMP_SPINCOUNT" not in os.environ


HEAPS = """
import ctypes, sys, threading
from nonlocal_core.threads import use_one_heap
if sys.argv[1] == "one":
    use_one_heap()
all_at_once = threading.Barrier(4)
def take():
    all_at_once.wait()
    held = [bytes(2000) for _ in range(1000)]
    all_at_once.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
file = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fflush(ctypes.c_void_p(file))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="another C library keeps memory another way"
)
def test_all_threads_of_the_server_share_one_heap():
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    counts = [
        subprocess.run(
            [sys.executable, "-c", HEAPS, how], check=True, capture_output=True, text=True, timeout=120, env=environment
        ).stdout.count("<heap nr=")
        for how in ("one", "as installed")
    ]
    assert counts[0] == 1 < counts[1]
