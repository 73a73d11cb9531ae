"""Grids, cells and the view: conversions between points, frames and cells.

A feature map divides a clip into cells: the frames into steps of time, the shown frame into rows and columns. The
query grid is that division; the key grid is the coarser one left by the subsampling trick (paper, section 3.3). They
are different types so that a query index can never be read on the key grid by mistake.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from nonlocal_core.errors import GeometryError, OutsideGridError

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in units of the shown frame: the whole frame is (0, 0, 1, 1)."""

Span = tuple[int, int]
"""[start, stop) in frames of the clip."""

THW = tuple[int, int, int]
"""Counts along time, rows and columns."""

WHOLE_FRAME: Box = (0.0, 0.0, 1.0, 1.0)


class Cell(NamedTuple):
    """One position of a grid: step t, row y, column x, counted in cells."""

    t: int
    y: int
    x: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A division of a clip into T x H x W cells, row-major: index = (t * H + y) * W + x.

    >>> grid = QueryGrid.over_clip(clip_frames=8, steps=4, rows=14, cols=24)
    >>> grid.cell_at(frame=5, x=0.5, y=0.0), grid.span(2)
    (Cell(t=2, y=0, x=12), (4, 6))

    ``box`` is the part of the shown frame that the cells tile: smaller than the frame after a crop or
    if pooling drops the last odd row, larger if padding lets cells reach past the edge. ``frame_spans``: the
    frames that each step stands for. If spans overlap, a frame belongs to the last step that starts at or before
    it; so does a frame between two spans.
    """

    steps: int
    rows: int
    cols: int
    frame_spans: tuple[Span, ...]
    box: Box = WHOLE_FRAME

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise GeometryError(f"A grid needs at least one cell along T, H and W; got {self.shape}.")
        if len(self.frame_spans) != self.steps:
            raise GeometryError(f"A grid of {self.steps} steps needs one frame span each; got {len(self.frame_spans)}.")
        x0, y0, x1, y1 = self.box
        if not (x0 < x1 and y0 < y1):
            raise GeometryError(f"A box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1; got {self.box}.")
        in_order = all(a < b and end <= stop for (a, end), (b, stop) in pairwise(self.frame_spans))
        if self.frame_spans[0][0] < 0 or not in_order or any(start >= stop for start, stop in self.frame_spans):
            raise GeometryError(
                "Frame spans are [start, stop) from 0, in the order of time, each with at least one frame; "
                f"got {self.frame_spans}."
            )

    @property
    def shape(self) -> THW:
        """The number of cells along T, H and W."""
        return (self.steps, self.rows, self.cols)

    @property
    def size(self) -> int:
        """The number of positions, T * H * W."""
        return self.steps * self.rows * self.cols

    @property
    def end_frame(self) -> int:
        """The first frame of the clip that lies after the grid."""
        return self.frame_spans[-1][1]

    def index(self, cell: Cell) -> int:
        """Return the row-major index of a cell. Raises GeometryError if it is not on the grid."""
        if not (0 <= cell.t < self.steps and 0 <= cell.y < self.rows and 0 <= cell.x < self.cols):
            raise GeometryError(f"{cell} is not on a grid of {self.shape} cells (T, H, W).")
        return (cell.t * self.rows + cell.y) * self.cols + cell.x

    def cell(self, index: int) -> Cell:
        """Return the cell of a row-major index. Raises GeometryError if it is not on the grid."""
        if not 0 <= index < self.size:
            raise GeometryError(f"Index {index} is not in [0, {self.size}) of a grid of {self.shape} cells.")
        t, within = divmod(index, self.rows * self.cols)
        return Cell(t, *divmod(within, self.cols))

    def span(self, t: int) -> Span:
        """Return the frames [start, stop) of the clip that a step stands for."""
        return self.frame_spans[t]

    def find_t(self, frame: int) -> int | None:
        """Return the step of a frame, or None if the grid begins after it or ends before it."""
        if not self.frame_spans[0][0] <= frame < self.end_frame:
            return None
        return bisect_right(self.frame_spans, frame, key=lambda span: span[0]) - 1

    def t_of_frame(self, frame: int) -> int:
        """Return the step of a frame. Raises OutsideGridError if the grid begins after it or ends before it."""
        t = self.find_t(frame)
        if t is None:
            raise OutsideGridError(
                f"Frame {frame} is not in [{self.frame_spans[0][0]}, {self.end_frame}) of this grid."
            )
        return t

    def cell_at(self, *, frame: int, x: float, y: float) -> Cell:
        """Return the cell under a point of the shown frame; x and y in [0, 1], y downwards.

        Raises OutsideGridError if the network did not see that point (a crop, an odd edge lost to pooling).
        """
        x0, y0, x1, y1 = self.box
        inside = 0.0 <= x <= 1.0 and 0.0 <= y <= 1.0 and x0 <= x <= x1 and y0 <= y <= y1
        if not inside:
            raise OutsideGridError(
                f"The point x={x:g}, y={y:g} lies outside the part of the frame that these cells cover "
                f"(x {max(x0, 0.0):.3g} to {min(x1, 1.0):.3g}, y {max(y0, 0.0):.3g} to {min(y1, 1.0):.3g})."
            )
        col = min(int((x - x0) / (x1 - x0) * self.cols), self.cols - 1)
        row = min(int((y - y0) / (y1 - y0) * self.rows), self.rows - 1)
        return Cell(self.t_of_frame(frame), row, col)

    def nearest_cell(self, *, frame: int, x: float, y: float) -> Cell:
        """Return the cell under a point, or the nearest one if the network did not see the point itself.

        Raises OutsideGridError for a frame that the grid does not have.
        """
        x0, y0, x1, y1 = self.box
        return self.cell_at(frame=frame, x=min(max(x, x0, 0.0), x1, 1.0), y=min(max(y, y0, 0.0), y1, 1.0))

    def cells_in(self, *, frame: int, box: Box) -> tuple[Cell, ...]:
        """Return the cells of a frame whose centres lie in a box of the shown frame, or the cell under its middle.

        Raises GeometryError for corners that are not in order or in the frame, OutsideGridError if the network saw
        nothing of the box.
        """
        x0, y0, x1, y1 = box
        if not (0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1):
            raise GeometryError(
                f"A box is x0, y0, x1, y1 with 0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1, of the frame; got "
                f"{x0:g}, {y0:g}, {x1:g}, {y1:g}."
            )
        t = self.t_of_frame(frame)
        cells = (Cell(t, y, x) for y in range(self.rows) for x in range(self.cols))
        found = tuple(cell for cell in cells if self._holds(cell, box))
        return found or (self.cell_at(frame=frame, x=(x0 + x1) / 2, y=(y0 + y1) / 2),)

    def _holds(self, cell: Cell, box: Box) -> bool:
        (x, y), (x0, y0, x1, y1) = self.center(cell), box
        return x0 <= x <= x1 and y0 <= y <= y1

    def bounds(self, cell: Cell) -> Box:
        """Return the box of a cell in units of the shown frame."""
        x0, y0, x1, y1 = self.box
        width, height = (x1 - x0) / self.cols, (y1 - y0) / self.rows
        left, top = x0 + cell.x * width, y0 + cell.y * height
        return (left, top, left + width, top + height)

    def center(self, cell: Cell) -> tuple[float, float]:
        """Return the (x, y) centre of a cell in units of the shown frame."""
        left, top, right, bottom = self.bounds(cell)
        return ((left + right) / 2, (top + bottom) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGrid(Grid):
    """Grid of the positions that are looked at, where phi and g live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryGrid(Grid):
    """Grid of the positions that look, where theta and the output live."""

    @classmethod
    def over_clip(cls, *, clip_frames: int, steps: int, rows: int, cols: int, box: Box = WHOLE_FRAME) -> "QueryGrid":
        """Return a grid whose steps share the frames of the clip evenly, in order.

        Raises GeometryError if there are more steps than frames.
        """
        if not 1 <= steps <= clip_frames:
            raise GeometryError(f"{steps} steps cannot share {clip_frames} frames.")
        edges = [t * clip_frames // steps for t in range(steps + 1)]
        return cls(steps=steps, rows=rows, cols=cols, frame_spans=tuple(pairwise(edges)), box=box)

    def pooled(self, kernel: THW) -> KeyGrid:
        """Return the key grid after max pooling with this kernel, the same stride and no padding.

        Odd sizes are floored, as every public implementation does: the last row or column is never a key.
        """
        if min(kernel) < 1:
            raise GeometryError(f"A pooling kernel has 1 cell or more along T, H and W; got {kernel}.")
        steps, rows, cols = (n // k for n, k in zip(self.shape, kernel, strict=True))
        if min(steps, rows, cols) < 1:
            raise GeometryError(f"Pooling by {kernel} leaves no key on a grid of {self.shape} cells (T, H, W).")
        kt, kh, kw = kernel
        spans = tuple((self.frame_spans[t * kt][0], self.frame_spans[t * kt + kt - 1][1]) for t in range(steps))
        x0, y0, x1, y1 = self.box
        # Where nothing is dropped the rim stays exactly: a point on it is on both grids.
        right = x1 if cols * kw == self.cols else x0 + (x1 - x0) * cols * kw / self.cols
        bottom = y1 if rows * kh == self.rows else y0 + (y1 - y0) * rows * kh / self.rows
        return KeyGrid(steps=steps, rows=rows, cols=cols, frame_spans=spans, box=(x0, y0, right, bottom))

    def own_keys(self, kernel: THW) -> tuple[Int[np.ndarray, " T"], Int[np.ndarray, " H"], Int[np.ndarray, " W"]]:
        """Return the index of the pooled cell over each cell of this grid, along each axis, for pooling by a kernel."""
        t, y, x = (own_keys_along(*counts) for counts in zip(self.shape, kernel, strict=True))
        return t, y, x

    def own_key(self, query: Cell, kernel: THW) -> Cell:
        """Return the key cell over a query cell, on the grid after pooling by a kernel."""
        return Cell(*(int(keys[index]) for keys, index in zip(self.own_keys(kernel), query, strict=True)))


def own_keys_along(queries: int, kernel: int) -> Int[np.ndarray, " queries"]:
    """Return the key over each query along one axis; queries of an odd edge that pooling dropped take the last key.

    >>> own_keys_along(7, 3)
    array([0, 0, 0, 1, 1, 1, 1])
    """
    return np.asarray(np.minimum(np.arange(queries) // kernel, queries // kernel - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewTransform:
    """Part of the shown frame that the network saw, and its size in pixels.

    ``shown_hw``: pixels of the frame as shown, after rotation and pixel aspect. ``crop``: the part of it that
    was fed. ``input_hw``: pixels of the network's input.
    """

    shown_hw: tuple[int, int]
    input_hw: tuple[int, int]
    crop: Box = WHOLE_FRAME

    def query_grid(self, *, clip_frames: int, steps: int, rows: int, cols: int) -> QueryGrid:
        """Return the grid of a feature map of T x H x W cells that tiles the input."""
        return QueryGrid.over_clip(clip_frames=clip_frames, steps=steps, rows=rows, cols=cols, box=self.crop)
