"""Threads of the libraries that compute, for a program that shares its cores with others."""

import os

PATIENT = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""A thread that waits for another one sleeps. As installed it keeps its core, so that on a busy machine the one that is
waited for may not run, and a network's run takes ten times as long. NumPy's threads have no such choice: its products
take one."""


def share_cores() -> None:
    """Let torch and NumPy give way while they wait; to be called before either is imported.

    What the environment says already stays.
    """
    for name, value in PATIENT.items():
        os.environ.setdefault(name, value)
