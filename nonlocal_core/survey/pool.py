"""Workers of any engine, and the loop that keeps them busy: no clip is lost with a worker, and none is done twice."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.plan import Job

MOST_DEATHS = 3
"""Number of workers that may end with a clip as their only job before it is named as the reason."""
MOST_FALSE_STARTS = 3
"""Number of workers that may end, one after another, before any is ready."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker that is ready for jobs."""

    worker: int


@dataclass(frozen=True, slots=True)
class Done:
    """Rows of a clip (`records.as_bytes`)."""

    worker: int
    place: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """Worker that ended, with its jobs undone."""

    worker: int
    why: str


@runtime_checkable
class Pool(Protocol):
    """Workers of an engine, identified by numbers."""

    depth: int
    """Number of jobs that a worker holds at once."""

    def give(self, worker: int, job: Job) -> None:
        """Give a job to a ready worker; ``wait`` reports if it has ended meanwhile."""
        ...

    def wait(self) -> Ready | Done | Gone:
        """Return the next event. Raises SurveyError if a worker refuses its plan."""
        ...

    def replace(self, worker: int) -> None:
        """Start another worker for one that is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """Result of a clip: its rows, or the reason why no worker survived to make them."""

    job: Job
    content: bytes | None
    reason: str = ""


@dataclass(slots=True)
class _Held:
    jobs: list[Job] = field(default_factory=list)
    alone: bool = False

    def pop(self, place: int) -> Job:
        """Remove and return the job of a place."""
        (job,) = (job for job in self.jobs if job.place == place)
        self.jobs.remove(job)
        self.alone = False
        return job


def measured(pool: Pool, jobs: Iterable[Job], count: int) -> Iterator[Finished]:
    """Yield each of ``count`` jobs once, in the order in which they end.

    Jobs of a worker that is gone are given again, each alone with its worker, so that the clip that ends workers is
    found and its neighbours are not blamed. Raises SurveyError if no worker starts.
    """
    coming, suspects, deaths = iter(jobs), deque[Job](), Counter[int]()
    held: dict[int, _Held] = {}
    false_starts = 0
    while count:
        for worker, state in held.items():
            _feed(pool, worker, state, coming, suspects)
        event = pool.wait()
        if isinstance(event, Ready):
            held[event.worker], false_starts = _Held(), 0
        elif isinstance(event, Done):
            count -= 1
            yield Finished(held[event.worker].pop(event.place), event.content)
        else:
            lost = held.pop(event.worker, None)
            false_starts += lost is None
            if false_starts >= MOST_FALSE_STARTS and not held:
                raise SurveyError(f"No worker starts: {event.why}. Try one clip with `query`, which says more.")
            for job in lost.jobs if lost else ():
                deaths[job.place] += lost is not None and len(lost.jobs) == 1
                if deaths[job.place] < MOST_DEATHS:
                    suspects.append(job)
                    continue
                count -= 1
                yield Finished(job, None, f"It ended {MOST_DEATHS} workers, as a lack of memory does: {event.why}.")
            pool.replace(event.worker)


def _feed(pool: Pool, worker: int, state: _Held, coming: Iterator[Job], suspects: deque[Job]) -> None:
    """Give a worker as many jobs as it may hold."""
    while not state.alone and len(state.jobs) < pool.depth:
        if suspects and not state.jobs:
            state.alone, job = True, suspects.popleft()
        else:
            following = next(coming, None)
            if following is None:
                return
            job = following
        state.jobs.append(job)
        pool.give(worker, job)
