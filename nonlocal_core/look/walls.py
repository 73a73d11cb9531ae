"""Walls of a window: the border of the cells that an answer within windows reaches."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from jaxtyping import Bool

from nonlocal_core.look.answer import Answer

NO_WEIGHT = 1e-30
"""Weight below which a cell lies outside, as in ``model/answer.js``: masks inside sequences leave about exp(-100)."""
Segment = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in units of the frame."""


def walls_of(answer: Answer, t: int | None) -> list[Segment]:
    """Return the straight pieces of the walls in one step; none for an answer without windows or without a step."""
    if t is None or not answer.is_walled:
        return []
    inside = np.abs(answer.heat[t]) > NO_WEIGHT
    left, top, right, bottom = answer.grid.box
    across, down = (right - left) / answer.grid.cols, (bottom - top) / answer.grid.rows
    level = [
        (left + start * across, top + y * down, left + stop * across, top + y * down)
        for y, start, stop in _runs(inside)
    ]
    upright = [
        (left + x * across, top + start * down, left + x * across, top + stop * down)
        for x, start, stop in _runs(inside.T)
    ]
    return level + upright


def _runs(inside: Bool[np.ndarray, "_n _m"]) -> Iterator[tuple[int, int, int]]:
    """Yield line, start and stop of each piece of border between two rows, from 0 above the first row."""
    outside = np.zeros_like(inside[:1])
    borders = np.diff(np.concatenate([outside, inside, outside]), axis=0)
    for line, border in enumerate(borders):
        ends = np.flatnonzero(np.diff(np.concatenate([[False], border, [False]])))
        yield from ((line, int(start), int(stop)) for start, stop in list(pairwise(ends))[::2])
