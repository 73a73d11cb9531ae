"""Grids, cells and views: every conversion leads back, and what cannot be is refused."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nonlocal_core.errors import GeometryError, OutsideGridError
from nonlocal_core.geometry import WHOLE_FRAME, Box, Cell, Grid, KeyGrid, QueryGrid, ViewTransform

UNHURRIED = settings(deadline=None)  # a busy machine is no fault

sizes = st.tuples(st.integers(1, 7), st.integers(1, 9), st.integers(1, 11))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Boxes inside the frame, as after a crop, and beyond it, as after padding."""
    x0, y0 = (draw(st.floats(-0.3, 0.6)) for _ in range(2))
    width, height = (draw(st.floats(0.05, 1.4)) for _ in range(2))
    return (x0, y0, x0 + width, y0 + height)


@st.composite
def grids(draw: st.DrawFn) -> dict[str, object]:
    """Draw what ``grid`` makes a grid of; the type checker of the test run may not run while drawing."""
    steps, rows, cols = draw(sizes)
    clip_frames = steps + draw(st.integers(0, 13))
    return {"clip_frames": clip_frames, "steps": steps, "rows": rows, "cols": cols, "box": draw(boxes())}


def grid(**how: object) -> QueryGrid:
    """Return 5 x 6 x 8 cells over 10 frames, or as told."""
    return QueryGrid.over_clip(**{"clip_frames": 10, "steps": 5, "rows": 6, "cols": 8, **how})


@UNHURRIED
@given(grids())
def test_indices_count_the_cells_row_by_row(how: dict[str, object]) -> None:
    made = grid(**how)
    steps, rows, cols = made.shape
    assert made.size == steps * rows * cols
    expected = [Cell(t, y, x) for t in range(steps) for y in range(rows) for x in range(cols)]
    assert [made.cell(index) for index in range(made.size)] == expected
    assert [made.index(cell) for cell in expected] == list(range(made.size))


@UNHURRIED
@given(grids(), st.data())
def test_a_feature_map_laid_flat_finds_its_cells(how: dict[str, object], data: st.DataObject) -> None:
    made = grid(**how)
    index = data.draw(st.integers(0, made.size - 1))
    flat = np.arange(made.size)
    assert flat.reshape(made.shape)[made.cell(index)] == index


@UNHURRIED
@given(grids(), st.data())
def test_what_is_not_on_the_grid_is_refused(how: dict[str, object], data: st.DataObject) -> None:
    made = grid(**how)
    for index in (-1, made.size, made.size + data.draw(st.integers(0, 99))):
        with pytest.raises(GeometryError, match="is not in"):
            made.cell(index)
    axis = data.draw(st.integers(0, 2))
    outside = [0, 0, 0]
    outside[axis] = data.draw(st.sampled_from([-1, made.shape[axis]]))
    with pytest.raises(GeometryError, match="is not on a grid"):
        made.index(Cell(*outside))


@UNHURRIED
@given(grids())
def test_centres_lead_back_to_their_cells(how: dict[str, object]) -> None:
    made = grid(**how)
    for cell in map(made.cell, range(made.size)):
        x, y = made.center(cell)
        if not (0 <= x <= 1 and 0 <= y <= 1):  # a cell of the padding
            continue
        assert made.cell_at(frame=made.span(cell.t)[0], x=x, y=y) == cell


@UNHURRIED
@given(grids(), st.floats(0, 1), st.floats(0, 1), st.data())
def test_a_point_lies_within_the_bounds_of_its_cell(
    how: dict[str, object], x: float, y: float, data: st.DataObject
) -> None:
    made = grid(**how)
    frame = data.draw(st.integers(0, made.frame_spans[-1][1] - 1))
    x0, y0, x1, y1 = made.box
    if not (x0 <= x <= x1 and y0 <= y <= y1):
        with pytest.raises(OutsideGridError, match="outside the part of the frame"):
            made.cell_at(frame=frame, x=x, y=y)
        return
    cell = made.cell_at(frame=frame, x=x, y=y)
    left, top, right, bottom = made.bounds(cell)
    assert left - 1e-9 <= x <= right + 1e-9
    assert top - 1e-9 <= y <= bottom + 1e-9
    start, stop = made.span(cell.t)
    assert start <= frame < stop


