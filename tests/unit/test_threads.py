"""Threads that wait give way: said before torch and NumPy are there, by whatever starts a program of ours."""

import os
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
    free = {name: value for name, value in os.environ.items() if name not in PATIENT}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=free, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = [line for line in done.stdout.splitlines() if line.startswith(("numpy", "torch"))]
    assert set(seen) == {"numpy True", "torch True"}


def test_what_the_environment_says_stays(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    share_cores()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["OPENBLAS_NUM_THREADS"]) == ("ACTIVE", "3")
