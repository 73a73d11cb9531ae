"""Threads of the libraries that compute, for a program that shares its cores and memory with others."""

import ctypes
import os
import sys

PATIENT = {"GOMP_SPINCOUNT": "10000", "OPENBLAS_NUM_THREADS": "1"}
"""A thread of torch that waits for another one looks so many times whether it is done, and then sleeps. As installed it
keeps its core for thirty times as long, and on a busy machine the one that is waited for may not run. NumPy's threads
have no such choice: its products take one."""

_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""


def share_cores() -> None:
    """Let torch and NumPy give way while they wait; to be called before either is imported.

    Settings that the environment has already stay, ``OMP_WAIT_POLICY`` among them, which says the same in words.
    """
    for name, value in PATIENT.items():
        if name != "GOMP_SPINCOUNT" or "OMP_WAIT_POLICY" not in os.environ:
            os.environ.setdefault(name, value)


def use_one_heap() -> None:
    """Let all threads take memory from one heap, which alone is given back whole; to be called before they start.

    Linux's C library keeps what was freed at the end of each other heap: 120 MB after eight visits of the app.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if choose is not None and "MALLOC_ARENA_MAX" not in os.environ:
        choose(_ARENA_MAX, 1)