@UNHURRIED
@given(grids())
def test_bounds_tile_the_box(how: dict[str, object]) -> None:
    made = grid(**how)
    x0, y0, x1, y1 = made.box
    for y in range(made.rows):
        for x in range(made.cols):
            left, top = made.bounds(Cell(0, y, x))[:2]
            assert left == pytest.approx(x0 if x == 0 else made.bounds(Cell(0, y, x - 1))[2])
            assert top == pytest.approx(y0 if y == 0 else made.bounds(Cell(0, y - 1, x))[3])
    assert made.bounds(Cell(0, made.rows - 1, made.cols - 1))[2:] == pytest.approx((x1, y1))


@UNHURRIED
@given(st.integers(1, 40), st.data())
def test_steps_share_the_frames_evenly(clip_frames: int, data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, clip_frames))
    made = grid(clip_frames=clip_frames, steps=steps)
    covered = [frame for start, stop in made.frame_spans for frame in range(start, stop)]
    assert covered == list(range(clip_frames))
    lengths = {stop - start for start, stop in made.frame_spans}
    assert max(lengths) - min(lengths) <= 1
    assert [made.t_of_frame(frame) for frame in covered] == [
        t for t, (start, stop) in enumerate(made.frame_spans) for _ in range(start, stop)
    ]
    for frame in (-1, clip_frames):
        with pytest.raises(OutsideGridError, match=f"Frame {frame} "):
            made.t_of_frame(frame)


