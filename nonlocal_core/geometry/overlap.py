"""Transfer of weight from one grid to another: each cell's weight is divided by the parts that target cells cover.

``viewer/model/overlap.js`` does the same in the browser.
"""

import numpy as np
from jaxtyping import Float64

from nonlocal_core.geometry.grid import Grid

_NOTHING = 1e-9
"""Fraction of a cell below which an overlap is due to rounding of two edges that meet."""


def carried(values: Float64[np.ndarray, "T H W"], source: Grid, target: Grid) -> Float64[np.ndarray, "t h w"]:
    """Return the values of the cells of one grid on another of the same clip; their sum is kept.

    A cell that no cell of the target covers, as at the edge of a crop, gives to the nearest one.
    """
    if source.shape == target.shape and source.box == target.box and source.frame_spans == target.frame_spans:
        return values
    (x0, y0, x1, y1), (u0, v0, u1, v1) = source.box, target.box
    times = _shares(np.array(source.frame_spans, float), np.array(target.frame_spans, float))
    rows = _shares(_edges(y0, y1, source.rows), _edges(v0, v1, target.rows))
    cols = _shares(_edges(x0, x1, source.cols), _edges(u0, u1, target.cols))
    return np.asarray(np.einsum("thw,ta,hb,wc->abc", values, times, rows, cols, optimize=True))


def _edges(start: float, stop: float, count: int) -> Float64[np.ndarray, "count 2"]:
    edges = start + (stop - start) * np.arange(count + 1) / count
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _shares(source: Float64[np.ndarray, "n 2"], target: Float64[np.ndarray, "m 2"]) -> Float64[np.ndarray, "n m"]:
    """Return the share of each source interval that goes to each target interval; every row sums to 1."""
    starts, stops = (np.minimum.outer(-source[:, 0], -target[:, 0]), np.minimum.outer(source[:, 1], target[:, 1]))
    cover = np.maximum(stops + starts, 0)
    lengths = source[:, 1] - source[:, 0]
    cover[cover < _NOTHING * lengths[:, None]] = 0
    alone = cover.sum(axis=1) == 0
    distance = np.abs(np.subtract.outer(source.mean(axis=1), target.mean(axis=1)))
    cover[alone, distance[alone].argmin(axis=1)] = 1
    return np.asarray(cover / cover.sum(axis=1, keepdims=True))
