"""Answer to "who wore the mark?" at a position, against the truth, also with its attention changed.

session = Session.open("sample:marked", "lite0-mark")
found = who_wore(session, frame=3, x=0.77, y=0.56)
found.truth, dict(zip(found.answer.classes, found.answer.probabilities))
who_wore(session, frame=3, x=0.77, y=0.56, change="block off").answer
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32

from nonlocal_core.capture import BlockCapture
from nonlocal_core.errors import CaptureError, UnknownNameError
from nonlocal_core.geometry import pixel_at
from nonlocal_core.measures.ablation import Answer, logits_of
from nonlocal_core.measures.tracking import known_masks
from nonlocal_core.media.marked import MARKS, swapped
from nonlocal_core.models import MarkNetwork
from nonlocal_core.session import Session

Change = Literal["as it is", "block off", "strongest keys cut", "marks swapped"]
"""Change of the run: none; the block passes its input on; all keys that the position weighs above an even share are cut
for every query; every object wears another one's mark."""
CHANGES: tuple[Change, ...] = get_args(Change)
TURN = {mark: (mark + 1) % len(MARKS) for mark in range(len(MARKS))}
"""Mark that takes the place of another when marks are swapped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkAnswer:
    """Answer at one position, and the truth if it is known."""

    asked: str | None
    """Name of the object at the position, or None for the ground."""
    truth: str | None
    """Mark that this object wears, or None for the ground."""
    marked_frame: int
    """Frame of the shown clip in which marks are worn."""
    answer: Answer
    worn: Mapping[str, str]
    """Mark of each object."""
    cut: int
    """Number of keys that were cut."""


def answers_marks(session: Session) -> bool:
    """Return whether the session's network tells who wore a mark, on a clip in which an object wears one."""
    marks = session.frames.marks
    return isinstance(session.model.network, MarkNetwork) and marks is not None and bool(marks.any())


def who_wore(
    session: Session, *, frame: int, x: float, y: float, change: Change = "as it is", name: str | None = None
) -> MarkAnswer:
    """Return the mark that the network says the object at a point wears; arguments as for ``Session.query``.

    ``change``: applies to this run alone. ``name``: a snapshot's block, or None for the one that is shown first.
    Raises CaptureError for another network or a clip in which no object wears a mark, OutsideGridError for a point
    outside the frame, UnknownNameError for an unknown change, DeviceMemoryError.
    """
    if change not in CHANGES:
        raise UnknownNameError("change", change, CHANGES)
    block = _block_of(session, name)
    cell = block.query_grid.cell_at(frame=frame, x=x, y=y)
    cut = strongest_keys(session, frame=frame, x=x, y=y, name=name) if change == "strongest keys cut" else None
    every = mark_answers(session, change=change, cut=cut, name=name)
    named = {name: masks[frame] for name, masks in _masks(session).items()}
    asked = next((name for name, mask in named.items() if mask[pixel_at(x, y, mask.shape)]), None)
    worn = worn_by(session, change)
    return MarkAnswer(
        asked=asked,
        truth=None if asked is None else worn[asked],
        marked_frame=marked_frame(session),
        answer=Answer(classes=MARKS, probabilities=every[cell.t, cell.y, cell.x]),
        worn=worn,
        cut=0 if cut is None else int(cut.sum()),
    )


def mark_answers(
    session: Session,
    *,
    change: Change = "as it is",
    cut: Bool[np.ndarray, " Nk"] | None = None,
    name: str | None = None,
) -> Float32[np.ndarray, "T h w K"]:
    """Return the probability of each mark at every position. ``cut``: keys (Nk,) that no query may look at."""
    block = _block_of(session, name)
    shown = session.frames if change != "marks swapped" else swapped(session.frames, TURN)
    logits = logits_of(
        replace(session, frames=shown),
        switched_off=(block.name,) if change == "block off" else (),
        cut_keys=None if cut is None else {block.name: cut},
    )
    grid = block.query_grid
    names = [inserted.name for inserted in session.model.network.inserted]
    every: np.ndarray = logits.softmax(-1)[0].numpy().reshape(len(names), *grid.shape, len(MARKS))
    found: np.ndarray = every[names.index(block.name)]
    return found


def strongest_keys(
    session: Session, *, frame: int, x: float, y: float, name: str | None = None
) -> Bool[np.ndarray, " Nk"]:
    """Return the keys of a point's row above an even share: those that are drawn as heat."""
    row = session.query(frame=frame, x=x, y=y, block=_block_of(session, name).name)
    found: np.ndarray = row.values > row.uniform
    return found


def worn_by(session: Session, change: Change = "as it is") -> dict[str, str]:
    """Return the mark of each object that wears one, by its name."""
    marks, frame = session.frames.marks, marked_frame(session)
    assert marks is not None
    worn = {}
    for name, masks in _masks(session).items():
        own = marks[frame][masks[frame]]
        if own.any():
            mark = int(np.bincount(own).argmax()) - 1
            worn[name] = MARKS[TURN[mark] if change == "marks swapped" else mark]
    return worn


def marked_frame(session: Session) -> int:
    """Return the shown frame in which marks are worn. Raises CaptureError if there is none."""
    marks = session.frames.marks
    if marks is None or not marks.any():
        raise CaptureError("Nobody wears a mark in these frames. Open sample:marked, with all of its frames.")
    return int(marks.any(axis=(1, 2)).argmax())


def _block_of(session: Session, name: str | None) -> BlockCapture:
    if not isinstance(session.model.network, MarkNetwork):
        raise CaptureError(f"{session.model.card.title} knows nothing of marks. Open the clip with lite0-mark.")
    marked_frame(session)
    return session.block(name)


def _masks(session: Session) -> dict[str, Bool[np.ndarray, "T H W"]]:
    return known_masks(session.sample, session.frames.frame_indices)
