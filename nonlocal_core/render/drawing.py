"""A picture as a list of shapes, sharp at any size: what SVG and PDF are written from."""

from dataclasses import dataclass
from typing import Literal

from nonlocal_core.render.marks import Colour, Point

Step = tuple[Point] | tuple[Point, Point, Point]
"""A straight line to a point, or a cubic curve: two control points and its end."""
Anchor = Literal["start", "middle", "end"]

ROUND = 0.5522847498  # of the radius: where the control points of a quarter circle lie


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A JPEG file in a box of (left, top, width, height)."""

    box: tuple[float, float, float, float]
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A path from ``start`` through ``steps``: filled, stroked, or both. ``width`` is that of the stroke."""

    start: Point
    steps: tuple[Step, ...]
    closed: bool = False
    fill: Colour | None = None
    stroke: Colour | None = None
    width: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A line of text; ``at`` lies on its base line, at the start, middle or end of it."""

    at: Point
    text: str
    size: float
    colour: Colour
    anchor: Anchor = "start"


Shape = Photo | Outline | Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Shapes from back to front, in units of which ``per_inch`` make an inch; x to the right, y downwards."""

    size_hw: tuple[float, float]
    per_inch: float
    title: str
    shapes: tuple[Shape, ...]


def box(
    left: float,
    top: float,
    width: float,
    height: float,
    *,
    fill: Colour | None = None,
    stroke: Colour | None = None,
    pen: float = 0.0,
) -> Outline:
    """Return a rectangle."""
    right, bottom = left + width, top + height
    corners: tuple[Step, ...] = (((right, top),), ((right, bottom),), ((left, bottom),))
    return Outline(start=(left, top), steps=corners, closed=True, fill=fill, stroke=stroke, width=pen)


def disc(center: Point, radius: float, *, fill: Colour, stroke: Colour, pen: float) -> Outline:
    """Return a filled circle with a rim."""
    (x, y), k = center, ROUND * radius
    quarters: tuple[Step, ...] = (
        ((x + radius, y + k), (x + k, y + radius), (x, y + radius)),
        ((x - k, y + radius), (x - radius, y + k), (x - radius, y)),
        ((x - radius, y - k), (x - k, y - radius), (x, y - radius)),
        ((x + k, y - radius), (x + radius, y - k), (x + radius, y)),
    )
    return Outline(start=(x + radius, y), steps=quarters, closed=True, fill=fill, stroke=stroke, width=pen)
