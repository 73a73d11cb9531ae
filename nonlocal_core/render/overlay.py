"""Heat over frames: the photograph at its own brightness, and colour whose opacity grows with the weight."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, UInt8

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import WHOLE_FRAME, Box, Grid, spread
from nonlocal_core.geometry.masks import Smoothing
from nonlocal_core.look import Answer, Heat, Look, heats_of, muted, shaded, strongest_layer, walls_of
from nonlocal_core.render.marks import MINUS, letter, lettered_cells, outline, pin_colours, walls

MARK = np.array([0, 158, 255], np.float32)
"""Colour of a mask: a blue that is neither skin, leaf nor earth."""


def photograph(frame: UInt8[np.ndarray, "h w 3"], look: Look, *, seen: Box) -> UInt8[np.ndarray, "h w 3"]:
    """Return the frame as it is drawn under heat; ``seen``: the part of it that the network saw."""
    return shaded(frame if look.plain else muted(frame), seen)


def seen_box(answer: Answer) -> Box:
    """Return the part (x0, y0, x1, y1) of the frame that the network saw, which queries or keys cover."""
    asked, given = answer.asked_grid.box, answer.grid.box
    return min(asked[0], given[0]), min(asked[1], given[1]), max(asked[2], given[2]), max(asked[3], given[3])


def heat_layer(
    heats: Sequence[Heat], t: int, grid: Grid, *, size_hw: tuple[int, int]
) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w"]]:
    """Return colour and opacity in [0, 255] of the heat of one step, on the pixels of a frame.

    The strongest of several answers is drawn at each place, in the colour of its pin.
    """
    smoothing: Smoothing = "bilinear" if heats[0].look.smooth else "nearest"
    spreads = [spread(heat.times[t], grid, size_hw=size_hw, smoothing=smoothing) for heat in heats]
    covered = spreads[0][1]
    leading = strongest_layer([times for times, _ in spreads], heats)
    colours, opacity = heats[0].coloured(spreads[0][0], t)
    for index, (heat, (times, _)) in enumerate(zip(heats, spreads, strict=True)):
        of_this, opaque = heat.coloured(times, t)
        colours[leading == index] = of_this[leading == index]
        opacity[leading == index] = opaque[leading == index]
    return colours.astype(np.uint8), np.rint(255 * opacity * covered).astype(np.uint8)


def paint(
    frame: UInt8[np.ndarray, "h w 3"], heat: Heat, t: int | None, grid: Grid, *, seen: Box = WHOLE_FRAME
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a new picture: the photograph under the heat of one step of ``grid``, or without heat if ``t`` is None.

    ``seen``: the part of the frame that the network saw.
    """
    base = photograph(frame, heat.look, seen=seen)
    if t is None:
        return base
    colours, opacity = heat_layer([heat], t, grid, size_hw=frame.shape[:2])
    return over(base, colours, opacity)


def over(
    base: UInt8[np.ndarray, "h w 3"], colours: UInt8[np.ndarray, "h w 3"], opacity: UInt8[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 3"]:
    """Return colours with an opacity in [0, 255] over a picture."""
    part = (opacity / np.float32(255))[..., None]
    return np.asarray(np.rint(base + part * (colours.astype(np.float32) - base)).astype(np.uint8))


def paint_clip(
    frames: UInt8[np.ndarray, "T h w 3"], answer: Answer, look: Look, *, beside: Sequence[Answer] = ()
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Yield one picture per frame of the clip: its heat, the asked cells boxed in their frames.

    ``beside``: answers of other pins to the same block, drawn together with this one.
    Frames that no cell covers (an odd last frame lost to pooling) are without heat. Raises RenderError if the clip
    has fewer frames than the grids.
    """
    check_frames(frames, answer)
    grid, answers = answer.asked_grid, (*beside, answer)
    heats = heats_of(answers, look)
    marks = [(cell, MINUS) for one in answers for cell in one.minus]
    marks += [
        (cell, colour)
        for one, colour in zip(answers, pin_colours(len(answers)), strict=True)
        for cell in one.marked_cells
    ]
    for index, frame in enumerate(frames):
        picture, t = photograph(frame, look, seen=seen_box(answer)), answer.grid.find_t(index)
        if t is not None:
            picture = over(picture, *heat_layer(heats, t, answer.grid, size_hw=frame.shape[:2]))
        walls(picture, walls_of(answer, t))
        for cell, colour in marks:
            start, stop = grid.span(cell.t)
            if start <= index < stop:
                outline(picture, grid.bounds(cell), colour)
        for name, cell, own_grid, colour in lettered_cells(answers):
            start, stop = own_grid.span(cell.t)
            if start <= index < stop:
                letter(picture, own_grid.bounds(cell), name, colour)
        yield picture


def check_frames(frames: UInt8[np.ndarray, "T h w 3"], answer: Answer) -> None:
    """Raise RenderError if the answer cannot have been computed on these frames."""
    needed = max(answer.asked_grid.end_frame, answer.grid.end_frame)
    if len(frames) < needed:
        raise RenderError(
            f"The answer speaks of {needed} frames; got {len(frames)}. Draw it on the frames that the network saw."
        )
    if answer.heat.shape != answer.grid.shape:
        raise RenderError(f"Heat of shape {answer.heat.shape} does not lie on a grid of {answer.grid.shape} cells.")


def paint_mask(frame: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a new picture: the frame darkened outside the mask, and coloured with a white rim inside."""
    picture = frame * np.float32(0.55)
    picture[mask] = 0.55 * frame[mask] + 0.45 * MARK
    inner = mask.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(mask, step, axis)
    picture[mask & ~inner] = 255
    shown: np.ndarray = np.rint(picture).astype(np.uint8)
    return shown
