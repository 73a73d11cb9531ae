"""Heat over frames: a dimmed, greyed frame with colour whose opacity grows with the value.

The picture stays readable under the heat, zero leaves it untouched, and the cells of the true key grid show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Grid
from nonlocal_core.render.affinity import AffinityLike
from nonlocal_core.render.colours import ColourMapName, colour_map
from nonlocal_core.render.marks import outline
from nonlocal_core.render.scale import Scale

Smoothing = Literal["nearest", "bilinear"]

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709
MISSING_GREY = 150  # of a cell that is not finite: a grey that no colour map contains
MISSING_OPACITY = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayStyle:
    """Style of the heat on a frame. ``colour_map`` None takes "ember", or "tide" for signed values.

    ``brightness`` and ``saturation`` are the parts that the frame keeps under the heat. ``opacity`` is that of the heat
    at full colour, and falls to 0 as value ** ``opacity_power``.
    """

    colour_map: ColourMapName | None = None
    smoothing: Smoothing = "nearest"
    brightness: float = 0.65
    saturation: float = 0.35
    opacity: float = 0.82
    opacity_power: float = 0.6

    def __post_init__(self) -> None:
        for name in ("brightness", "saturation", "opacity"):
            if not 0 <= getattr(self, name) <= 1:
                raise RenderError(f"{name} must lie in [0, 1]; got {getattr(self, name)}.")
        if self.opacity_power < 0:
            raise RenderError(f"opacity_power must not be negative; got {self.opacity_power}.")

    def map_for(self, scale: Scale) -> ColourMapName:
        """Return the colour map for a scale. Raises RenderError when one sign would have no colour of its own."""
        name = self.colour_map or ("tide" if scale.signed else "ember")
        if colour_map(name).signed != scale.signed:
            needed = "a signed colour map such as 'tide'" if scale.signed else "a sequential colour map such as 'ember'"
            raise RenderError(f"These values need {needed}; got {name!r}. Leave colour_map out to have one chosen.")
        return name


def spread(
    heat: Float[np.ndarray, "H W"], grid: Grid, *, size_hw: tuple[int, int], smoothing: Smoothing = "nearest"
) -> tuple[Float[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Return the heat of one temporal cell on h x w pixels, and the mask of the pixels that the grid covers.

    A pixel belongs to the cell that holds its centre. Bilinear smoothing keeps the true values at the cell centres.
    """
    height, width = size_hw
    x0, y0, x1, y1 = grid.box
    rows = ((np.arange(height) + 0.5) / height - y0) / (y1 - y0) * grid.rows
    cols = ((np.arange(width) + 0.5) / width - x0) / (x1 - x0) * grid.cols
    covered = ((rows >= 0) & (rows < grid.rows))[:, None] & ((cols >= 0) & (cols < grid.cols))[None, :]
    nearest = heat[_cells(rows, grid.rows)[:, None], _cells(cols, grid.cols)[None, :]]
    if smoothing == "nearest":
        return nearest, covered
    known = np.where(np.isfinite(heat), heat, 0)
    smooth = _blend(rows, grid.rows) @ known @ _blend(cols, grid.cols).T
    return np.where(np.isfinite(nearest), smooth, np.nan), covered


def _cells(position: Float[np.ndarray, " n"], count: int) -> Int[np.ndarray, " n"]:
    return np.asarray(np.clip(np.floor(position).astype(np.intp), 0, count - 1))


def _blend(position: Float[np.ndarray, " n"], count: int) -> Float[np.ndarray, "n cells"]:
    """Return the weights of linear interpolation between cell centres, constant beyond the first and the last."""
    from_center = np.clip(position - 0.5, 0, count - 1)
    return np.asarray(np.clip(1 - np.abs(from_center[:, None] - np.arange(count)[None, :]), 0, None))


