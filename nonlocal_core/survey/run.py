"""Survey from beginning to end, or from the point at which its last run was stopped."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Unpack, runtime_checkable

from nonlocal_core.survey.local import LocalEngine
from nonlocal_core.survey.plan import Plan, PlanFields
from nonlocal_core.survey.pool import Pool, measured
from nonlocal_core.survey.reading_list import clip_list
from nonlocal_core.survey.result import ResultFolder


@runtime_checkable
class Engine(Protocol):
    """Engine that starts workers: processes here, or actors of Ray."""

    def start(self, plan: Plan) -> AbstractContextManager[Pool]:
        """Start workers for a plan, and end them after the ``with``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Pace of a survey: clips done and in all, those done in this run, its seconds, and its rows without figures."""

    done: int
    count: int
    here: int
    seconds: float
    failed: int

    @property
    def per_second(self) -> float:
        """Clips per second in this run, including the start of the workers."""
        return self.here / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """Seconds for the rest at this pace; infinite before the first clip."""
        return (self.count - self.done) / self.per_second if self.here else float("inf")

    @property
    def sentence(self) -> str:
        """Clips done, their rate, the time left and the failed rows, in one line."""
        minutes, seconds = divmod(round(self.seconds_left), 60)
        hours, minutes = divmod(minutes, 60)
        left = f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
        failed = f", {self.failed} rows without figures" if self.failed else ""
        return f"{self.done:,} of {self.count:,} clips, {self.per_second:.2f} a second, {left} left{failed}"


def survey(
    clips: str | Path | Sequence[str],
    out: str | Path,
    *,
    engine: Engine | None = None,
    progress: Callable[[Pace], None] | None = None,
    **choice: Unpack[PlanFields],
) -> ResultFolder:
    """Run networks on every clip and write a row for each clip, network and block; return the folder.

    ``clips``: as for ``clip_list``. ``out``: a new folder, or that of the same survey, which is then resumed.
    ``models``: ids of ``list_models``, of published checkpoints or of filters. ``frames``, ``short_side``: as
    for ``Session.open``. ``index``: a block whose keys are kept, so that ``ask`` finds answers in other clips;
    "first": the one that each network shows first. ``engine``: None: ``LocalEngine()``, one process on each core.
    A clip that cannot be read or shown is a row with its reason.

    The rows are those of ``Session.open`` in a process whose arithmetic has one thread.
    Raises SurveyError, UnknownNameError for a network, WeightsError.
    """
    plan = Plan.of(choice)
    folder = ResultFolder.begin(Path(out), plan, clip_list(clips))
    with folder.writing():
        folder.tidy()
        done = len(folder.done())
        started, here, failed = time.monotonic(), 0, 0
        left = folder.count - done
        if not left:
            return folder
        with (engine or LocalEngine()).start(plan) as pool:
            for finished in measured(pool, folder.left(), left):
                failed += folder.keep(finished.job, finished.content, finished.reason)
                here += 1
                if progress is not None:
                    seconds = time.monotonic() - started
                    progress(Pace(done=done + here, count=folder.count, here=here, seconds=seconds, failed=failed))
    return folder
