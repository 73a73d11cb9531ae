"""Threads of the libraries that compute, for a program that shares its cores with others."""

import os

PATIENT = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""A thread that waits for another one sleeps. As installed it keeps its core: where the other one was put off, both stand
still, and a network's run takes ten times as long beside two other busy processes. NumPy's threads have no such choice,
so its products take one."""


def share_cores() -> None:
    """Let torch and NumPy give way while they wait; to be called before either is imported.

    What the environment says already stays.
    """
    for name, value in PATIENT.items():
        os.environ.setdefault(name, value)