@UNHURRIED
@given(grids(), st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)))
def test_a_key_is_the_union_of_the_queries_it_pools(how: dict[str, object], kernel: tuple[int, int, int]) -> None:
    made = grid(**how)
    if any(n < k for n, k in zip(made.shape, kernel, strict=True)):
        with pytest.raises(GeometryError, match="leaves no key"):
            made.pooled(kernel)
        return
    keys = made.pooled(kernel)
    assert isinstance(keys, KeyGrid)
    assert keys.shape == tuple(n // k for n, k in zip(made.shape, kernel, strict=True))
    for cell in map(keys.cell, range(keys.size)):
        first = Cell(*(n * k for n, k in zip(cell, kernel, strict=True)))
        last = Cell(*(n * k + k - 1 for n, k in zip(cell, kernel, strict=True)))
        assert keys.bounds(cell) == pytest.approx(made.bounds(first)[:2] + made.bounds(last)[2:])
        assert keys.span(cell.t) == (made.span(first.t)[0], made.span(last.t)[1])


@UNHURRIED
@given(grids(), st.floats(0, 1), st.floats(0, 1), st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)))
def test_a_point_of_a_pooled_query_is_a_point_of_its_key(
    how: dict[str, object], x: float, y: float, kernel: tuple[int, int, int]
) -> None:
    made = grid(**how)
    assume(all(n >= k for n, k in zip(made.shape, kernel, strict=True)))
    x0, y0, x1, y1 = made.box
    assume(x0 <= x <= x1 and y0 <= y <= y1)
    query, keys = made.cell_at(frame=0, x=x, y=y), made.pooled(kernel)
    pooled = Cell(*(n // k for n, k in zip(query, kernel, strict=True)))
    left, top, right, bottom = keys.box
    if min(x - left, right - x, y - top, bottom - y) > 1e-9:  # away from the rim, where rounding decides
        key = keys.cell_at(frame=0, x=x, y=y)
        x_edges, y_edges = keys.bounds(pooled)[::2], keys.bounds(pooled)[1::2]
        assert key.y == pooled.y or min(abs(y - edge) for edge in y_edges) < 1e-9
        assert key.x == pooled.x or min(abs(x - edge) for edge in x_edges) < 1e-9
    elif x > right + 1e-9 or y > bottom + 1e-9:
        with pytest.raises(OutsideGridError):
            keys.cell_at(frame=0, x=x, y=y)


def test_pooling_drops_the_last_odd_row_and_column() -> None:
    keys = grid(rows=7, cols=9).pooled((2, 2, 2))
    assert keys.shape == (2, 3, 4)
    assert keys.box == pytest.approx((0, 0, 8 / 9, 6 / 7))
    assert keys.frame_spans == ((0, 4), (4, 8))
    with pytest.raises(OutsideGridError, match=r"x 0 to 0\.889, y 0 to 0\.857"):
        keys.cell_at(frame=0, x=0.95, y=0.5)
    with pytest.raises(OutsideGridError, match="Frame 9 "):
        keys.t_of_frame(9)


def test_pooling_inside_a_crop_drops_the_odd_edge_on_the_right_and_at_the_bottom() -> None:
    keys = grid(rows=7, cols=9, box=(0.25, 0.125, 0.7, 0.825)).pooled((1, 2, 4))
    assert keys.shape == (5, 3, 2)
    assert keys.box == pytest.approx((0.25, 0.125, 0.25 + 8 * 0.05, 0.125 + 6 * 0.1))
    assert keys.bounds(Cell(0, 2, 1)) == pytest.approx((0.45, 0.525, 0.65, 0.725))
    with pytest.raises(OutsideGridError, match=r"x 0\.25 to 0\.65, y 0\.125 to 0\.725"):
        keys.cell_at(frame=0, x=0.66, y=0.5)


def test_cells_that_reach_beyond_the_frame_are_told_as_far_as_the_frame_goes() -> None:
    for box, told in (
        ((-0.25, 0.125, 1.5, 0.825), "(x 0 to 1, y 0.125 to 0.825)"),
        ((0.25, -0.125, 0.75, 1.25), "(x 0.25 to 0.75, y 0 to 1)"),
    ):
        with pytest.raises(OutsideGridError) as refused:
            grid(rows=7, cols=9, box=box).cell_at(frame=0, x=0.2, y=0.9)
        assert told in str(refused.value)


@UNHURRIED
@given(grids(), st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)))
def test_a_query_has_the_key_that_pools_it_or_the_last_one(
    how: dict[str, object], kernel: tuple[int, int, int]
) -> None:
    made = grid(**how)
    assume(all(n >= k for n, k in zip(made.shape, kernel, strict=True)))
    keys, own = made.pooled(kernel), made.own_keys(kernel)
    for cell in map(made.cell, range(made.size)):
        key = made.own_key(cell, kernel)
        assert key == tuple(int(along[index]) for along, index in zip(own, cell, strict=True))
        for index, over, size, count in zip(cell, key, kernel, keys.shape, strict=True):
            pooled = range(over * size, (over + 1) * size)
            assert index in pooled or (over == count - 1 and index >= count * size)
        x, y = made.center(cell)
        dropped = any(index >= count * size for index, size, count in zip(cell, kernel, keys.shape, strict=True))
        if not dropped and 0 <= x <= 1 and 0 <= y <= 1:
            assert keys.cell_at(frame=made.span(cell.t)[0], x=x, y=y) == key


@UNHURRIED
@given(grids(), st.floats(0, 1), st.floats(0, 1))
def test_no_cell_is_nearer_to_a_point_than_the_nearest(how: dict[str, object], x: float, y: float) -> None:
    made = grid(**how)
    assume(made.box[2] >= 0 and made.box[3] >= 0)  # some of it is in the frame
    nearest = made.nearest_cell(frame=0, x=x, y=y)
    try:
        assert made.cell_at(frame=0, x=x, y=y) == nearest
    except OutsideGridError:

        def gap(cell: Cell) -> float:
            left, top, right, bottom = made.bounds(cell)
            return math.hypot(max(left - x, 0.0, x - right), max(top - y, 0.0, y - bottom))

        cells = (Cell(0, row, col) for row in range(made.rows) for col in range(made.cols))
        assert gap(nearest) == pytest.approx(min(map(gap, cells)), abs=1e-9)
    with pytest.raises(OutsideGridError):
        made.nearest_cell(frame=made.end_frame, x=x, y=y)


