"""Threads of the computing libraries, for a program that shares its cores and memory with others."""

import ctypes
import os
import sys

PATIENT = {"GOMP_SPINCOUNT": "10000", "OPENBLAS_NUM_THREADS": "1"}
"""Number of times that a waiting thread of torch polls another before it sleeps. The default keeps its core for thirty
times as long, and on a busy machine the awaited thread may not run. NumPy's threads have no such setting, so its
products use one."""

_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""


def share_cores() -> None:
    """Let torch and NumPy yield their cores while they wait. Call it before either is imported.

    Existing settings of the environment are kept, including ``OMP_WAIT_POLICY``, which sets the same in words.
    """
    for name, value in PATIENT.items():
        if name != "GOMP_SPINCOUNT" or "OMP_WAIT_POLICY" not in os.environ:
            os.environ.setdefault(name, value)


def use_one_heap() -> None:
    """Let all threads allocate from one heap, the only one that is returned in full. Call it before they start.

    Linux's C library keeps the memory freed at the end of any other heap: 120 MB after eight visits of the app.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if choose is not None and "MALLOC_ARENA_MAX" not in os.environ:
        choose(_ARENA_MAX, 1)
