"""The choice of frames from a part of the clip: spread, every n-th, or listed, with a preview before a run."""

import re
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from nonlocal_core import Frames, NonlocalError

from ..server import visit
from ..server.memory import remembered
from ..server.resources import preview
from ..server.visit import MOST_FRAMES, SHORT_SIDES, Choices
from . import unmarked
from .opening import FRAMES_OPEN

SPREAD, NTH, EXACTLY = "Spread evenly", "Every n-th", "Exactly these"
DEFAULT_SHORT_SIDE = 224
STRIP_COLUMNS, STRIP_GAP = 8, 4
_PART = re.compile(r"(\d{1,9})(?:\s*[-–]\s*(\d{1,9}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Frames to read, by their indices in the clip. ``evenly``: that many, spread over the duration of the clip."""

    indices: tuple[int, ...] = ()
    evenly: int | None = None
    refused: str = ""
    """A sentence on the reason why nothing can be read."""


@st.fragment
def draw(choices: Choices, frames: Frames) -> None:
    """Draw the choice for the open clip; a picture has only its size to choose."""
    info = frames.info
    count = info.frame_count or len(frames.rgb)
    key = f"{info.sha256[:16]}-{count}"
    wanted = None if count == 1 else _choice(frames, count, key, is_chosen=_chooses(choices))
    before = choices.short_side if choices.short_side in SHORT_SIDES else DEFAULT_SHORT_SIDE
    side = st.select_slider("Short side of the network's input, pixels", SHORT_SIDES, before, key=f"side-{key}")
    st.caption(
        "A larger side gives a finer answer and takes longer."
        if wanted is None
        else "More frames and a larger side give a finer answer and take longer."
    )
    if wanted is not None and wanted.refused:
        unmarked.hint(wanted.refused)
    elif wanted is not None:
        _say(choices, wanted, frames, count)
    if st.button(
        "Apply", type="primary", key="frames-apply", disabled=bool(wanted and wanted.refused), on_click=_close
    ):
        exactly = None if wanted is None or wanted.evenly else wanted.indices
        spread = None if wanted is None else wanted.evenly
        small = choices.short_side if side == before else side
        visit.update(frames=spread, frame_indices=exactly, stride=None, start_seconds=None, short_side=small)
        st.rerun()


def _close() -> None:
    st.session_state[FRAMES_OPEN] = False


def _chooses(choices: Choices) -> bool:
    """Return whether the address asks for more than a number of frames."""
    return any(asked is not None for asked in (choices.frame_indices, choices.stride, choices.start_seconds))


def _choice(frames: Frames, count: int, key: str, *, is_chosen: bool) -> Wanted:
    shown = frames.frame_indices.tolist()
    way = st.segmented_control(
        "Which frames",
        (SPREAD, NTH, EXACTLY),
        default=EXACTLY if is_chosen else SPREAD,
        required=True,
        key=f"way-{key}",
    )
    if way == EXACTLY:
        text = st.text_input(
            f"Frames of the clip, from 1 to {count}",
            ", ".join(str(index + 1) for index in shown),
            help="Numbers and ranges, for example: 1, 5, 9-12",
            key=f"exact-{key}",
        )
        return exactly(text or "", count)
    first, last = st.slider("From frame to frame", 1, count, (1, count), key=f"range-{key}")
    if way == NTH:
        step = st.number_input("Every n-th frame", 1, count, max(1, count // len(shown)), key=f"step-{key}")
        return every_nth(first - 1, last, int(step))
    most = min(MOST_FRAMES, last - first + 1)
    # one key for each upper limit, so that ranges of one length share the chosen number
    many = st.slider("How many", 1, max(most, 2), min(len(shown), most), key=f"many-{key}-{most}")
    return evenly(first - 1, last, many, whole=(first, last) == (1, count))


def evenly(first: int, stop: int, many: int, *, whole: bool) -> Wanted:
    """Return frames spread over [first, stop), both ends included; over the whole clip they are spread in time.

    >>> evenly(10, 21, 3, whole=False).indices
    (10, 15, 20)
    """
    many = min(many, stop - first)
    spread = np.unique(np.rint(np.linspace(first, stop - 1, many)).astype(int))
    return Wanted(indices=tuple(spread.tolist()), evenly=many if whole else None)


def every_nth(first: int, stop: int, step: int) -> Wanted:
    """Return every step-th frame of [first, stop), up to the maximum that can be shown.

    >>> every_nth(2, 12, 4).indices
    (2, 6, 10)
    """
    return Wanted(indices=tuple(range(first, stop, step))[:MOST_FRAMES])


def exactly(text: str, count: int) -> Wanted:
    """Return the frames that a visitor lists, counted from 1, in any order.

    >>> exactly("3, 1, 5-7", 8).indices
    (0, 2, 4, 5, 6)
    >>> exactly("1, 9", 8).refused
    'The clip has the frames 1 to 8; there is no frame 9.'
    """
    found: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _PART.fullmatch(part)
        if match is None:
            return Wanted(refused=f"Give numbers and ranges, for example 1, 5, 9-12; {part[:40]!r} is neither.")
        first, last = int(match[1]), int(match[2] or match[1])
        outside = next((number for number in (first, last) if not 1 <= number <= count), None)
        if outside is not None:
            return Wanted(refused=f"The clip has the frames 1 to {count}; there is no frame {outside}.")
        found.update(range(min(first, last) - 1, max(first, last)))
    if not found:
        return Wanted(refused="Give at least one frame, for example 1, 5, 9-12.")
    if len(found) > MOST_FRAMES:
        return Wanted(refused=f"At most {MOST_FRAMES} frames are shown at once; these are {len(found)}.")
    return Wanted(indices=tuple(sorted(found)))


def _say(choices: Choices, wanted: Wanted, frames: Frames, count: int) -> None:
    """Draw a description of the chosen frames, and the frames themselves on request."""
    numbers = [str(index + 1) for index in wanted.indices]
    named = ", ".join(numbers) if len(numbers) <= 8 else f"{', '.join(numbers[:3])} … {numbers[-1]}"
    st.caption(f"{len(numbers)} of {count} frames: {named}.")
    if not st.toggle("Look at them first", key="frames-preview"):
        return
    try:
        pictures = remembered(
            (frames.info.sha256, wanted.indices, "preview"),
            "Reading frames",
            lambda tell: preview(replace(choices, frame_indices=wanted.indices), tell),
        )
    except NonlocalError as error:
        unmarked.hint(error)
        return
    st.image(strip(pictures), alt=f"Frames {', '.join(numbers)} of the clip", width="stretch", output_format="JPEG")


def strip(pictures: np.ndarray) -> np.ndarray:
    """Return pictures (T, h, w, 3) uint8 side by side, in rows of ``STRIP_COLUMNS``, on white.

    >>> strip(np.zeros((9, 10, 20, 3), np.uint8)).shape
    (24, 188, 3)
    """
    count, height, width = pictures.shape[:3]
    columns = min(count, STRIP_COLUMNS)
    rows = -(-count // columns)
    sheet = np.full(
        (rows * (height + STRIP_GAP) - STRIP_GAP, columns * (width + STRIP_GAP) - STRIP_GAP, 3), 255, np.uint8
    )
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * (height + STRIP_GAP), (index % columns) * (width + STRIP_GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet
