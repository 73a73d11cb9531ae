"""Marks on a picture: the box of the query cell, and arrows from the query to the strongest keys."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from nonlocal_core.geometry import Box, Cell, Grid

Point = tuple[float, float]
Colour = tuple[int, int, int]

SUPERSAMPLE = 3  # supersampling of arrows, since Pillow's lines have no soft edges
STEPS = 80  # straight pieces per curve
BEND = 0.2  # height of a short curve over its chord
RIM: Colour = (14, 14, 18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """One arrow in pixels of the picture. ``strength`` in [0, 1] sets its width and opacity.

    It ends ``gap_px`` before ``stop``, so that the key stays visible. ``reach_px`` is the upper bound of the height of
    its curve over the chord.
    """

    start: Point
    stop: Point
    colour: Colour
    strength: float
    reach_px: float
    gap_px: float = 0.0


def outline(picture: UInt8[np.ndarray, "h w 3"], bounds: Box) -> None:
    """Draw a small white box with a dark rim around ``bounds`` (in units of the frame), in place.

    The rim keeps it visible on white. A cell smaller than the pen gets a visible box as well.
    """
    height, width = picture.shape[:2]
    pen = min(max(1, round(min(height, width) / 130)), 4)
    x0, y0, x1, y1 = bounds
    left, right = _edges(x0 * width, x1 * width, 5 * pen)
    top, bottom = _edges(y0 * height, y1 * height, 5 * pen)
    _frame(picture, (left - 2 * pen, top - 2 * pen, right + 2 * pen, bottom + 2 * pen), pen, RIM)
    _frame(picture, (left - pen, top - pen, right + pen, bottom + pen), pen, (255, 255, 255))
    _frame(picture, (left, top, right, bottom), max(1, pen // 2), RIM)


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


def strongest(
    heat: Float[np.ndarray, "T H W"], grid: Grid, *, count: int, leave_out: Collection[int] = ()
) -> tuple[tuple[Cell, float], ...]:
    """Return the ``count`` (cell, value) pairs of largest absolute value, largest first, ties in grid order.

    ``leave_out``: steps that are not considered. Zeros and values that are not finite never count.
    """
    sizes = np.where(np.isfinite(heat), np.abs(heat), 0)
    sizes[list(leave_out)] = 0
    order = np.argsort(-sizes, axis=None, kind="stable")[:count]
    return tuple((grid.cell(int(i)), float(heat.flat[i])) for i in order if sizes.flat[i] > 0)


def draw_arrows(picture: Image.Image, arrows: Collection[Arrow], *, pen_px: float) -> Image.Image:
    """Return the picture with curved arrows over it, faint at the query, clear at the key, the strongest on top."""
    if not arrows:
        return picture
    layer = Image.new("RGBA", (picture.width * SUPERSAMPLE, picture.height * SUPERSAMPLE))
    pen = ImageDraw.Draw(layer)
    for arrow in sorted(arrows, key=lambda arrow: arrow.strength):
        _draw_arrow(pen, arrow, pen_px * SUPERSAMPLE)
    return Image.alpha_composite(picture.convert("RGBA"), layer.reduce(SUPERSAMPLE)).convert("RGB")


def _draw_arrow(pen: ImageDraw.ImageDraw, arrow: Arrow, pen_px: float) -> None:
    width = pen_px * (0.5 + 0.5 * arrow.strength)
    curve = SUPERSAMPLE * _cut_short(_arc(np.array(arrow.start), np.array(arrow.stop), arrow.reach_px), arrow.gap_px)
    if len(curve) < 5:
        return
    head = min(3.4 * width, float(np.linalg.norm(curve[-1] - curve[0])) / 2)
    shaft = curve[np.linalg.norm(curve - curve[-1], axis=1) > 0.7 * head]
    opacity = np.linspace(0.1, 1, len(shaft)) * (0.3 + 0.7 * arrow.strength)
    # The dark rim comes first, so that the stronger of two crossing arrows cuts a thin gap into the weaker.
    for thickness, colour, strength in ((2.0 * width, RIM, 0.5), (width, arrow.colour, 1.0)):
        for start, stop, share in zip(shaft[:-1], shaft[1:], opacity[1:], strict=True):
            ink = (*colour, round(255 * share * strength))
            pen.line([*start, *stop], fill=ink, width=max(1, round(thickness)))
    tip, back = curve[-1], (curve[-1] - curve[-4]) / np.linalg.norm(curve[-1] - curve[-4])
    side = np.array([-back[1], back[0]]) * head * 0.42
    corners = [tip, tip - back * head + side, tip - back * head * 0.75, tip - back * head - side]
    outlined = [float(v) for corner in corners for v in corner]
    pen.line([*outlined, *outlined[:2]], fill=(*RIM, round(150 * opacity[-1])), width=max(1, round(width)))
    pen.polygon(outlined, fill=(*arrow.colour, round(255 * opacity[-1])))


def _cut_short(curve: Float[np.ndarray, "n 2"], gap: float) -> Float[np.ndarray, "m 2"]:
    """Return the curve up to distance ``gap`` from its last point, empty where it is shorter."""
    away = np.linalg.norm(curve - curve[-1], axis=1)
    kept: np.ndarray = curve[away > gap]
    if not len(kept):
        return kept
    end = curve[-1] + (kept[-1] - curve[-1]) * gap / away[len(kept) - 1]
    return np.append(kept, [end], axis=0)


def _arc(start: Float[np.ndarray, "2"], stop: Float[np.ndarray, "2"], reach: float) -> Float[np.ndarray, "n 2"]:
    """Return points of a quadratic curve that bends upwards (to the right where the chord is upright)."""
    middle = bend(start, stop, reach)
    s = np.linspace(0, 1, STEPS + 1)[:, None]
    return np.asarray((1 - s) ** 2 * start + 2 * s * (1 - s) * middle + s**2 * stop)


def bend(start: Float[np.ndarray, "2"], stop: Float[np.ndarray, "2"], reach: float) -> Float[np.ndarray, "2"]:
    """Return the control point of that curve."""
    chord = stop - start
    length = float(np.linalg.norm(chord))
    height = reach * BEND * length / (reach + BEND * length)
    normal = np.array([chord[1], -chord[0]]) / length
    if (normal[1], -normal[0]) > (0, 0):
        normal = -normal
    return np.asarray((start + stop) / 2 + 2 * height * normal)
