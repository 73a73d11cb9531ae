"""Points at which a clip is changed for the proof of place, and the clips of its runs.

Points drawn from the whole clip are changed at once. Others are changed in two runs each, and no two of them in the
same two: runs of others that cover the two of a point cover a third as well, in which it rests.
"""

import math
from collections.abc import Sequence
from itertools import combinations, permutations, product
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.geometry import Grid, QueryGrid

FEW_FRAMES, RUNS, MORE_RUNS = 6, 4, 5
"""Maximum number of temporal cells that 6 points in 4 runs tell apart; more take 10 points in 5 runs."""

MANY, SPARE = 64, 4
"""Maximum number of points of a proof by one run, and minimum number of cells per point: of so few cells drawn at
random, an unknown order of all moves some elsewhere."""

_SEED, _CANDIDATES = 11, 64


class Point(NamedTuple):
    """A place of the clip: frames [start, stop), and the height and width in [0, 1] of the network's input."""

    start: int
    stop: int
    y: float
    x: float


def points_for(grids: Sequence[QueryGrid], *, at_first: bool = False) -> tuple[Point, ...]:
    """Return points well inside cells of every grid, spread over frames and picture: the corners, and some at random.

    Grids of very few cells get fewer points. ``at_first``: whether the points lie in the first cell of the finest grid
    within a cell of the coarsest: the one that a layer takes which keeps every second row and column.
    """
    coarse, spans = _coarsest(grids)
    rng = np.random.default_rng(_SEED)
    count = math.comb(RUNS if len(spans) <= FEW_FRAMES else MORE_RUNS, 2)
    times = rng.permutation(np.linspace(0, len(spans) - 1, count).round().astype(int))
    # Not at the rim, where receptive fields are cut.
    (top, bottom), (left, right) = ((1, n - 2) if n >= 4 else (0, n - 1) for n in (coarse.rows, coarse.cols))
    chosen = [(top, left), (bottom, right), (top, right), (bottom, left)]
    while len(chosen) < count:
        candidates = np.stack(
            [rng.integers(top, bottom + 1, _CANDIDATES), rng.integers(left, right + 1, _CANDIDATES)], axis=1
        )
        gaps = np.abs(candidates[:, None] - np.array(chosen)[None]).sum(axis=-1).min(axis=1)
        chosen.append((int(candidates[gaps.argmax()][0]), int(candidates[gaps.argmax()][1])))
    cells = dict.fromkeys((int(t), row, col) for t, (row, col) in zip(times, chosen, strict=True))
    finest = max(grids, key=lambda grid: grid.rows * grid.cols)

    def within(number: int, row: int, col: int) -> tuple[float, float]:
        if at_first:
            return _middle(row, coarse.rows, finest.rows), _middle(col, coarse.cols, finest.cols)
        before, behind = 0.3, 0.7
        y, x = before if number % 2 else behind, before if number % 4 < 2 else behind
        return (row + y) / coarse.rows, (col + x) / coarse.cols

    return tuple(
        Point(spans[t][0], spans[t][1], *within(number, row, col)) for number, (t, row, col) in enumerate(cells)
    )


def drawn_points(grids: Sequence[QueryGrid]) -> tuple[Point, ...]:
    """Return points in cells of every grid, drawn at random from the whole clip, for a proof by one run."""
    coarse, spans = _coarsest(grids)
    rng, shape = np.random.default_rng(_SEED), (len(spans), coarse.rows, coarse.cols)
    size = math.prod(shape)
    cells = np.unravel_index(rng.choice(size, min(MANY, size // SPARE), replace=False), shape)
    places = rng.choice([0.3, 0.7], (2, len(cells[0])))
    return tuple(
        Point(spans[t][0], spans[t][1], (row + y) / coarse.rows, (col + x) / coarse.cols)
        for t, row, col, y, x in zip(*cells, *places.tolist(), strict=True)
    )


def _coarsest(grids: Sequence[QueryGrid]) -> tuple[QueryGrid, tuple[tuple[int, int], ...]]:
    """Return the grid of the fewest rows and columns, and the frames of each temporal cell where these are fewest."""
    return min(grids, key=lambda grid: grid.rows * grid.cols), min(grids, key=lambda grid: grid.steps).frame_spans


def _middle(index: int, coarse: int, fine: int) -> float:
    """Return the middle of the first of the cells along an axis that a cell of a coarser grid is made of."""
    return (min(index * -(-fine // coarse), fine - 1) + 0.5) / fine


def run_count(points: Sequence[Point]) -> int:
    """Return the number of runs that tell the points apart."""
    return RUNS if len(points) <= math.comb(RUNS, 2) else MORE_RUNS


def nudged(
    clip: Float[Tensor, "1 C T H W"], points: Sequence[Point], grids: Sequence[QueryGrid], run: int | None
) -> Float[Tensor, "1 C T H W"]:
    """Return the clip of one run: with noise in a small square at each of its points, the same noise in every run.

    ``run``: None for the run that changes all points.
    """
    height, width = clip.shape[-2:]
    finest = min(min(height / grid.rows, width / grid.cols) for grid in grids)
    side = max(1, min(max(2, int(0.4 * finest)), int(finest)))
    changed = clip.clone()
    for number, point in enumerate(points):
        if run is not None and run not in runs_of(number, run_count(points)):
            continue
        top, left = (
            min(max(round(at * size - side / 2), 0), size - side) for at, size in ((point.y, height), (point.x, width))
        )
        square = changed[0, :, point.start : point.stop, top : top + side, left : left + side]
        drawn = torch.Generator("cpu").manual_seed(_SEED + number)
        square += torch.randn(square.shape, generator=drawn, device="cpu").to(square)
    return changed


def runs_of(number: int, runs: int) -> tuple[int, int]:
    """Return the two of the runs in which a point is changed."""
    return tuple(combinations(range(runs), 2))[number]


def shows_order(grid: Grid, points: Sequence[Point]) -> bool:
    """Return whether a turned axis and exchanged axes of a grid change the set of the cells of some points.

    >>> corners = [Point(0, 1, y, x) for y in (0.1, 0.9) for x in (0.1, 0.9)]
    >>> grid = Grid(steps=1, rows=6, cols=10, frame_spans=((0, 1),))
    >>> shows_order(grid, corners), shows_order(grid, [*corners, Point(0, 1, 0.4, 0.7)])
    (False, True)
    """
    cells = sorted({index for point in points for index in cells_of(grid, point, 1)})
    indices = np.arange(grid.size).reshape(grid.shape)
    for axes, ends in product(permutations(range(3)), product((1, -1), repeat=3)):
        order = indices.transpose(axes)[tuple(slice(None, None, end) for end in ends)].ravel()
        if bool((order[cells] != cells).any()) and sorted(order[cells].tolist()) == cells:
            return False
    return True


def cells_of(grid: Grid, point: Point, square: int) -> list[int]:
    """Return the indices of the cells that a point changes, and of those that move with them.

    There are none on a grid of pooled keys that ends before the point's frames.
    """
    if point.start >= grid.end_frame:
        return []
    last = min(point.stop, grid.end_frame) - 1
    times = range(grid.t_of_frame(point.start), grid.t_of_frame(last) + 1)
    rows, cols = (
        range(int(at * count) // square * square, min((int(at * count) // square + 1) * square, count))
        for at, count in ((point.y, grid.rows), (point.x, grid.cols))
    )
    return [(t * grid.rows + row) * grid.cols + col for t in times for row in rows for col in cols]
