"""Heat over frames: a dimmed, greyed frame with colour whose opacity grows with the value.

The picture stays readable under the heat, zero leaves it untouched, and the cells of the true key grid show.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, UInt8

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Grid, spread
from nonlocal_core.render.affinity import AffinityLike
from nonlocal_core.render.colours import colour_map
from nonlocal_core.render.marks import outline
from nonlocal_core.render.scale import Scale

BRIGHTNESS, SATURATION = 0.65, 0.35
"""Parts of a frame's own that it keeps under the heat."""
OPACITY, OPACITY_POWER = 0.82, 0.6
"""Opacity of the heat at full colour; it falls to 0 as value ** OPACITY_POWER."""
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709
MISSING_GREY = 150  # of a cell that is not finite: a grey that no colour map contains
MISSING_OPACITY = 0.75
MARK = np.array([0, 158, 255], np.float32)
"""Colour of a mask: a blue that is neither skin, leaf nor earth."""


def dimmed(frame: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
    """Return the frame under the heat, greyed towards its luma and darkened, in [0, 255]."""
    grey = (frame @ LUMA)[..., None]
    return np.asarray(BRIGHTNESS * (grey + SATURATION * (frame - grey)))


def paint(
    frame: UInt8[np.ndarray, "h w 3"], heat: Float[np.ndarray, "H W"], grid: Grid, scale: Scale
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a new picture: the dimmed frame under the heat of one step of ``grid``.

    Cells that are not finite are drawn in a flat grey. Pixels that the grid does not cover are only dimmed.
    """
    values, covered = spread(heat, grid, size_hw=frame.shape[:2])
    missing = ~np.isfinite(values) & covered
    colours, opacity = coloured(scale.unit(np.where(np.isfinite(values), values, 0)), scale)
    colours[missing], opacity[missing] = MISSING_GREY, MISSING_OPACITY
    return _over(dimmed(frame), colours, opacity * covered)


def coloured(
    unit: Float[np.ndarray, "*shape"], scale: Scale
) -> tuple[Float[np.ndarray, "*shape 3"], Float[np.ndarray, "*shape"]]:
    """Return the colour, in [0, 255], and the opacity of values that are already on the scale."""
    colours = colour_map(scale.signed).colours(unit).astype(np.float32)
    return colours, np.where(unit == 0, 0, OPACITY * np.abs(unit) ** OPACITY_POWER)


def blended(
    frame: UInt8[np.ndarray, "h w 3"], unit: Float[np.ndarray, "h w"], scale: Scale
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the dimmed frame under values that are already on the scale, one per pixel."""
    return _over(dimmed(frame), *coloured(unit, scale))


def _over(
    base: Float[np.ndarray, "h w 3"], colours: Float[np.ndarray, "h w 3"], opacity: Float[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 3"]:
    return np.asarray(np.rint(base + opacity[..., None] * (colours - base)).astype(np.uint8))


def paint_clip(
    frames: UInt8[np.ndarray, "T h w 3"], row: AffinityLike, scale: Scale
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Yield one picture per frame of the clip: its heat on the one scale, the query cell boxed in its frames.

    Frames that no key covers (an odd last frame lost to pooling) are only dimmed. Raises RenderError when the clip has
    fewer frames than the grids.
    """
    check_frames(frames, row)
    start, stop = row.query_grid.span(row.query.t)
    for index, frame in enumerate(frames):
        t = row.key_grid.find_t(index)
        if t is None:
            picture = np.rint(dimmed(frame)).astype(np.uint8)
        else:
            picture = paint(frame, row.heat[t], row.key_grid, scale)
        if start <= index < stop:
            outline(picture, row.query_grid.bounds(row.query))
        yield picture


def check_frames(frames: UInt8[np.ndarray, "T h w 3"], row: AffinityLike) -> None:
    """Raise RenderError when the row cannot have been computed on these frames."""
    needed = max(row.query_grid.end_frame, row.key_grid.end_frame)
    if len(frames) < needed:
        raise RenderError(
            f"The row speaks of {needed} frames; got {len(frames)}. Draw it on the frames that the network saw."
        )
    if row.heat.shape != row.key_grid.shape:
        raise RenderError(f"Heat of shape {row.heat.shape} does not lie on a key grid of {row.key_grid.shape} cells.")


def paint_mask(frame: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a new picture: the frame darkened where the mask is not, coloured with a white rim where it is."""
    picture = frame * np.float32(0.55)
    picture[mask] = 0.55 * frame[mask] + 0.45 * MARK
    inner = mask.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(mask, step, axis)
    picture[mask & ~inner] = 255
    shown: np.ndarray = np.rint(picture).astype(np.uint8)
    return shown