def dimmed(frame: UInt8[np.ndarray, "h w 3"], style: OverlayStyle) -> Float[np.ndarray, "h w 3"]:
    """Return the frame under the heat, greyed towards its luma and darkened, in [0, 255]."""
    grey = (frame @ LUMA)[..., None]
    return np.asarray(style.brightness * (grey + style.saturation * (frame - grey)))


def paint(
    frame: UInt8[np.ndarray, "h w 3"],
    heat: Float[np.ndarray, "H W"],
    grid: Grid,
    scale: Scale,
    style: OverlayStyle,
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a new picture: the dimmed frame under the heat of one temporal cell of ``grid``.

    Cells that are not finite are drawn in a flat grey. Pixels that the grid does not cover are only dimmed.
    """
    values, covered = spread(heat, grid, size_hw=frame.shape[:2], smoothing=style.smoothing)
    missing = ~np.isfinite(values) & covered
    colours, opacity = coloured(scale.unit(np.where(np.isfinite(values), values, 0)), scale, style)
    colours[missing], opacity[missing] = MISSING_GREY, MISSING_OPACITY
    return _over(dimmed(frame, style), colours, opacity * covered)


def coloured(
    unit: Float[np.ndarray, "*shape"], scale: Scale, style: OverlayStyle
) -> tuple[Float[np.ndarray, "*shape 3"], Float[np.ndarray, "*shape"]]:
    """Return the colour, in [0, 255], and the opacity of values that are already on the scale."""
    colours = colour_map(style.map_for(scale)).colours(unit).astype(np.float32)
    return colours, np.where(unit == 0, 0, style.opacity * np.abs(unit) ** style.opacity_power)


def blended(
    frame: UInt8[np.ndarray, "h w 3"], unit: Float[np.ndarray, "h w"], scale: Scale, style: OverlayStyle
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the dimmed frame under values that are already on the scale, one per pixel."""
    return _over(dimmed(frame, style), *coloured(unit, scale, style))


def _over(
    base: Float[np.ndarray, "h w 3"], colours: Float[np.ndarray, "h w 3"], opacity: Float[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 3"]:
    return np.asarray(np.rint(base + opacity[..., None] * (colours - base)).astype(np.uint8))


def paint_clip(
    frames: UInt8[np.ndarray, "T h w 3"],
    row: AffinityLike,
    scale: Scale,
    style: OverlayStyle,
    *,
    mark_query: bool = True,
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Yield one picture per frame of the clip: its heat on the one scale, the query cell boxed in its frames.

    Frames that no key covers (an odd last frame lost to pooling) are only dimmed. Raises RenderError when the clip has
    fewer frames than the grids.
    """
    check_frames(frames, row)
    start, stop = row.query_grid.span(row.query.t)
    for index, frame in enumerate(frames):
        t = time_of(row.key_grid, index)
        if t is None:
            picture = np.rint(dimmed(frame, style)).astype(np.uint8)
        else:
            picture = paint(frame, row.heat[t], row.key_grid, scale, style)
        if mark_query and start <= index < stop:
            outline(picture, row.query_grid.bounds(row.query))
        yield picture


def time_of(grid: Grid, frame: int) -> int | None:
    """Return the temporal cell whose span holds a frame, or None."""
    return next((t for t, (start, stop) in enumerate(grid.frame_spans) if start <= frame < stop), None)


def check_frames(frames: UInt8[np.ndarray, "T h w 3"], row: AffinityLike) -> None:
    """Raise RenderError when the row cannot have been computed on these frames."""
    needed = max(row.query_grid.frame_spans[-1][1], row.key_grid.frame_spans[-1][1])
    if len(frames) < needed:
        raise RenderError(
            f"The row speaks of {needed} frames; got {len(frames)}. Draw it on the frames that the network saw."
        )
    if row.heat.shape != row.key_grid.shape:
        raise RenderError(f"Heat of shape {row.heat.shape} does not lie on a key grid of {row.key_grid.shape} cells.")
