"""Engine without networks: a clip's rows follow from its address, in this process, in an order that is not the list's.

As a program, ``survey_engine.py OUT COUNT WHERE AFTER`` surveys ``COUNT`` clips and ends as ``kill -9`` ends it: at the
``AFTER``-th time that it comes to ``WHERE``.
"""

import os
import sys
from collections import deque
from contextlib import contextmanager
from pathlib import Path

from nonlocal_core.survey.plan import Job
from nonlocal_core.survey.pool import Done, Gone, Ready
from nonlocal_core.survey.records import Row, as_bytes
from nonlocal_core.survey.result import ResultFolder
from nonlocal_core.survey.run import survey

SHARD = 4


def row_of(job: Job) -> bytes:
    """Return rows that only this clip has; every third has none but a reason."""
    if job.place % 3 == 2:
        return as_bytes([Row(place=job.place, clip=job.clip, model="m", reason=f"{job.clip} is broken.")])
    return as_bytes([Row(place=job.place, clip=job.clip, model="m", block=b, effect=0.1 * job.place) for b in "ab"])


class Pool:
    """Workers that answer the job that they were given last. ``fatal``: places of clips that end them."""

    depth = 2

    def __init__(self, workers: int = 2, fatal: tuple[int, ...] = (), starts: bool = True):
        self.given: dict[int, list[Job]] = {}
        self.asked: list[int] = []
        self.fatal, self.starts, self.count = fatal, starts, 0
        self.coming = deque()
        for _ in range(workers):
            self.replace(-1)

    def give(self, worker, job):
        self.given[worker].append(job)
        self.asked.append(job.place)

    def wait(self):
        if self.coming:
            return self.coming.popleft()
        worker, jobs = next((worker, jobs) for worker, jobs in reversed(self.given.items()) if jobs)
        if any(job.place in self.fatal for job in jobs):
            del self.given[worker]
            return Gone(worker, "it was planted")
        job = jobs.pop()
        return Done(worker, job.place, row_of(job))

    def replace(self, worker):
        new, self.count = self.count, self.count + 1
        if self.starts:
            self.given[new] = []
        self.coming.append(Ready(new) if self.starts else Gone(new, "it was planted"))


class Engine:
    """Starts one such pool."""

    def __init__(self, pool=None):
        self.pool = pool or Pool()

    @contextmanager
    def start(self, plan):
        yield self.pool


def plant(where: str, after: int) -> None:
    """Let the process end at once where a step of the writing begins, or has ended, for the ``after``-th time."""
    owner, name, moment = {
        "in a clip": (Path, "write_bytes", "behind"),
        "behind a clip": (ResultFolder, "merge", "before"),
        "in a file": (Path, "replace", "before"),
        "behind a file": (Path, "unlink", "before"),
    }[where]
    original, times = getattr(owner, name), iter(range(1, 10**6))

    def ending(*args, **kwargs):
        is_due = next(times) == after
        if is_due and moment == "before":
            os._exit(9)
        answer = original(*args, **kwargs)
        if is_due:
            os._exit(9)
        return answer

    setattr(owner, name, ending)


if __name__ == "__main__":
    out, count, where, after = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if not (out / "survey.json").exists():
        from nonlocal_core.survey import result

        result.SHARD = SHARD
    plant(where, after)
    survey([f"clip {place}" for place in range(count)], out, models=["m"], engine=Engine())
