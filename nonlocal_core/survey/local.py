"""Engine of one machine: worker processes, without Ray."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, cast

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.pool import Done, Gone, Pool, Ready

CHILD = "nonlocal_core.survey.worker_child"
DEPTH = 2
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of a worker; see ``worker.THREADS``."""
_END_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEngine:
    """Processes of this machine. ``workers``: the number that run networks, or None for one on each core."""

    workers: int | None = None

    @contextmanager
    def start(self, plan: Plan) -> Iterator[Pool]:
        """Start workers, and end them after the ``with``."""
        pool = _Processes(plan, self.workers or os.cpu_count() or 1)
        try:
            yield pool
        finally:
            pool.close()


class _Processes:
    """Processes, and a thread for each that reads its output."""

    depth = DEPTH

    def __init__(self, plan: Plan, workers: int) -> None:
        self._command = [sys.executable, "-m", CHILD, plan.as_json()]
        self._events: SimpleQueue[Ready | Done | Gone | SurveyError] = SimpleQueue()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._started = 0
        for _ in range(workers):
            self._start()

    def _start(self) -> None:
        worker, self._started = self._started, self._started + 1
        process = subprocess.Popen(  # noqa: S603 -- ourselves
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | ONE_THREAD
        )
        self._processes[worker] = process
        threading.Thread(target=self._listen, args=(worker, process), daemon=True).start()

    def _listen(self, worker: int, process: subprocess.Popen[bytes]) -> None:
        told = cast(IO[bytes], process.stdout)
        for line in told:
            head = json.loads(line)
            content = told.read(head["size"])
            if len(content) < head["size"]:
                break
            if "refused" in head:
                self._events.put(SurveyError(head["refused"]))
            elif "ready" in head:
                self._events.put(Ready(worker))
            else:
                self._events.put(Done(worker, head["place"], content))
        status = process.wait()
        self._events.put(Gone(worker, f"the process ended with status {status}"))

    def give(self, worker: int, job: Job) -> None:
        """Write the job; ``wait`` reports if the process is gone."""
        asked = cast(IO[bytes], self._processes[worker].stdin)
        try:
            asked.write(json.dumps({"place": job.place, "clip": job.clip}).encode() + b"\n")
            asked.flush()
        except BrokenPipeError:
            return

    def wait(self) -> Ready | Done | Gone:
        """Return the next event."""
        event = self._events.get()
        if isinstance(event, SurveyError):
            raise event
        return event

    def replace(self, worker: int) -> None:
        """Start another process."""
        _close(self._processes.pop(worker))
        self._start()

    def close(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait(_END_SECONDS)
            _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:  # a job that nobody reads any more
                continue
