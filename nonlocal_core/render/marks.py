"""Marks on a picture: the box of the asked cell, and arrows between it and the strongest cells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from nonlocal_core.geometry import Box, Cell, Grid
from nonlocal_core.look import LETTERS, PIN_TONE, PINS, Answer, Segment
from nonlocal_core.render.text import font

Point = tuple[float, float]
Colour = tuple[int, int, int]

BEND = 0.2  # height of a short curve over its chord
LEAST_LETTER = 11  # pixels
RIM: Colour = (14, 14, 18)
MINUS: Colour = (110, 205, 255)
"""Colour of the box of a subtracted cell."""
WHITE: Colour = (255, 255, 255)
"""Colour of the box of an asked cell if one pin is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """One arrow in pixels of the picture. ``strength`` in [0, 1] sets its width and opacity.

    It keeps ``gap_px`` from ``stop``, so that the cell stays visible. ``reach_px`` is the upper bound of the height of
    its curve over the chord.
    """

    start: Point
    stop: Point
    colour: Colour
    strength: float
    reach_px: float
    gap_px: float = 0.0


def pin_colours(count: int) -> tuple[Colour, ...]:
    """Return the colours of ``count`` pins, white for one."""
    if count == 1:
        return (WHITE,)
    colours = (ramp[PIN_TONE].tolist() for ramp in PINS[:count])
    return tuple((red, green, blue) for red, green, blue in colours)


def lettered_cells(answers: Sequence[Answer]) -> list[tuple[str, Cell, Grid, Colour]]:
    """Return letter, first cell, grid and colour of each pin or side of a difference; none for a single one."""
    if len(answers) == 1 and answers[0].minus:
        groups = [(answers[0].asked_cells, answers[0].asked_grid), (answers[0].minus, answers[0].asked_grid)]
    else:
        groups = [(one.marked_cells, one.asked_grid) for one in answers]
    if len(groups) == 1:
        return []
    letters = zip(LETTERS, groups, pin_colours(len(groups)), strict=False)
    return [(letter, cells[0], grid, colour) for letter, (cells, grid), colour in letters if cells]


def outline(picture: UInt8[np.ndarray, "h w 3"], bounds: Box, colour: Colour = (255, 255, 255)) -> None:
    """Draw a small box with a dark rim around ``bounds`` (in units of the frame), in place.

    The rim keeps it visible on white. A cell smaller than the pen also gets a visible box.
    """
    height, width = picture.shape[:2]
    pen = min(max(1, round(min(height, width) / 130)), 4)
    x0, y0, x1, y1 = bounds
    left, right = _edges(x0 * width, x1 * width, 5 * pen)
    top, bottom = _edges(y0 * height, y1 * height, 5 * pen)
    _frame(picture, (left - 2 * pen, top - 2 * pen, right + 2 * pen, bottom + 2 * pen), pen, RIM)
    _frame(picture, (left - pen, top - pen, right + pen, bottom + pen), pen, colour)
    _frame(picture, (left, top, right, bottom), max(1, pen // 2), RIM)


def letter(picture: UInt8[np.ndarray, "h w 3"], bounds: Box, text: str, colour: Colour) -> None:
    """Write the letter of a pin on its colour at the top left of ``bounds`` (in units of the frame), in place."""
    height, width = picture.shape[:2]
    size = max(LEAST_LETTER, round(min(height, width) / 24))
    middle = (round(bounds[0] * width), round(bounds[1] * height))
    drawn = Image.fromarray(picture)
    pen = ImageDraw.Draw(drawn)
    pen.rectangle(
        (middle[0] - size // 2, middle[1] - size // 2, middle[0] + size // 2, middle[1] + size // 2), fill=colour
    )
    pen.text(middle, text, font=font(size), fill=RIM, anchor="mm")
    picture[:] = np.asarray(drawn)


def walls(picture: UInt8[np.ndarray, "h w 3"], pieces: Sequence[Segment]) -> None:
    """Draw the walls of a window, given as pieces in units of the frame, dashed on a dark rim, in place."""
    if not pieces:
        return
    height, width = picture.shape[:2]
    pen = min(max(1, round(min(height, width) / 260)), 2)
    drawn = Image.fromarray(picture)
    lines = ImageDraw.Draw(drawn)
    placed = [(x0 * width, y0 * height, x1 * width, y1 * height) for x0, y0, x1, y1 in pieces]
    for piece in placed:
        lines.line(piece, fill=RIM, width=3 * pen)
    for piece in placed:
        for dash in dashes(piece, 5 * pen, 4 * pen):
            lines.line(dash, fill=WHITE, width=pen)
    picture[:] = np.asarray(drawn)


def dashes(piece: Segment, drawn: float, left_out: float) -> Iterator[Segment]:
    """Yield the dashes of a straight line, with given lengths of dashes and gaps."""
    x0, y0, x1, y1 = piece
    length = max(abs(x1 - x0), abs(y1 - y0))
    for start in np.arange(0, length, drawn + left_out).tolist():
        ends = (start / length, min(start + drawn, length) / length)
        (xa, ya), (xb, yb) = ((x0 + part * (x1 - x0), y0 + part * (y1 - y0)) for part in ends)
        yield xa, ya, xb, yb


def _edges(start: float, stop: float, least: int) -> tuple[int, int]:
    middle, reach = (start + stop) / 2, max(stop - start, least) / 2
    return round(middle - reach), round(middle + reach)


def _frame(picture: UInt8[np.ndarray, "h w 3"], box: tuple[int, int, int, int], pen: int, colour: Colour) -> None:
    left, top, right, bottom = box
    sides = (
        (left, top, right, top + pen),
        (left, bottom - pen, right, bottom),
        (left, top, left + pen, bottom),
        (right - pen, top, right, bottom),
    )
    for x_start, y_start, x_stop, y_stop in sides:
        # A negative stop would count from the far edge, so a side that lies outside becomes empty instead.
        picture[max(y_start, 0) : max(y_stop, 0), max(x_start, 0) : max(x_stop, 0)] = colour


def bend(start: Float[np.ndarray, "2"], stop: Float[np.ndarray, "2"], reach: float) -> Float[np.ndarray, "2"]:
    """Return the control point of a quadratic curve that bends upwards, or to the right if the chord is upright."""
    chord = stop - start
    length = float(np.linalg.norm(chord))
    height = reach * BEND * length / (reach + BEND * length)
    normal = np.array([chord[1], -chord[0]]) / length
    if (normal[1], -normal[0]) > (0, 0):
        normal = -normal
    return np.asarray((start + stop) / 2 + 2 * height * normal)
