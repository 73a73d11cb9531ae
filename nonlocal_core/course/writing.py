"""Write the course, or some steps of it, on one clip as one HTML file that works offline.

write_course(Path("course.html"), OnClip("clip.mp4").open, step_ids(), progress=tell)
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nonlocal_core.ancestors.filters import is_filter
from nonlocal_core.course import facts, guess, measured, scribbled
from nonlocal_core.course.facts import Fact, Said
from nonlocal_core.course.stages import Stage, shown, stage_of, words_of
from nonlocal_core.course.variants import varied
from nonlocal_core.course.words import learn
from nonlocal_core.errors import NonlocalError, SelectionError
from nonlocal_core.measures.two_formulas import two_formulas
from nonlocal_core.measures.variants import with_blocks
from nonlocal_core.media import Frames, Selection
from nonlocal_core.media.reading import Media
from nonlocal_core.pin import Pin
from nonlocal_core.render import replacing
from nonlocal_core.running.forward import DeviceChoice
from nonlocal_core.saving.provenance import record
from nonlocal_core.session import Session
from nonlocal_core.viewer.export import CourseFile, export_course
from nonlocal_core.vocabulary import Progress

QUESTIONS = 6
"""Number of questions to predict in a file."""
GUESSED = "embedded"
"""The step at which the reader predicts."""
SCRIBBLED = "graphical"
"""The step at which the reader labels a few pixels."""
OpenStep = Callable[[str], Session]
"""Function that opens the session of a step, by its id."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One step in the file's form, and the bundle of its viewer."""

    data: dict[str, object]
    bundle: bytes
    provenance: dict[str, object]


class OnClip:
    """A clip opened with the network of one step after another: frames are read once, each network runs once."""

    def __init__(self, media: Media, frames: Selection | None = None, device: DeviceChoice = "auto") -> None:
        self._media, self._frames, self._device = media, frames, device
        self._read: Frames | None = None
        self._opened: dict[tuple[str | None, str, int | None], Session] = {}

    def open(self, step: str) -> Session:
        """Return the session of a step; a step with a clip of its own is opened on that.

        Raises UnknownNameError for an unknown step, and the errors of ``Session.open``.
        """
        stage = stage_of(step)
        key = (stage.clip, stage.model, stage.short_side)
        if key not in self._opened:
            self._opened[key] = self._open(stage)
        return self._opened[key]

    def _open(self, stage: Stage) -> Session:
        if stage.clip is not None:
            return Session.open(stage.clip, stage.model, device=self._device)
        media, frames = (self._media, self._frames) if self._read is None else (self._read, None)
        session = Session.open(media, stage.model, frames=frames, short_side=stage.short_side, device=self._device)
        self._read = session.frames
        return session


def write_course(path: Path, open_session: OpenStep, steps: Sequence[str], *, progress: Progress) -> Path:
    """Write steps of the course, each once, with their measurements on this clip, and return the path.

    ``open_session``: opens the clip with the network of a step; the variants of a step are made here. If something
    cannot be measured on this clip, the step says why. An error raised by ``progress`` ends the writing and leaves
    nothing behind.
    Raises SelectionError without a step, UnknownNameError for an unknown one, RenderError if it cannot be written.
    """
    if not steps:
        raise SelectionError("A course has at least one step. Name one.")
    steps = tuple(dict.fromkeys(steps))
    made: list[_Step] = []
    for done, step in enumerate(steps):
        progress(f"Step {done + 1} of {len(steps)}", done, len(steps))
        made.append(_made(step, open_session, _measuring(progress, done, len(steps))))
    bundles = list(dict.fromkeys(each.bundle for each in made))
    course = {
        "steps": [each.data | {"bundle": bundles.index(each.bundle)} for each in made],
        "words": learn().predict,
    }
    progress("Writing the file", len(steps), len(steps))
    page = export_course(
        CourseFile(
            title=words_of(steps[0]).title if len(steps) == 1 else learn().page["title"],
            course=json.dumps(course, allow_nan=False),
            bundles=tuple(bundles),
            provenance=record({"steps": [each.provenance for each in made]}),
        )
    )
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def _measuring(progress: Progress, done: int, total: int) -> Callable[[int, int], None]:
    """Return the progress callback of a measurement, which is part of a step and leaves the number done unchanged."""
    return lambda _run, _runs: progress(f"Step {done + 1} of {total}, measuring", done, total)


