"""First question about a clip without a curated one: a cell whose row has something to show.

The rule: of cells spread over the middle of three frames, the one with the largest product of two numbers. One is the
share of its row that leaves its own frame, or its own place if there is no other frame. The other is the mean, under
the row, of each cell's motion against the frames' median and of the distance of its colour from those along the border
of its frame. Rows of things look at things, rows of the ground at the ground.
"""

import numpy as np
from jaxtyping import Float, Float64, Int, UInt8
from PIL import Image

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.geometry import Cell, KeyGrid, QueryGrid

MOST_CANDIDATES = 400
MARGIN = 0.12
"""Fraction of the frame along each edge in which nothing is asked."""
RIM_CELLS = 2
"""Number of cells along each edge of a frame whose colours stand for the ground."""
NEAREST = 0.2
"""Fraction of those colours, the nearest ones, that a cell is compared with."""


def default_query(block: BlockCapture, frames: UInt8[np.ndarray, "frames h w 3"]) -> Cell:
    """Return the query cell to ask first; ``frames`` are those that the block was captured on."""
    grid = block.query_grid
    asked = _candidates(grid)
    weights = many_row_weights(block, np.array([grid.index(cell) for cell in asked]))[:, : block.key_grid.size]
    positive = np.maximum(weights, 0, out=weights)
    mass = positive.sum(axis=1)
    cells = positive.reshape(len(asked), *block.key_grid.shape)
    stays = np.array([_stays(cells[i], grid.own_key(cell, block.subsample)) for i, cell in enumerate(asked)])
    seen = positive @ _striking(block.key_grid, frames).reshape(-1)
    some = np.where(mass > 0, mass, 1)  # a row without positive weight has nothing to show
    return asked[int(np.argmax((1 - stays / some) * (seen / some)))]


def _candidates(grid: QueryGrid) -> list[Cell]:
    """Return cells at even steps over the middle of up to three frames."""
    steps = sorted({grid.steps // 4, grid.steps // 2, 3 * grid.steps // 4})
    rows, cols = (_inner(count) for count in (grid.rows, grid.cols))
    apart = max(1, int(np.ceil(np.sqrt(len(steps) * len(rows) * len(cols) / MOST_CANDIDATES))))
    return [
        Cell(t, int(y), int(x))
        for t in steps
        for y in rows[(len(rows) - 1) % apart // 2 :: apart]
        for x in cols[(len(cols) - 1) % apart // 2 :: apart]
    ]


def _inner(count: int) -> Int[np.ndarray, " n"]:
    """Return the cells along an axis whose centres lie beyond the margins, at least the middle one."""
    centres = (np.arange(count) + 0.5) / count
    inner = np.flatnonzero((centres >= MARGIN) & (centres <= 1 - MARGIN))
    return inner if len(inner) else np.array([count // 2])


def _stays(weights: Float[np.ndarray, "T H W"], own: Cell) -> float:
    """Return the weight in the own frame, or around the own place if there is no other frame."""
    if len(weights) > 1:
        return float(weights[own.t].sum())
    return float(weights[0, max(own.y - 1, 0) : own.y + 2, max(own.x - 1, 0) : own.x + 2].sum())


def _striking(grid: KeyGrid, frames: UInt8[np.ndarray, "frames h w 3"]) -> Float64[np.ndarray, "T H W"]:
    """Return each cell's motion plus the distance of its colour from the border's, in grey levels."""
    size = (grid.cols, grid.rows)
    small = np.stack(
        [
            np.asarray(Image.fromarray(frames[start]).resize(size, Image.Resampling.BOX, box=_pixels(grid, frames)))
            for start, _ in grid.frame_spans
        ]
    ).astype(np.float64)
    moves: np.ndarray = np.linalg.norm(small - np.median(small, axis=0), axis=-1)
    return np.asarray(moves + np.stack([_from_rim(frame) for frame in small]))


def _pixels(grid: KeyGrid, frames: UInt8[np.ndarray, "frames h w 3"]) -> tuple[float, float, float, float]:
    """Return the part of a frame that the cells cover, in pixels."""
    height, width = frames.shape[1:3]
    x0, y0, x1, y1 = grid.box
    return (max(x0, 0) * width, max(y0, 0) * height, min(x1, 1) * width, min(y1, 1) * height)


def _from_rim(frame: Float64[np.ndarray, "H W 3"]) -> Float64[np.ndarray, "H W"]:
    """Return the mean distance of each colour to the nearest of those along the edges."""
    is_rim = np.ones(frame.shape[:2], bool)
    is_rim[RIM_CELLS:-RIM_CELLS, RIM_CELLS:-RIM_CELLS] = False
    rim = frame[is_rim]
    few = max(1, int(NEAREST * len(rim)))
    # |a|^2 - 2 ab + |b|^2, exact of whole numbers; in lines, since a whole fine grid would take gigabytes.
    sizes = (rim**2).sum(axis=-1)
    lines = ((line**2).sum(axis=-1, keepdims=True) - 2 * line @ rim.T + sizes for line in frame)
    return np.stack([np.sqrt(np.partition(line, few - 1, axis=-1)[:, :few]).mean(axis=-1) for line in lines])
