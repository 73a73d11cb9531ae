"""Pixels and cells: one rule in both directions, against loops in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlocal_core.geometry import (
    Grid,
    QueryGrid,
    box_mask,
    cells_in_box,
    cells_mask,
    coverage,
    pixel_at,
    resized,
    spread,
)

UNHURRIED = settings(deadline=None, max_examples=40)  # a busy machine is no fault


@st.composite
def cases(draw):
    """Draw a grid of eighths, cropped, padded or pooled at an odd edge, and the size of a frame."""
    steps, rows, cols = draw(st.integers(1, 3)), draw(st.integers(2, 7)), draw(st.integers(2, 9))
    x0, y0 = (draw(st.integers(-2, 4)) / 8 for _ in range(2))
    x1, y1 = x0 + draw(st.integers(2, 8)) / 8, y0 + draw(st.integers(2, 8)) / 8
    kernel = draw(st.sampled_from([(1, 1, 1), (1, 2, 2), (1, 2, 1)]))
    size_hw = draw(st.integers(1, 40)), draw(st.integers(1, 50))
    return {"steps": steps, "rows": rows, "cols": cols, "box": (x0, y0, x1, y1)}, kernel, size_hw


def grid_of(case):
    facts, kernel, _ = case
    return QueryGrid.over_clip(clip_frames=2 * facts["steps"], **facts).pooled(kernel)


def cells_by_loops(case):
    """The (row, column) of the cell that holds each pixel's centre, and nothing for a pixel in none."""
    grid, (_, (_, kh, kw), (height, width)) = grid_of(case), case
    x0, y0, x1, y1 = map(Fraction, case[0]["box"])
    tall, wide = (y1 - y0) / case[0]["rows"] * kh, (x1 - x0) / case[0]["cols"] * kw
    found = {}
    for row in range(height):
        for col in range(width):
            down, across = Fraction(2 * row + 1, 2 * height) - y0, Fraction(2 * col + 1, 2 * width) - x0
            y, x = down / tall, across / wide
            on_edge = y.denominator == 1 or x.denominator == 1  # where floats may fall on either side
            if not on_edge and 0 <= y < grid.rows and 0 <= x < grid.cols:
                found[row, col] = (int(y), int(x))
            elif on_edge:
                found[row, col] = None
    return found


@UNHURRIED
@given(cases())
def test_a_pixel_belongs_to_the_cell_that_holds_its_centre(case):
    grid, size_hw, held = grid_of(case), case[2], cells_by_loops(case)
    numbers = np.arange(grid.rows * grid.cols, dtype=np.float64).reshape(grid.rows, grid.cols)
    values, covered = spread(numbers, grid, size_hw=size_hw)
    for row in range(size_hw[0]):
        for col in range(size_hw[1]):
            cell = held.get((row, col), "outside")
            if cell == "outside":
                assert not covered[row, col]
            elif cell is not None:
                assert covered[row, col]
                assert values[row, col] == numbers[cell]


@UNHURRIED
@given(cases(), st.integers(0, 2**32 - 1))
def test_coverage_counts_the_pixels_that_spread_gives_to_a_cell(case, seed):
    grid, size_hw = grid_of(case), case[2]
    numbers = np.arange(grid.rows * grid.cols, dtype=np.float64).reshape(grid.rows, grid.cols)
    values, covered = spread(numbers, grid, size_hw=size_hw)
    mask = np.random.default_rng(seed).random(size_hw) < 0.5
    parts = coverage(grid, mask)
    for y in range(grid.rows):
        for x in range(grid.cols):
            own = covered & (values == numbers[y, x])
            if own.any():
                assert parts[y, x] == pytest.approx(mask[own].mean())


def test_a_cell_too_small_for_the_centre_of_a_pixel_has_the_pixel_under_its_own():
    mask, grid = (
        np.random.default_rng(2).random((2, 3)) < 0.5,
        QueryGrid.over_clip(clip_frames=1, steps=1, rows=4, cols=4),
    )
    expected = [[mask[int((y + 0.5) / 4 * 2), int((x + 0.5) / 4 * 3)] for x in range(4)] for y in range(4)]
    np.testing.assert_array_equal(coverage(grid, mask), np.array(expected, float))