def _made(step: str, open_session: OpenStep, tell: Callable[[int, int], None]) -> _Step:
    stage = stage_of(step)
    opened = open_session(step)
    session = opened if stage.variant is None else varied(opened, stage.variant)
    asked = replace(session.first_question(), block=stage.block)
    data: dict[str, object] = {
        "lesson": shown(step, frame_count=len(session.frames.rgb), alone=True),
        "clip": session.frames.info.sha256,
        "name": session.frames.info.name,
        "block": session.block(stage.block).name,
        "facts": facts.as_json(_facts(step, session, asked, tell) + _beside(step, session, open_session, asked)),
        "guesses": _guesses(session, stage) if step == GUESSED else [],
        "scribbles": scribbled.shown(session, asked.frame) if step == SCRIBBLED else None,
    }
    return _Step(data, _bundle(session, stage, asked), _provenance(step, session, asked))


def _facts(step: str, session: Session, asked: Pin, tell: Callable[[int, int], None]) -> tuple[Fact, ...]:
    """Return the facts below the pictures of a step, or the reason if they cannot be measured on this clip."""
    measure = _MEASURED.get(step) or (_pixels if is_filter(stage_of(step).model) else None)
    if measure is None:
        return ()
    try:
        found = measure(session, asked, tell)
    except NonlocalError as error:
        return (Said(text=str(error)),)
    return (*found, Said(text=_origin(step))) if step not in _OF_NO_PLACE else found


def _beside(step: str, session: Session, open_session: OpenStep, asked: Pin) -> tuple[Fact, ...]:
    """Return the facts measured with the network of another step, or none if the step needs no other."""
    other = stage_of(step).measured_on
    if other is None:
        return ()
    try:
        return measured.BESIDE[step](session, open_session(other), asked)
    except NonlocalError as error:
        return (Said(text=str(error)),)


def _pixels(session: Session, asked: Pin, _tell: Callable[[int, int], None]) -> tuple[Fact, ...]:
    return measured.pixels(session, asked)


_MEASURED: dict[str, Callable[[Session, Pin, Callable[[int, int], None]], tuple[Fact, ...]]] = {
    "bm3d": lambda session, asked, _tell: measured.matched(session, asked) + measured.pixels(session, asked),
    "embedded": lambda session, asked, _tell: measured.attended(
        session, asked, two_formulas(session, session.block(asked.block))
    ),
    "block": lambda session, _asked, tell: measured.strengths(session, tell),
    "subsampling": lambda session, asked, _tell: facts.pooling(session, asked),
    "spacetime": lambda session, _asked, _tell: facts.scopes(session),
    "cost": lambda session, _asked, tell: facts.sizes(session) + facts.costs(measured.timed_costs(tell)),
    "mark": measured.marks,
    "findings": lambda _session, _asked, _tell: facts.claims(),
    "believe": measured.believed,
}
_OF_NO_PLACE = ("spacetime", "findings")
"""Steps whose facts follow from the sizes, or are those of the page Findings."""


def _origin(step: str) -> str:
    """Return the sentence on the origin of a step's figures, and on what only the app has."""
    elsewhere = {
        "block": "Measured on this clip when this file was written.",
        "cost": "Times over random tables of 64 channels, on the machine that wrote this file; best of three runs.",
    }
    asked = "Measured for the position that is asked on arrival, when this file was written. The app measures any other"
    return elsewhere.get(step, f"{asked}, with sliders." if stage_of(step).sliders else f"{asked}.")


def _guesses(session: Session, stage: Stage) -> list[dict[str, object]]:
    """Return the questions of a file, with the data that scores them."""
    block = session.block(stage.block)
    asked = [guess.question(block, turn) for turn in range(QUESTIONS)]
    return [guess.shown(session, block, each) | guess.answered(session, block, each) for each in asked]


def _bundle(session: Session, stage: Stage, asked: Pin) -> bytes:
    """Return the bundle for a step's viewer: the one block, or all blocks for variants; without columns for a filter.

    It does not name the block, so that steps of one block share a bundle.
    """
    of_step = session if stage.variant else with_blocks(session, (session.block(stage.block),))
    return of_step.bundle(replace(asked, block=None), tour=(), columns=not is_filter(stage.model))


def _provenance(step: str, session: Session, asked: Pin) -> dict[str, object]:
    frames, card = session.frames, session.model.card
    return {
        "step": step,
        "clip_name": frames.info.name,
        "clip_sha256": frames.info.sha256,
        "frame_indices": frames.frame_indices.tolist(),
        "warnings": list(frames.warnings),
        "input_hw": list(session.view.input_hw),
        "model": card.id,
        "weights": dict(card.weights),
        "device": session.model.device.title,
        "block": session.block(asked.block).name,
        "query": [asked.frame, asked.x, asked.y],
    }
