"""The colour bar: the colours over a grey frame, with ticks in affinity units and in times uniform."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from nonlocal_core.render.layout import Layout, Rect
from nonlocal_core.render.overlay import blended
from nonlocal_core.render.scale import Scale
from nonlocal_core.render.text import font, number, ticks

INK, MUTED = (24, 24, 28), (104, 104, 114)


def colour_bar(scale: Scale, *, size_hw: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """Return the colours from zero (or minus the limit) to the limit, over a middle grey frame."""
    height, width = size_hw
    unit = np.linspace(-1.0 if scale.signed else 0.0, 1.0, width)
    grey = np.full((1, width, 3), 128, np.uint8)
    return np.repeat(blended(grey, unit[None], scale), height, axis=0)


def draw_legend(canvas: Image.Image, layout: Layout, scale: Scale, per_unit: float) -> None:
    """Draw the colour bar into the legend's place, with affinity above it and multiples of an even row below it.

    ``per_unit``: multiples of an even row per affinity unit. The bar of a scale that clips ends in a point.
    """
    pen, px, place = ImageDraw.Draw(canvas), layout.px, layout.legend
    middle, half = (place.top + place.bottom) // 2, px(15)
    bar = Rect(place.left + px(150), middle - half, place.right - px(34), middle + half)
    canvas.paste(Image.fromarray(colour_bar(scale, size_hw=(bar.height, bar.width))), (bar.left, bar.top))
    ends = canvas.getpixel((bar.left, middle)), canvas.getpixel((bar.right - 1, middle))
    if scale.clipped:
        pen.polygon([bar.right, bar.top, bar.right + half, middle, bar.right, bar.bottom - 1], fill=ends[1])
        if scale.signed:
            pen.polygon([bar.left - 1, bar.top, bar.left - half, middle, bar.left - 1, bar.bottom - 1], fill=ends[0])

    size = px(25)
    for label, factor, y, anchor, mark in (
        ("affinity", 1.0, bar.top - px(12), "ms", (bar.top - px(8), bar.top)),
        ("x uniform", per_unit, bar.bottom + px(12), "mt", (bar.bottom, bar.bottom + px(8))),
    ):
        pen.text((bar.left - px(34), y), label, font=font(size), fill=MUTED, anchor="r" + anchor[1])
        for value in _ticks(scale, factor):
            x = bar.left + (value + scale.signed) / (1 + scale.signed) * (bar.width - 1)
            pen.line([x, mark[0], x, mark[1]], fill=MUTED, width=px(2))
            shown = number(value * scale.limit * factor)
            pen.text((x, y), shown, font=font(size), fill=INK, anchor=anchor)


def _ticks(scale: Scale, factor: float) -> tuple[float, ...]:
    """Return the places of ticks as parts of the limit, in [0, 1] or [-1, 1]."""
    top = scale.limit * factor
    if top == 0:
        return (0.0,)
    upwards = [value / top for value in ticks(top, about=2 if scale.signed else 4)]
    return (*(-value for value in upwards[:0:-1]), *upwards) if scale.signed else tuple(upwards)
