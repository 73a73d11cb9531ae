"""A figure as a list of shapes, from which pixels, SVG and PDF are made."""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from nonlocal_core.render.marks import Colour

Length = int | float
Place = tuple[Length, Length]
"""(x, y)"""
Step = tuple[Place] | tuple[Place, Place, Place]
"""A straight line to a point, or a cubic curve: two control points and its end."""
Anchor = Literal["start", "middle", "end"]

INK, MUTED = (24, 24, 28), (104, 104, 114)
"""Colours of text on paper."""
PAPER = (255, 255, 255)
JPEG_QUALITY = 92
ROUND = 0.5522847498  # distance of the control points of a quarter circle, over its radius


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Pixels in a box of (left, top, width, height): a photograph, or a layer if they have an opacity."""

    box: tuple[Length, Length, Length, Length]
    rgb: UInt8[np.ndarray, "h w 3"]
    opacity: UInt8[np.ndarray, "h w"] | None = None
    """Opacity from 0 to 255; None for a photograph, which files may store with loss."""

    @property
    def jpeg(self) -> bytes:
        """The pixels as a JPEG file without subsampled colour."""
        out = io.BytesIO()
        Image.fromarray(self.rgb).save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
        return out.getvalue()

    @property
    def png(self) -> bytes:
        """The pixels with their opacity as a PNG file."""
        out = io.BytesIO()
        opacity = np.full(self.rgb.shape[:2], 255, np.uint8) if self.opacity is None else self.opacity
        Image.fromarray(np.dstack([self.rgb, opacity])).save(out, "PNG", optimize=True)
        return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A path from ``start`` through ``steps``: filled, stroked, or both. ``width``: the width of the stroke."""

    start: Place
    steps: tuple[Step, ...]
    closed: bool = False
    fill: Colour | None = None
    stroke: Colour | None = None
    width: Length = 0
    opacity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A line of text. ``at``: the start, middle or end of its baseline."""

    at: Place
    text: str
    size: Length
    colour: Colour
    anchor: Anchor = "start"


Shape = Picture | Outline | Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Shapes from back to front, in units of 1 / ``per_inch`` inches, x to the right and y downwards."""

    size_hw: tuple[Length, Length]
    per_inch: Length
    title: str
    shapes: tuple[Shape, ...]


def box(
    left: Length,
    top: Length,
    width: Length,
    height: Length,
    *,
    fill: Colour | None = None,
    stroke: Colour | None = None,
    pen: Length = 0,
) -> Outline:
    """Return a rectangle."""
    right, bottom = left + width, top + height
    corners: tuple[Step, ...] = (((right, top),), ((right, bottom),), ((left, bottom),))
    return Outline(start=(left, top), steps=corners, closed=True, fill=fill, stroke=stroke, width=pen)


def disc(center: Place, radius: Length, *, fill: Colour, stroke: Colour, pen: Length) -> Outline:
    """Return a filled circle with a rim."""
    (x, y), k = center, ROUND * radius
    quarters: tuple[Step, ...] = (
        ((x + radius, y + k), (x + k, y + radius), (x, y + radius)),
        ((x - k, y + radius), (x - radius, y + k), (x - radius, y)),
        ((x - radius, y - k), (x - k, y - radius), (x, y - radius)),
        ((x + k, y - radius), (x + radius, y - k), (x + radius, y)),
    )
    return Outline(start=(x + radius, y), steps=quarters, closed=True, fill=fill, stroke=stroke, width=pen)


def centred(x: Length, y: Length, text: str, size: int, colour: Colour) -> Words:
    """Return a line of text whose baseline has its middle at a place."""
    return Words(at=(x, y), text=text, size=size, colour=colour, anchor="middle")
