"""Masks: conversions between the cells of one step and the pixels of a frame.

A pixel belongs to the cell that holds its centre, here and in every picture.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from nonlocal_core.geometry.grid import Box, Cell, Grid, Span

Smoothing = Literal["nearest", "bilinear"]


def spread(
    heat: Float[np.ndarray, "H W"], grid: Grid, *, size_hw: tuple[int, int], smoothing: Smoothing = "nearest"
) -> tuple[Float[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Return the heat of one step on h x w pixels, and a mask of the pixels that the grid covers.

    Bilinear smoothing keeps the true values at the cell centres.
    """
    rows, cols = _places_of_pixels(grid, size_hw)
    covered = ((rows >= 0) & (rows < grid.rows))[:, None] & ((cols >= 0) & (cols < grid.cols))[None, :]
    nearest = heat[_cells(rows, grid.rows)[:, None], _cells(cols, grid.cols)[None, :]]
    if smoothing == "nearest":
        return nearest, covered
    known = np.where(np.isfinite(heat), heat, 0)
    smooth = _blend(rows, grid.rows) @ known @ _blend(cols, grid.cols).T
    return np.where(np.isfinite(nearest), smooth, np.nan), covered


def cells_mask(cells: Bool[np.ndarray, "H W"], grid: Grid, size_hw: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Return the pixels of a frame that belong to the given cells of a grid."""
    values, covered = spread(cells.astype(np.float32), grid, size_hw=size_hw)
    mask: np.ndarray = (values > 0) & covered
    return mask


def coverage(grid: Grid, mask: Bool[np.ndarray, "h w"]) -> Float64[np.ndarray, "H W"]:
    """Return the fraction of each cell's pixels, in one frame, that a mask covers; 0 for a cell outside the frame.

    A cell that is too small to hold the centre of a pixel has the pixel under its own centre.
    """
    places = _places_of_pixels(grid, mask.shape)
    rows, cols = (
        _pixels_of_cells(along, count, grid.box[axis], grid.box[axis + 2])
        for along, count, axis in zip(places, (grid.rows, grid.cols), (1, 0), strict=True)
    )
    parts = [[mask[row, col] for col in cols] for row in rows]
    return np.array([[pixels.mean() if pixels.size else 0.0 for pixels in row] for row in parts])


def box_mask(box: Box, size_hw: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Return the pixels of a frame whose centres lie in a box, including its edges."""
    height, width = size_hw
    x0, y0, x1, y1 = box
    xs, ys = _centres(width), _centres(height)
    return ((y0 <= ys) & (ys <= y1))[:, None] & ((x0 <= xs) & (xs <= x1))[None]


def cells_in_box(grid: Grid, box: Box, frames: Span | None = None) -> Bool[np.ndarray, " N"]:
    """Return the cells of a grid whose centre lies in a box, including its edges, in frames [start, stop) or in all.

    A step counts if any of its frames is asked for.
    """
    mask = np.zeros(grid.shape, bool)
    start, stop = frames or (0, grid.end_frame)
    steps = {t for frame in range(start, stop) if (t := grid.find_t(frame)) is not None}
    x0, y0, x1, y1 = box
    rows = np.array([y0 <= grid.center(Cell(0, y, 0))[1] <= y1 for y in range(grid.rows)])
    cols = np.array([x0 <= grid.center(Cell(0, 0, x))[0] <= x1 for x in range(grid.cols)])
    mask[sorted(steps)] = rows[:, None] & cols[None]
    return mask.reshape(-1)


def pixel_at(x: float, y: float, size_hw: tuple[int, int]) -> tuple[int, int]:
    """Return the (row, column) of the pixel under a point of the frame, or of the nearest one."""
    height, width = size_hw
    return min(max(int(y * height), 0), height - 1), min(max(int(x * width), 0), width - 1)


def resized(mask: Bool[np.ndarray, "a b"], size_hw: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Return a mask at another size: each pixel is the one of the old mask that holds its centre."""
    rows, cols = (
        np.asarray(((2 * np.arange(new) + 1) * old) // (2 * new)) for old, new in zip(mask.shape, size_hw, strict=True)
    )
    return np.asarray(mask[rows[:, None], cols])


def _centres(pixels: int) -> Float64[np.ndarray, " pixels"]:
    """Return the centres of a frame's pixels along one axis, in units of the frame."""
    return np.asarray((np.arange(pixels) + 0.5) / pixels)


def _places_of_pixels(
    grid: Grid, size_hw: tuple[int, int]
) -> tuple[Float64[np.ndarray, " h"], Float64[np.ndarray, " w"]]:
    """Return the positions of a frame's pixel centres along both axes, in cells from the grid's first edge."""
    height, width = size_hw
    x0, y0, x1, y1 = grid.box
    return (_centres(height) - y0) / (y1 - y0) * grid.rows, (_centres(width) - x0) / (x1 - x0) * grid.cols


def _pixels_of_cells(places: Float64[np.ndarray, " n"], count: int, start: float, stop: float) -> list[slice]:
    """Return the pixels of each cell along one axis, from the places of their centres."""
    edges = np.searchsorted(places, np.arange(count + 1)).tolist()
    middles = np.floor((start + (np.arange(count) + 0.5) / count * (stop - start)) * len(places)).astype(int).tolist()
    return [
        slice(first, last) if first < last else slice(max(middle, 0), max(middle + 1, 0))
        for first, last, middle in zip(edges, edges[1:], middles, strict=False)
    ]


def _cells(places: Float64[np.ndarray, " n"], count: int) -> Int[np.ndarray, " n"]:
    return np.asarray(np.clip(np.floor(places).astype(np.intp), 0, count - 1))


def _blend(places: Float64[np.ndarray, " n"], count: int) -> Float64[np.ndarray, "n cells"]:
    """Return the weights of linear interpolation between cell centres, constant beyond the first and the last."""
    from_center = np.clip(places - 0.5, 0, count - 1)
    return np.asarray(np.clip(1 - np.abs(from_center[:, None] - np.arange(count)[None, :]), 0, None))