@UNHURRIED
@given(boxes(), st.integers(1, 9), st.integers(1, 11))
@example((0.2, 0.3, 0.9, 0.9), 1, 3)  # whose width and height, added up again, miss its rim
def test_pooling_that_drops_nothing_keeps_the_box(box: Box, rows: int, cols: int) -> None:
    made = grid(rows=2 * rows, cols=2 * cols, box=box)
    assert made.pooled((1, 2, 2)).box == box  # exactly: a point on the rim is on both grids or on neither


def test_the_nearest_cell_of_a_point_beyond_the_frame_is_no_padding() -> None:
    padded = grid(box=(-0.25, -0.5, 1.25, 1.5))
    assert padded.nearest_cell(frame=0, x=-9.0, y=-9.0) == padded.cell_at(frame=0, x=0.0, y=0.0)
    assert padded.nearest_cell(frame=0, x=9.0, y=9.0) == padded.cell_at(frame=0, x=1.0, y=1.0)


def test_every_point_of_the_rim_belongs_to_a_cell() -> None:
    made = grid()
    assert made.cell_at(frame=0, x=0.0, y=0.0) == Cell(0, 0, 0)
    assert made.cell_at(frame=9, x=1.0, y=1.0) == Cell(4, 5, 7)
    assert made.cell_at(frame=0, x=np.nextafter(1.0, 0), y=np.nextafter(1.0, 0)) == Cell(0, 5, 7)


@pytest.mark.parametrize(
    "point", [(-0.01, 0.5), (1.01, 0.5), (0.5, -0.01), (0.5, 1.01), (math.nan, 0.5), (0.5, math.inf)]
)
def test_points_off_the_frame_are_refused_even_where_padding_has_cells(point: tuple[float, float]) -> None:
    padded = grid(box=(-0.2, -0.2, 1.2, 1.2))
    with pytest.raises(OutsideGridError):
        padded.cell_at(frame=0, x=point[0], y=point[1])


