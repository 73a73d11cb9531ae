"""Tables of chosen clips: theta and phi of every block in 16 bits, as bundles that Python and the viewer open.

They are made in a second pass, once the figures that choose them exist.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nonlocal_core.asking import Questions
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.capture import Capture
from nonlocal_core.errors import SurveyError
from nonlocal_core.render.writing import replacing
from nonlocal_core.survey.condition import condition
from nonlocal_core.survey.local import LocalEngine
from nonlocal_core.survey.plan import Job
from nonlocal_core.survey.pool import Finished, measured
from nonlocal_core.survey.records import as_table
from nonlocal_core.survey.result import ResultFolder
from nonlocal_core.survey.run import Engine, Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenClip:
    """Clip and network whose tables are wanted. ``table_bytes``: size of theta and phi of all blocks in 16 bits."""

    place: int
    clip: str
    model: str
    sha256: str
    table_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Clips of a survey that a condition chooses, in the survey's order, and those without tables yet."""

    folder: ResultFolder
    chosen: tuple[ChosenClip, ...]

    @property
    def left(self) -> tuple[ChosenClip, ...]:
        """Clips whose tables are still to be made."""
        return tuple(each for each in self.chosen if not self.folder.bundle(each.place, each.model).exists())

    @property
    def left_bytes(self) -> int:
        """Size of their tables in bytes, in 16 bits; a block takes twice as many if a row would suffer."""
        return sum(each.table_bytes for each in self.left)

    @property
    def sentence(self) -> str:
        """Numbers of chosen and finished clips, bytes to be written, and free space on the disk."""
        there = len(self.chosen) - len(self.left)
        free = shutil.disk_usage(self.folder.path).free
        return (
            f"Tables of {len(self.chosen):,} clips and networks, {there:,} of them there: {self.left_bytes / 1e6:,.0f} "
            f"MB to write, pictures apart; {free / 1e6:,.0f} MB are free."
        )


def choose(result: str | Path, words: str) -> Choice:
    """Return the clips of a survey with a row that fulfils a condition (`survey.condition`).

    Raises SurveyError for a folder without a survey, and for a text that is not a condition.
    """
    folder, wanted = ResultFolder(result), condition(words)
    sizes: dict[tuple[int, str], int] = {}
    chosen: dict[tuple[int, str], dict[str, Any]] = {}
    for table in folder.tables():
        figures = table.filter(table["reason"].is_null())
        for row in figures.select(["place", "model", "table_bytes"]).to_pylist():
            key = row["place"], row["model"]
            sizes[key] = sizes.get(key, 0) + row["table_bytes"]
        for row in figures.filter(wanted).select(["place", "clip", "model", "sha256"]).to_pylist():
            chosen[row["place"], row["model"]] = row
    return Choice(folder=folder, chosen=tuple(ChosenClip(**row, table_bytes=sizes[key]) for key, row in chosen.items()))


def keep_tables(
    choice: Choice, *, engine: Engine | None = None, progress: Callable[[Pace], None] | None = None
) -> dict[str, str]:
    """Run the chosen clips again and write their tables beside the rows; return the clips that failed, with reasons.

    Existing tables are not made again, so that a stopped run is resumed. ``engine``: as for ``survey``.
    Raises SurveyError if the disk has no room, or another survey is writing.
    """
    folder, left = choice.folder, choice.left
    free = shutil.disk_usage(folder.path).free
    if choice.left_bytes > free:
        raise SurveyError(f"{choice.sentence} Choose fewer clips, or make room.")
    failed: dict[str, str] = {}
    started = time.monotonic()
    with folder.writing():
        folder.tidy()
        for model in dict.fromkeys(each.model for each in left):
            plan = replace(folder.plan, models=(model,), index=None, keeps="tables")
            wanted = {each.place: each for each in left if each.model == model}
            jobs = [Job(each.place, each.clip) for each in wanted.values()]
            with (engine or LocalEngine()).start(plan) as pool:
                for done, finished in enumerate(measured(pool, jobs, len(jobs)), start=1):
                    reason = _keep(folder, wanted[finished.job.place], finished)
                    failed |= {finished.job.clip: reason} if reason else {}
                    if progress is not None:
                        seconds = time.monotonic() - started
                        progress(Pace(done=done, count=len(jobs), here=done, seconds=seconds, failed=len(failed)))
    return failed


def _keep(folder: ResultFolder, chosen: ChosenClip, finished: Finished) -> str | None:
    """Write the bundle of a clip, or return the reason why there is none."""
    if finished.content is None:
        return finished.reason
    (made,) = as_table(finished.content).to_pylist()
    if made["bundle"] is None:
        return str(made["reason"])
    if made["sha256"] != chosen.sha256:
        return f"{chosen.clip} has changed since it was surveyed. Survey it into a new folder."
    with replacing(folder.bundle(chosen.place, chosen.model)) as part:
        part.write_bytes(made["bundle"])
    return None


def open_tables(result: str | Path, clip: str, model: str | None = None) -> Questions:
    """Return the tables of a clip, which answer questions as a session does, without the clip or the network.

    ``clip``: its address in the survey. ``model``: one of the survey's networks, or None for the first that has tables.
    Raises SurveyError for a clip without tables.
    """
    folder = ResultFolder(result)
    places = [place for place, named in enumerate(folder.clips()) if named == clip]
    for row in folder.of_clip(places[0], ["model"])["model"].unique().to_pylist() if places else ():
        file = folder.bundle(places[0], row)
        if model in (None, row) and file.exists():
            bundle = decode_bundle(file.read_bytes())
            blocks = tuple(block.capture for block in bundle.blocks)
            return Questions(capture=Capture(blocks=blocks, classes=bundle.classes, shown=bundle.view.block))
    raise SurveyError(f"{folder.path} has no tables of {clip}{f' and {model}' if model else ''}. Survey with --tables.")
