"""Points of the proof of place: inside cells, apart from each other, and changed in the runs that are theirs."""

from itertools import combinations

import numpy as np
import pytest
import torch

from nonlocal_core.capture.points import drawn_points, nudged, points_for, run_count, shows_order
from nonlocal_core.geometry import QueryGrid


def test_points_lie_inside_cells_of_every_grid_and_are_told_apart():
    grids = [
        QueryGrid.over_clip(clip_frames=8, steps=frames, rows=rows, cols=cols)
        for frames, rows, cols in ((8, 28, 48), (4, 14, 24), (8, 7, 12))
    ]
    points = points_for(grids)
    for grid in grids:
        within = np.array([(point.y * grid.rows % 1, point.x * grid.cols % 1) for point in points])
        assert (np.abs(within - 0.5) < 0.45).all()
    cells = {(point.start, int(point.y * 7), int(point.x * 12)) for point in points}
    assert len(cells) == len(points) == 6
    assert {t for t, _, _ in cells} == {0, 2, 4, 6}  # a point in every temporal cell of the grid that has fewest
    assert len({(point.y * 7 % 1 > 0.5, point.x * 12 % 1 > 0.5) for point in points}) == 4  # all quarters of a cell
    assert run_count(points) == 4
    assert len(points_for(grids[:1])) == 10
    assert {point.start for point in points_for(grids[:1])} == set(range(8))


def test_a_nudge_changes_small_squares_of_the_points_in_two_runs_each():
    grid = QueryGrid.over_clip(clip_frames=4, steps=2, rows=6, cols=10)
    clip = torch.zeros(1, 3, 4, 48, 80)
    points = points_for([grid])
    runs = [(nudged(clip, points, [grid], run) != clip)[0].any(dim=0) for run in range(run_count(points))]
    assert not clip.any()
    for point, pair in zip(points, combinations(range(len(runs)), 2), strict=True):
        y, x = int(point.y * 48), int(point.x * 80)
        seen = [bool(changed[point.start : point.stop, y, x].all()) for changed in runs]
        assert seen == [run in pair for run in range(len(runs))]
    assert max(int(changed.sum()) for changed in runs) <= 3 * 2 * 3 * 3  # points, frames, rows, columns
    everywhere = (nudged(clip, points, [grid], None) != clip)[0].any(dim=0)
    assert torch.equal(everywhere, torch.stack(runs).any(dim=0))


@pytest.mark.parametrize(
    ("height", "width", "sizes", "side"),
    [
        (40, 100, ((4, 4),), 4),
        (100, 40, ((4, 4),), 4),
        (80, 80, ((4, 4), (8, 8)), 4),
        (24, 24, ((4, 4),), 2),
        (8, 8, ((8, 8),), 1),
    ],
)
def test_the_square_of_a_nudge_is_two_fifths_of_the_smallest_cell_and_two_pixels_where_they_fit(
    height, width, sizes, side
):
    grids = [QueryGrid.over_clip(clip_frames=1, steps=1, rows=rows, cols=cols) for rows, cols in sizes]
    clip = torch.zeros(1, 3, 1, height, width)
    for point in points_for(grids):
        down, across = torch.where((nudged(clip, [point], grids, None) != clip)[0, :, 0].all(dim=0))
        assert (len(down.unique()), len(across.unique()), len(down)) == (side, side, side * side)


@pytest.mark.parametrize(("steps", "count"), [(1, 6), (6, 6), (7, 10), (8, 10)])
def test_up_to_six_steps_take_six_points_and_more_take_ten(steps, count):
    grid = QueryGrid.over_clip(clip_frames=steps, steps=steps, rows=9, cols=11)
    points = points_for([grid])
    assert len(points) == count
    assert run_count(points) == (4 if count == 6 else 5)
    assert {point.start for point in points} == set(range(steps))


@pytest.mark.parametrize(
    ("rows", "cols", "within"), [(3, 5, (0, 2, 1, 3)), (4, 3, (1, 2, 0, 2)), (6, 10, (1, 4, 1, 8))]
)
def test_points_keep_off_the_rim_of_grids_of_four_cells_or_more(rows, cols, within):
    points = points_for([QueryGrid.over_clip(clip_frames=1, steps=1, rows=rows, cols=cols)])
    down, across = [int(point.y * rows) for point in points], [int(point.x * cols) for point in points]
    assert (min(down), max(down), min(across), max(across)) == within


@pytest.mark.parametrize(
    ("sizes", "stride"), [(((24, 40), (12, 20), (6, 10)), 4), (((14, 14), (7, 7), (4, 4)), 4), (((9, 15), (9, 15)), 1)]
)
def test_points_at_the_first_cell_lie_in_the_middle_of_what_every_halving_keeps(sizes, stride):
    grids = [QueryGrid.over_clip(clip_frames=2, steps=2, rows=rows, cols=cols) for rows, cols in sizes]
    points, (rows, cols) = points_for(grids, at_first=True), sizes[0]
    for point in points:
        assert (point.y * rows % stride, point.x * cols % stride) == pytest.approx((0.5, 0.5))
    (height, width), others = sizes[-1], points_for(grids)
    first, other = ([(int(p.y * height), int(p.x * width), p.start) for p in some] for some in (points, others))
    assert first == other


@pytest.mark.parametrize(("steps", "rows", "cols"), [(1, 7, 7), (1, 14, 14), (1, 9, 16), (8, 14, 14), (8, 14, 24)])
def test_points_drawn_at_random_tell_a_grid_from_its_turns(steps, rows, cols):
    grid = QueryGrid.over_clip(clip_frames=steps, steps=steps, rows=rows, cols=cols)
    points = drawn_points([grid])
    assert len({(point.start, int(point.y * rows), int(point.x * cols)) for point in points}) == len(points)
    assert len(points) == min(64, grid.size // 4)
    assert shows_order(grid, points)