@UNHURRIED
@given(cases(), st.data())
def test_the_pixels_of_one_cell_cover_that_cell_alone(case, data):
    grid, size_hw = grid_of(case), case[2]
    cells = np.zeros((grid.rows, grid.cols), bool)
    cells[data.draw(st.integers(0, grid.rows - 1)), data.draw(st.integers(0, grid.cols - 1))] = True
    mask = cells_mask(cells, grid, size_hw)
    if size_hw[0] > 16 * grid.rows and size_hw[1] > 16 * grid.cols and mask.any():  # every cell in sight has pixels
        np.testing.assert_array_equal(coverage(grid, mask), cells)


def test_a_cell_outside_the_frame_is_covered_by_nothing():
    padded = QueryGrid.over_clip(clip_frames=1, steps=1, rows=4, cols=4, box=(-0.5, -0.5, 1.5, 1.5))
    expected = np.zeros((4, 4))
    expected[1:3, 1:3] = 1
    np.testing.assert_array_equal(coverage(padded, np.ones((6, 10), bool)), expected)


def test_a_step_counts_where_one_of_its_frames_is_asked_for():
    grid = QueryGrid.over_clip(clip_frames=7, steps=3, rows=2, cols=2)
    assert grid.frame_spans == ((0, 2), (2, 4), (4, 7))
    for frames, expected in [
        ((1, 3), [True, True, False]),
        ((2, 4), [False, True, False]),
        ((4, 9), [False] * 2 + [True]),
    ]:
        mask = cells_in_box(grid, (0.5, 0.0, 1.0, 0.5), frames).reshape(grid.shape)
        assert mask[:, 0, 1].tolist() == expected
        assert mask.sum() == sum(expected)


def test_the_edges_of_a_box_belong_to_it():
    grid = QueryGrid.over_clip(clip_frames=1, steps=1, rows=2, cols=4)
    assert cells_in_box(grid, (0.125, 0.25, 0.625, 0.75)).reshape(2, 4).tolist() == [[True, True, True, False]] * 2
    assert box_mask((0.125, 0.25, 0.625, 0.75), (2, 4)).tolist() == [[True, True, True, False]] * 2


@pytest.mark.parametrize(
    ("point", "pixel"),
    [((0.0, 0.0), (0, 0)), ((1.0, 1.0), (5, 8)), ((0.5, 0.5), (3, 4)), ((-0.1, 1.2), (5, 0)), ((-1, -1), (0, 0))],
)
def test_a_point_lies_on_a_pixel_or_nearest_to_one(point, pixel):
    assert pixel_at(*point, (6, 9)) == pixel


def test_a_mask_keeps_its_places_at_another_size():
    mask = np.random.default_rng(1).random((5, 7)) < 0.5
    assert (resized(mask, (15, 21)) == np.kron(mask, np.ones((3, 3), bool))).all()
    assert (resized(np.kron(mask, np.ones((3, 3), bool)), (5, 7)) == mask).all()


def test_in_overlapping_spans_a_frame_belongs_to_the_last_step_that_starts_at_or_before_it():
    grid = Grid(steps=4, rows=1, cols=1, frame_spans=((1, 4), (2, 6), (5, 7), (9, 11)))
    assert [grid.find_t(frame) for frame in range(12)] == [None, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, None]
    assert cells_in_box(grid, (0.0, 0.0, 1.0, 1.0), (3, 5)).tolist() == [False, True, False, False]


def test_a_cell_without_a_value_stays_empty_and_pulls_its_neighbours_to_zero() -> None:
    grid = QueryGrid.over_clip(clip_frames=1, steps=1, rows=1, cols=2)
    smooth, covered = spread(np.array([[2.0, np.nan]]), grid, size_hw=(1, 4), smoothing="bilinear")
    np.testing.assert_allclose(smooth, [[2.0, 1.5, np.nan, np.nan]])
    assert covered.all()


def test_smoothing_meets_every_value_at_its_centre_and_halves_the_way_between_two() -> None:
    heat = np.random.default_rng(2).normal(size=(3, 4))
    grid = QueryGrid.over_clip(clip_frames=1, steps=1, rows=3, cols=4)
    smooth, _ = spread(heat, grid, size_hw=(15, 20), smoothing="bilinear")
    np.testing.assert_allclose(smooth[2::5, 2::5], heat)
    between, _ = spread(heat, grid, size_hw=(15, 8), smoothing="bilinear")  # centres a quarter of a cell off
    np.testing.assert_allclose(between[2::5, 1:-1:2], 0.75 * heat[:, :-1] + 0.25 * heat[:, 1:])