def test_the_other_axes_do_not_swap() -> None:
    made = grid()
    assert made.cell_at(frame=7, x=0.2, y=0.9) == Cell(3, 5, 1)
    assert made.bounds(Cell(3, 5, 1)) == pytest.approx((1 / 8, 5 / 6, 2 / 8, 1))
    assert made.center(Cell(3, 5, 1)) == pytest.approx((1.5 / 8, 5.5 / 6))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "0 steps cannot share 10 frames"),
        ({"steps": -1}, "-1 steps cannot share 10 frames"),
        ({"steps": 11}, "11 steps cannot share 10 frames"),
        ({"rows": 0}, "at least one cell"),
        ({"cols": 0}, "at least one cell"),
        ({"box": (0.5, 0.0, 0.5, 1.0)}, "x0 < x1"),
        ({"box": (0.0, 0.7, 1.0, 0.2)}, "y0 < y1"),
        ({"box": (0.0, math.nan, 1.0, 1.0)}, "y0 < y1"),
    ],
)
def test_grids_that_cannot_be_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        grid(**wrong)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        (((0, 2),), "one frame span each; got 1"),
        (((0, 2), (2, 2)), "at least one frame"),
        (((2, 4), (0, 2)), "in the order of time"),
        (((0, 2), (0, 4)), "in the order of time"),
        (((-1, 2), (2, 4)), "from 0"),
        (((0, 5), (2, 4)), "in the order of time"),
    ],
)
def test_spans_that_cannot_be_are_refused(spans: tuple[tuple[int, int], ...], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        Grid(steps=2, rows=6, cols=8, frame_spans=spans)


def test_spans_may_overlap_and_end_with_the_same_frame() -> None:
    made = Grid(steps=3, rows=6, cols=8, frame_spans=((0, 4), (2, 4), (3, 4)))
    assert [made.t_of_frame(frame) for frame in range(4)] == [0, 0, 1, 2]


def test_frames_before_the_first_span_are_outside() -> None:
    late = Grid(steps=2, rows=6, cols=8, frame_spans=((3, 5), (5, 9)))
    assert late.t_of_frame(3) == 0
    with pytest.raises(OutsideGridError, match=r"Frame 2 is not in \[3, 9\)"):
        late.t_of_frame(2)


@pytest.mark.parametrize("kernel", [(0, 2, 2), (1, -1, 2)])
def test_kernels_of_nothing_are_refused(kernel: tuple[int, int, int]) -> None:
    with pytest.raises(GeometryError, match="kernel"):
        grid().pooled(kernel)


def test_queries_and_keys_are_different_types() -> None:
    made = grid()
    same = KeyGrid(steps=5, rows=6, cols=8, frame_spans=made.frame_spans)
    assert not isinstance(same, QueryGrid)
    assert same != made


def test_a_view_tiles_its_crop() -> None:
    view = ViewTransform(shown_hw=(720, 1280), input_hw=(224, 224), crop=(0.21875, 0.0, 0.78125, 1.0))
    made = view.query_grid(clip_frames=10, steps=5, rows=14, cols=12)
    assert (made.shape, made.box) == ((5, 14, 12), view.crop)
    assert made.cell_at(frame=0, x=0.5, y=0.5) == Cell(0, 7, 6)
    with pytest.raises(OutsideGridError):
        made.cell_at(frame=0, x=0.1, y=0.5)
    assert ViewTransform(shown_hw=(6, 8), input_hw=(6, 8)).crop == WHOLE_FRAME


def test_a_box_holds_the_cells_whose_centres_it_covers() -> None:
    made = grid(rows=4, cols=4, box=(0.0, 0.0, 1.0, 1.0))
    inside = made.cells_in(frame=3, box=(0.1, 0.3, 0.4, 0.4))
    assert inside == (Cell(1, 1, 0), Cell(1, 1, 1))
    assert made.cells_in(frame=0, box=(0.125, 0.125, 0.375, 0.375)) == tuple(
        Cell(0, y, x) for y in range(2) for x in range(2)
    )
    assert made.cells_in(frame=0, box=(0.55, 0.8, 0.6, 0.85)) == (Cell(0, 3, 2),)


def test_the_whole_frame_is_a_box_and_so_is_a_point() -> None:
    made = grid(rows=4, cols=4, box=(0.0, 0.0, 1.0, 1.0))
    assert made.cells_in(frame=0, box=(0.0, 0.0, 1.0, 1.0)) == tuple(Cell(0, y, x) for y in range(4) for x in range(4))
    for corner, cell in ((0.0, Cell(0, 0, 0)), (0.3, Cell(0, 1, 1)), (1.0, Cell(0, 3, 3))):
        assert made.cells_in(frame=0, box=(corner,) * 4) == (cell,)


def test_a_box_outside_of_a_crop_is_refused() -> None:
    cropped = grid(box=(0.25, 0.0, 0.75, 1.0))
    with pytest.raises(OutsideGridError):
        cropped.cells_in(frame=0, box=(0.0, 0.4, 0.1, 0.6))


@pytest.mark.parametrize(
    "box",
    [
        *((0.5, 0.5, 0.3, 0.6), (0.5, 0.6, 0.6, 0.5), (-0.1, 0, 0.5, 0.5), (0, -0.1, 0.5, 0.5)),
        *((0.3, 0.3, 1.5, 0.5), (0.3, 0.3, 0.5, 1.5)),
    ],
)
def test_corners_that_are_no_box_are_refused(box: Box) -> None:
    with pytest.raises(GeometryError, match="A box is x0, y0, x1, y1"):
        grid().cells_in(frame=0, box=box)
