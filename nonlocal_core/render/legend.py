"""The colour bar of a figure: the colours over grey, with multiples of an even share below and weights above."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from nonlocal_core.look import COLD, LETTERS, LEVELS, Answer, Heat, ticks
from nonlocal_core.render.drawing import INK, MUTED, Picture, Shape, Words, box, centred
from nonlocal_core.render.layout import Rect
from nonlocal_core.render.overlay import over
from nonlocal_core.render.text import font, number

GREY = 128
"""Grey level under the colours."""
SIZE = 25  # of type, in units


def legend(area: Rect, answers: Sequence[Answer], heats: Sequence[Heat]) -> tuple[Shape, ...]:
    """Return the colour bar over grey, with multiples of an even share below and weights above.

    Several answers have their colours one below the other, with weights if these are the same for all of them.
    """
    answer, heat = answers[-1], heats[-1]
    units = [one.times_uniform_per_unit for one in answers]
    signed = heat.is_signed
    several = len(heats) > 1
    left, right, top, height = (
        area.left + 150,
        area.right - 34,
        area.top + (36 if several else 60),
        48 if several else 30,
    )
    width = right - left
    parts = np.linspace(-1 if signed else 0, 1, width)
    bar = Picture(box=(left, top, width, height), rgb=_ramp(heats, parts, height))
    shapes: list[Shape] = [bar, *(_names(left, top, height, len(heats)) if several else ())]
    if heat.look.scale == "each":
        marks: list[tuple[float, str, str]] = [(0.0, "", "1"), (1.0, "", "its frame's strongest")]
    else:
        unit = answer.times_uniform_per_unit
        marks = (
            [
                (tone, number(times / unit) if np.allclose(units, unit) else "", str(times))
                for tone, times in ticks(heat, halves=1 + signed)
            ]
            if heat.largest
            else []
        )
    if signed:
        marks = [*((-tone, f"-{weight}", f"-{times}") for tone, weight, times in marks[:0:-1]), *marks]
    free = -np.inf
    for tone, weight, times in marks:
        x = left + (tone + signed) / (1 + signed) * width
        shapes += [box(x - 1, top - 8, 2, 8, fill=MUTED), box(x - 1, top + height, 2, 8, fill=MUTED)]
        shapes.append(centred(min(x, right - 110) if len(times) > 9 else x, top + height + 32, times, SIZE, INK))
        half = font(SIZE).getlength(weight) / 2
        if x - half > free and weight:
            shapes.append(centred(x, top - 14, weight, SIZE, INK))
            free = x + half + 16
    shapes.append(Words(at=(left - 20, top + height + 32), text="x even share", size=SIZE, colour=MUTED, anchor="end"))
    if heat.look.scale == "all" and np.allclose(units, units[0]):
        shapes.append(Words(at=(left - 60, top - 14), text="weight", size=SIZE, colour=MUTED, anchor="end"))
    return tuple(shapes)


def _names(left: int, top: int, height: int, pins: int) -> list[Words]:
    """Return the letters of several pins, each beside its row of colours."""
    rows = height / pins
    return [
        Words(at=(left - 8, top + (row + 0.5) * rows + 6), text=LETTERS[row], size=18, colour=INK, anchor="end")
        for row in range(pins)
    ]


def _ramp(
    heats: Sequence[Heat], parts: Float[np.ndarray, " width"], height: int
) -> UInt8[np.ndarray, "height width 3"]:
    """Return the colours of tones from -1 or 0 to 1, over grey, those of several answers one below the other."""
    level = np.rint(np.abs(parts) * (LEVELS - 1)).astype(int)
    grey = np.full((1, len(parts), 3), GREY, np.uint8)
    bands = []
    for heat, rows in zip(heats, np.array_split(np.arange(height), len(heats)), strict=True):
        colours = np.where((parts < 0)[:, None], COLD[level], heat.ramp[level]).astype(np.uint8)
        opacity = np.rint(255 * heat.opacity(np.abs(parts))).astype(np.uint8)
        bands.append(np.repeat(over(grey, colours[None], opacity[None]), len(rows), axis=0))
    return np.concatenate(bands)
