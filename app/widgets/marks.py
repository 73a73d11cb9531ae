"""Mark on an object in one frame, to be found in all others: a known object, a clicked one, or a box."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from nonlocal_core import BlockCapture, Session
from nonlocal_core.geometry import box_mask, cells_mask, pixel_at
from nonlocal_core.measures.region import CHANCE, region_around
from nonlocal_core.measures.tracking import region_similarity
from nonlocal_core.render import paint_mask

from ..server import visit
from ..server.memory import remembered
from ..server.opened import OpenedClip
from .boxes import around, pick_box
from .clicks import Point, cell_under, last_click, pick_point

BOX, CLICK = "A box", "What I click"
WIDTHS = (4.0, 2.8, 2.0, 1.4, 1.0, CHANCE, 0.5, 0.35, 0.25, 0.18, 0.12)
"""Minimum visits of the walk to a cell of a region, in multiples of chance, from the narrowest region to the widest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mark:
    """The marked pixels of one frame (h, w), and their parameters in the address."""

    mask: np.ndarray
    link: dict[str, str] = field(default_factory=dict)
    truth: str | None = None
    """Name of the known object that was meant, or None if it is unknown."""


def linked(name: str, count: int, allowed: range) -> tuple[int, ...] | None:
    """Return the numbers of a query parameter, or None unless there are ``count`` of them, all allowed."""
    parts = (visit.asked(name) or "").split(",")
    numbers = tuple(int(part) for part in parts if part.isdecimal() and len(part) < 5 and int(part) in allowed)
    return numbers if len(numbers) == len(parts) == count else None


def what_to_find(session: Session, truths: Mapping[str, np.ndarray]) -> str:
    """Draw the choice of the object to find, on arrival as in the address or the first question."""
    asked, ways = session.first_question(), [*truths, CLICK, BOX]
    under = object_under(truths, asked.frame, (asked.x, asked.y)) or ways[0]
    named = visit.asked("find")
    first = named if named in ways else under
    return st.segmented_control("What to find", ways, default=first, required=True, key=f"track-what-of-{len(ways)}")


def object_under(truths: Mapping[str, np.ndarray], frame: int, point: Point) -> str | None:
    """Return the name of the known object at a point of a frame, or None if there is none."""
    for name, masks in truths.items():
        if masks[frame][pixel_at(*point, masks[frame].shape)]:
            return name
    return None


def mark(opened: OpenedClip, block: BlockCapture, truths: Mapping[str, np.ndarray], way: str, frame: int) -> Mark:
    """Draw the marked frame and the controls of its mark, and return the mark.

    Raises CaptureError or OutsideGridError if a click marks nothing that could be tracked.
    """
    session, picture = opened.session, opened.session.frames.rgb[frame]
    if way == CLICK:
        return _clicked(opened, block, truths, frame)
    if way == BOX:
        return _boxed(session, picture)
    mask: np.ndarray = truths[way][frame]
    alt = f"Frame {frame + 1} with the {way} marked"
    st.image(paint_mask(picture, mask), alt=alt, width="stretch", output_format="JPEG")
    st.caption(f"The exact pixels of the {way} in frame {frame + 1}, known since this sample was composed.")
    return Mark(mask=mask, truth=way)


def _boxed(session: Session, picture: np.ndarray) -> Mark:
    first = around(session)
    if ends := linked("box", 4, range(101)):
        x0, y0, x1, y1 = (end / 100 for end in ends)
        first = (x0, y0, x1, y1)
    box = pick_box(
        picture,
        key=f"track-{session.frames.info.sha256}",
        first=first,
        note="Draw a box around an object, or use the sliders.",
    )
    return Mark(mask=box_mask(box, picture.shape[:2]), link={"box": ",".join(str(round(100 * end)) for end in box)})


def _clicked(opened: OpenedClip, block: BlockCapture, truths: Mapping[str, np.ndarray], frame: int) -> Mark:
    """Draw the region that the block itself groups around the click."""
    session, grid = opened.session, block.key_grid
    asked, picture, key = session.first_question(), session.frames.rgb[frame], f"click-{session.frames.info.sha256}"
    arrived = linked("point", 2, range(1001))
    point = last_click(key, (arrived[0] / 1000, arrived[1] / 1000) if arrived else (asked.x, asked.y))
    cell, width = cell_under(grid, frame, point), f"{key}-width"
    chance = st.session_state.setdefault(width, _linked_width())
    x, y = grid.center(cell)
    cells = remembered(
        (opened.token, block.name, cell, frame, chance, "region"),
        "Walking from the click",
        lambda _tell: region_around(block, frame=frame, x=x, y=y, chance=chance),
    )
    mask = cells_mask(cells, grid, picture.shape[:2])
    st.markdown("**Click an object in the picture.** The blue region is what the block takes for it.")
    pick_point(paint_mask(picture, mask), key=key, grid=grid, cell=cell)
    st.select_slider(
        "Narrower or wider",
        WIDTHS,
        key=width,
        format_func=lambda times: f"{times:g} × chance",
        help="A walk starts at the click and goes from cell to cell by the block's weights. Blue is the piece around "
        "the click to which it comes at least this many times as often as by chance. Further right is wider.",
    )
    name = object_under(truths, frame, point)
    st.caption(_said(mask, truths[name][frame] if name else None, name))
    link = {"point": ",".join(str(round(1000 * part)) for part in point), "width": str(round(100 * chance))}
    return Mark(mask=mask, link=link, truth=name)


def _linked_width() -> float:
    arrived = linked("width", 1, range(1001))
    return next((times for times in WIDTHS if arrived and round(100 * times) == arrived[0]), CHANCE)


def _said(mask: np.ndarray, truth: np.ndarray | None, name: str | None) -> str:
    found = (
        "Found by the block itself from its weights in this frame. Where it misses a part or spills over, use a box."
    )
    if truth is None:
        return found
    return f"Overlap J {region_similarity(mask[None], truth[None])[0]:.2f} with the exact pixels of the {name}. {found}"
