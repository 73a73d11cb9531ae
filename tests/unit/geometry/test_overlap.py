"""Weight that is carried from one grid to another, against loops over pairs of cells."""

import itertools

import numpy as np
import pytest

from nonlocal_core.geometry import Grid
from nonlocal_core.geometry.overlap import carried


def grid(steps: int, rows: int, cols: int, *, frames: int = 12, box: tuple[float, ...] = (0.0, 0.0, 1.0, 1.0)) -> Grid:
    """Return a grid over a clip of so many frames; ``box`` is x0, y0, x1, y1."""
    edges = [frames * step // steps for step in range(steps + 1)]
    spans = tuple(itertools.pairwise(edges))
    return Grid(steps=steps, rows=rows, cols=cols, frame_spans=spans, box=box)


def common(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the length that two intervals share."""
    return max(min(first[1], second[1]) - max(first[0], second[0]), 0.0)


def carried_by_loops(values: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """Each cell gives to the cells that it overlaps, by the volume that they share; each overlaps at least one."""
    out = np.zeros(target.shape)
    for cell in map(source.cell, range(source.size)):
        x0, y0, x1, y1 = source.bounds(cell)
        shares = np.zeros(target.shape)
        for other in map(target.cell, range(target.size)):
            u0, v0, u1, v1 = target.bounds(other)
            long = common(source.span(cell.t), target.span(other.t))
            shares[other] = long * common((y0, y1), (v0, v1)) * common((x0, x1), (u0, u1))
        out += values[cell] * shares / shares.sum()
    return out


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (grid(4, 5, 7), grid(3, 2, 4)),
        (grid(3, 2, 4), grid(4, 5, 7)),
        (grid(2, 6, 9), grid(6, 3, 3)),
        (grid(2, 4, 6, box=(0.25, 0.1, 0.75, 0.9)), grid(4, 5, 7)),
        (grid(1, 1, 1), grid(4, 5, 7)),
    ],
    ids=["to coarser", "to finer", "in whole parts", "from a crop", "from one cell"],
)
def test_a_cell_gives_to_those_that_it_overlaps(source: Grid, target: Grid) -> None:
    values = np.random.default_rng(6).random(source.shape)
    found = carried(values, source, target)
    np.testing.assert_allclose(found, carried_by_loops(values, source, target), rtol=1e-12)
    assert found.sum() == pytest.approx(values.sum())


def test_what_no_cell_covers_goes_to_the_nearest() -> None:
    """Of four columns a crop to the middle half covers two; rows and steps are the same."""
    source, target = grid(2, 3, 4), grid(2, 3, 2, box=(0.25, 0.0, 0.75, 1.0))
    values = np.random.default_rng(7).random(source.shape)
    expected = np.stack([values[..., 0] + values[..., 1], values[..., 2] + values[..., 3]], axis=-1)
    np.testing.assert_allclose(carried(values, source, target), expected, rtol=1e-12)


def test_edges_that_meet_but_for_rounding_do_not_overlap() -> None:
    """The fourth of six columns begins where the second of two does, but for a last digit."""
    box = (0.0, 0.0, 0.7, 1.0)
    source, target = grid(1, 1, 6, box=box), grid(1, 1, 2, box=box)
    fourth = np.zeros((1, 1, 6))
    fourth[0, 0, 3] = 1.0
    assert carried(fourth, source, target).tolist() == [[[0.0, 1.0]]]


def test_between_equal_grids_nothing_is_computed() -> None:
    values = np.random.default_rng(8).random((4, 5, 7))
    assert carried(values, grid(4, 5, 7), grid(4, 5, 7)) is values
    other = carried(values, grid(4, 5, 7), grid(4, 5, 7, box=(0.0, 0.0, 0.5, 1.0)))
    assert other is not values
