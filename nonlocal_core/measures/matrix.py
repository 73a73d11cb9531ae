"""The affinity matrix for display: whole for small grids, means over boxes of neighbouring cells for large ones."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.geometry import Cell, Grid, Span

MOST_LINES = 512
"""Maximum number of rows and of columns shown; a grid of no more positions is shown position by position."""
MOST_WEIGHTS = 2**25
"""Maximum number of weights computed for one matrix, so that it takes a second or two; beyond, queries are sampled."""
_SEED = 2018
_CHUNK_WEIGHTS = 2**20
"""Number of weights held at once: 8 MB of float64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """A grid cut into boxes of neighbouring cells, one for each line of the matrix, row-major over (T, H, W).

    >>> from nonlocal_core import QueryGrid
    >>> bins = Bins.of(QueryGrid.over_clip(clip_frames=4, steps=4, rows=6, cols=9), most=30)
    >>> bins.shape, bins.box(23)
    ((4, 2, 3), ((3, 4), (3, 6), (6, 9)))
    """

    grid: Grid
    edges: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    """Starts of the boxes along T, H and W, each followed by the end of the last box."""

    @classmethod
    def of(cls, grid: Grid, most: int = MOST_LINES) -> "Bins":
        """Return no more than ``most`` boxes, as small as that allows; time is merged if merging space is not enough.

        Boxes at the far edges are smaller if the cells do not divide evenly.
        """
        widest = max(grid.rows, grid.cols)
        side = next((s for s in range(1, widest) if _count(grid, (1, s, s)) <= most), widest)
        time = max(1, math.ceil(grid.steps / max(most // _count(grid, (grid.steps, side, side)), 1)))
        lengths = (time, side, side)
        t, y, x = ((*range(0, length, step), length) for length, step in zip(grid.shape, lengths, strict=True))
        return cls(grid=grid, edges=(t, y, x))

    @property
    def shape(self) -> tuple[int, int, int]:
        """The number of boxes along T, H and W."""
        t, y, x = (len(edges) - 1 for edges in self.edges)
        return (t, y, x)

    @property
    def size(self) -> int:
        """The number of boxes."""
        return math.prod(self.shape)

    @property
    def is_whole(self) -> bool:
        """True if each box is one cell."""
        return self.size == self.grid.size

    def box(self, index: int) -> tuple[Span, Span, Span]:
        """Return the cells [start, stop) along T, H and W of a box."""
        place = np.unravel_index(index, self.shape)
        t, y, x = ((edges[i], edges[i + 1]) for edges, i in zip(self.edges, place, strict=True))
        return (t, y, x)

    def indices(self, index: int) -> Int[np.ndarray, " n"]:
        """Return the positions of the grid that a box holds."""
        (t0, t1), (y0, y1), (x0, x1) = self.box(index)
        return np.array(
            [self.grid.index(Cell(t, y, x)) for t in range(t0, t1) for y in range(y0, y1) for x in range(x0, x1)]
        )

    def means(self, values: Float64[np.ndarray, " N"]) -> Float64[np.ndarray, " bins"]:
        """Return the mean of the values in each box."""
        summed, counts = values.reshape(self.grid.shape), np.ones(self.grid.shape)
        for axis, edges in enumerate(self.edges):
            summed = np.add.reduceat(summed, edges[:-1], axis=axis)
            counts = np.add.reduceat(counts, edges[:-1], axis=axis)
        return np.asarray((summed / counts).reshape(-1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffinityMatrix:
    """Mean affinity from each box of queries (row) to each box of keys (column), in affinity units."""

    values: Float32[np.ndarray, "query_bins key_bins"]
    query_bins: Bins
    key_bins: Bins
    queries_per_box: int
    """Maximum number of queries averaged for one row."""
    is_sampled: bool
    """True if some box has more queries than were averaged."""
    note: str
    """Warning of the block, empty if there is none."""

    @property
    def is_whole(self) -> bool:
        """True if this is the affinity matrix itself, not means of it."""
        return self.query_bins.is_whole and self.key_bins.is_whole


def affinity_matrix(
    block: BlockCapture, *, most: int = MOST_LINES, progress: Callable[[int, int], None] | None = None
) -> AffinityMatrix:
    """Return the matrix of a block with at most ``most`` rows and columns, computed some boxes of queries at a time.

    All keys are averaged, and all queries unless that takes more than ``MOST_WEIGHTS`` weights: then as many of each
    box as that allows, drawn with a fixed seed. Off-grid keys are left out. ``progress``: boxes done, and in all.
    """
    query_bins, key_bins = Bins.of(block.query_grid, most), Bins.of(block.key_grid, most)
    each = max(1, MOST_WEIGHTS // (len(block.phi) * query_bins.size))
    rng = np.random.default_rng(_SEED)
    boxes = [query_bins.indices(line) for line in range(query_bins.size)]
    asked = [rng.choice(box, each, replace=False) if len(box) > each else box for box in boxes]
    values = np.empty((query_bins.size, key_bins.size), np.float32)
    step = max(1, _CHUNK_WEIGHTS // (len(block.phi) * max(map(len, asked))))
    for start in range(0, query_bins.size, step):
        some = asked[start : start + step]
        rows = many_row_weights(block, np.concatenate(some))[:, : block.key_grid.size]
        for line, part in enumerate(np.split(rows, np.cumsum([len(queries) for queries in some])[:-1]), start):
            values[line] = key_bins.means(part.mean(axis=0))
        if progress is not None:
            progress(min(start + step, query_bins.size), query_bins.size)
    largest = max(map(len, boxes))
    return AffinityMatrix(
        values=values,
        query_bins=query_bins,
        key_bins=key_bins,
        queries_per_box=min(each, largest),
        is_sampled=largest > each,
        note=block.warning,
    )


def _count(grid: Grid, steps: tuple[int, int, int]) -> int:
    return math.prod(math.ceil(length / step) for length, step in zip(grid.shape, steps, strict=True))
