"""Heat over frames, pixel by pixel, against slow loops in exact fractions."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from render_rows import make_column, make_frames, make_row

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Cell, KeyGrid, spread
from nonlocal_core.look import Heat, Look, muted
from nonlocal_core.render import paint, paint_clip

TOP = 50.0
USUAL = Look()
BOXES = [(0.0, 0.0, 1.0, 1.0), (0.125, 0.0, 0.875, 1.0), (0.0, 0.25, 0.9375, 0.75), (-0.0625, -0.125, 1.0625, 1.25)]


def key_grid(box=(0.0, 0.0, 1.0, 1.0), rows=6, cols=8):
    return KeyGrid(steps=1, rows=rows, cols=cols, frame_spans=((0, 1),), box=box)


def heat(times, look=USUAL):
    """Heat of one step, given in times an even share."""
    values = np.asarray(times, np.float64)[None]
    return Heat(times=values, tops=np.array([TOP]), beyond=0.0, look=look)


def one_hot(y, x, rows=6, cols=8):
    times = np.zeros((rows, cols))
    times[y, x] = TOP
    times.setflags(write=False)
    return heat(times)


def lit_by_loops(grid, y, x, height, width):
    """Pixels whose centre lies in the half-open cell, in exact arithmetic."""
    x0, y0, x1, y1 = (Fraction(v) for v in grid.box)
    lit = np.zeros((height, width), bool)
    for row in range(height):
        for col in range(width):
            down = (Fraction(2 * row + 1, 2 * height) - y0) / (y1 - y0) * grid.rows
            across = (Fraction(2 * col + 1, 2 * width) - x0) / (x1 - x0) * grid.cols
            lit[row, col] = y <= down < y + 1 and x <= across < x + 1
    return lit


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize(("y", "x"), [(0, 0), (2, 5), (5, 7), (4, 0)])
def test_a_single_weight_lights_its_cell_and_nothing_else(box, y, x):
    frame, grid = make_frames()[0], key_grid(box)
    painted, dark = paint(frame, one_hot(y, x), 0, grid), muted(frame)
    lit = lit_by_loops(grid, y, x, 47, 83)
    assert lit.any() or grid.bounds(Cell(0, y, x))[1] >= 1, "only padding lies below the frame"
    assert (np.any(painted != dark, axis=-1) == lit).all()
    across, down = grid.center(Cell(0, y, x))
    if 0 <= across < 1 and 0 <= down < 1:
        assert lit[int(down * 47), int(across * 83)]


def test_every_pixel_follows_the_formula():
    frame = make_frames()[0]
    drawn = heat(np.random.default_rng(0).random((6, 8)) * TOP)
    painted, base = paint(frame, drawn, 0, key_grid()), muted(frame)
    for row, col in [(0, 0), (46, 82), (13, 71), (25, 40)]:
        colour, alpha = drawn.coloured(drawn.times[:, row * 6 // 47, col * 8 // 83])
        expected = base[row, col] * (1 - alpha) + colour[0] * alpha
        assert painted[row, col] == pytest.approx(expected, abs=1.1)  # opacity is kept in 255 steps


@pytest.mark.parametrize("direction", ["row", "column"])
@pytest.mark.parametrize("plain", [False, True])
def test_what_a_centre_crop_never_saw_is_shaded_in_every_frame_of_a_film(direction, plain):
    frames, box = make_frames(), (0.25, 0.0, 0.75, 1.0)
    narrow = make_row(np.zeros((5, 6, 8)), box=box)
    if direction == "column":
        grids = {"query_grid": narrow.query_grid, "key_grid": narrow.key_grid}
        narrow = replace(make_column(np.zeros((5, 6, 8)), key=(1, 2, 3), subsample=(1, 1, 1)), **grids)
    look = Look(plain=plain)
    for frame, painted in zip(frames, paint_clip(frames, narrow, look), strict=True):
        base = frame if plain else muted(frame)
        centres = (np.arange(frame.shape[1]) + 0.5) / frame.shape[1]
        unseen = (centres < box[0]) | (centres > box[2])
        assert 0.4 < unseen.mean() < 0.6
        expected = 0.4 * base[:, unseen] + 0.6 * np.array([20, 20, 26])
        np.testing.assert_allclose(painted[:, unseen], expected, atol=0.51)
        np.testing.assert_array_equal(painted[40, ~unseen], base[40, ~unseen])  # below the asked cell


def test_a_film_has_the_walls_of_a_window_where_the_window_is():
    frames, row = make_frames(), make_row()
    values = np.zeros(row.heat.shape, np.float32)
    values[2, 1:4, 2:7] = 1e-6
    plain = replace(row, values=values.reshape(-1))
    drawn = [np.stack(list(paint_clip(frames, one, USUAL))) for one in (plain, replace(plain, is_walled=True))]
    ts, ys, xs = np.nonzero((drawn[0] != drawn[1]).any(axis=-1))
    assert set(ts) == {2}
    height, width = frames.shape[1:3]
    assert row.grid.box == (0, 0, 1, 1)
    expected = [2 / 8 * width, 7 / 8 * width, 1 / 6 * height, 4 / 6 * height]
    assert [xs.min(), xs.max(), ys.min(), ys.max()] == pytest.approx(expected, abs=2)
    inner = (xs > 2 / 8 * width + 3) & (xs < 7 / 8 * width - 3) & (ys > height / 6 + 3) & (ys < 4 / 6 * height - 3)
    assert not inner.any(), "the window itself is not covered"


def test_up_to_an_even_share_the_photograph_is_left_alone():
    frame = make_frames()[0]
    drawn = heat(np.random.default_rng(0).random((6, 8)))
    assert (paint(frame, drawn, 0, key_grid()) == muted(frame)).all()
    plain = heat(np.random.default_rng(0).random((6, 8)), Look(plain=True))
    assert (paint(frame, plain, 0, key_grid()) == frame).all()
    assert (paint(frame, drawn, None, key_grid()) == muted(frame)).all()


def test_constant_heat_covers_the_grid_evenly_and_leaves_the_margin():
    frame = np.full((48, 80, 3), 90, np.uint8)
    painted = paint(frame, heat(np.full((6, 8), 9.0)), 0, key_grid((0.125, 0.0, 0.875, 1.0)))
    inside = painted[:, 10:70].reshape(-1, 3)
    assert (inside == inside[0]).all()
    assert (inside[0] != 90).any()
    margin = np.concatenate([painted[:, :10], painted[:, 70:]], axis=1)
    assert (margin == 90).all()


def test_signs_have_different_colours_of_the_same_opacity():
    frame, times = np.zeros((48, 80, 3), np.uint8), np.zeros((6, 8))
    times[1, 2], times[4, 6] = -7.0, 7.0
    painted = paint(frame, heat(times, Look(negatives=True)), 0, key_grid())
    negative, positive = painted[12, 25].astype(int), painted[36, 65].astype(int)
    assert negative[2] > negative[0] + 40, "negative is blue"
    assert positive[0] > positive[2] + 40, "positive is orange"


def test_smooth_heat_has_the_colour_of_the_cell_at_its_centre():
    frame = np.full((6 * 5, 8 * 7, 3), 128, np.uint8)
    times = np.random.default_rng(0).random((6, 8)) * TOP + 2
    smooth, cells = (paint(frame, heat(times, Look(smooth=smooth)), 0, key_grid()) for smooth in (True, False))
    assert (smooth[2::5, 3::7] == cells[2::5, 3::7]).all()
    assert (smooth != cells).any()


def test_smoothing_meets_the_cell_centres_and_is_straight_between_them():
    heat = np.random.default_rng(1).random((6, 8)).astype(np.float32)
    values, covered = spread(heat, key_grid(), size_hw=(6 * 5, 8 * 7), smoothing="bilinear")
    assert covered.all()
    assert values[2::5, 3::7] == pytest.approx(heat, abs=1e-6)
    row = values[2, 3 : 3 + 7 + 1]
    assert row == pytest.approx(np.linspace(heat[0, 0], heat[0, 1], 8), abs=1e-6)
    assert (values[0, :3] == values[0, 3]).all(), "level beyond the outermost centres"


def test_smoothing_stays_inside_the_grid():
    _, covered = spread(np.ones((6, 8)), key_grid((0.125, 0.0, 0.875, 0.5)), size_hw=(48, 80), smoothing="bilinear")
    assert covered.sum() == 24 * 60
    assert covered[:24, 10:70].all()


def test_equal_values_look_equal_in_every_frame():
    values = np.full((5, 6, 8), 1e-4)
    values[0, 1, 1] = values[3, 1, 1] = 0.2
    values[3, 4, 4] = 0.6
    row = make_row(values, query=(2, 0, 0))
    frames = np.repeat(make_frames()[:1], 5, axis=0)
    pictures = list(paint_clip(frames, row, USUAL))
    cell = np.s_[8:15, 11:20]
    assert (pictures[0][cell] == pictures[3][cell]).all()
    assert (pictures[0][cell] != pictures[1][cell]).any()


def boxed(row, frames):
    """Which frames differ from the photograph alone; the heat of the row is none."""
    pictures = list(paint_clip(frames, row, USUAL))
    return [(picture != muted(frame)).any(axis=-1) for picture, frame in zip(pictures, frames, strict=True)]


def test_the_query_is_boxed_in_its_own_frame_only():
    marked = boxed(make_row(np.zeros((5, 6, 8)), query=(1, 2, 3)), make_frames(5, 94, 166))
    assert [bool(where.any()) for where in marked] == [False, True, False, False, False]
    ys, xs = np.nonzero(marked[1])
    assert ys.mean() / 94 == pytest.approx(2.5 / 6, abs=0.02)
    assert xs.mean() / 166 == pytest.approx(3.5 / 8, abs=0.02)
    assert np.ptp(ys) < 94 / 6 + 6
    assert np.ptp(xs) < 166 / 8 + 6


def test_a_query_cell_of_several_frames_is_boxed_in_each():
    marked = boxed(make_row(np.zeros((5, 6, 8)), clip_frames=10), make_frames(10))
    assert [i for i, where in enumerate(marked) if where.any()] == [2, 3]


def test_a_column_boxes_the_key_that_is_looked_at():
    column = make_column(np.zeros((5, 6, 8)), key=(1, 1, 1), subsample=(2, 2, 2))
    marked = boxed(column, make_frames(5))
    assert [i for i, where in enumerate(marked) if where.any()] == [2, 3]
    ys, xs = np.nonzero(marked[2])
    assert (ys.mean() / 47, xs.mean() / 83) == (pytest.approx(3 / 6, abs=0.03), pytest.approx(3 / 8, abs=0.03))


def test_frames_of_one_key_cell_share_its_heat_and_a_frame_without_keys_has_none():
    values = np.array([0.2, 0.8])[:, None, None] * np.eye(3, 4)
    last, first = (make_row(values, subsample=(2, 2, 2), query=query) for query in ((4, 2, 3), (0, 2, 3)))
    frames = np.repeat(make_frames()[:1], 5, axis=0)
    pictures = list(paint_clip(frames, last, USUAL))  # the box of the query lies in the last frame
    same = [[bool((a == b).all()) for b in pictures] for a in pictures]
    assert same[0] == [True, True, False, False, False]
    assert same[2] == [False, False, True, True, False]
    assert (list(paint_clip(frames, first, USUAL))[4] == muted(frames[4])).all()


def test_too_few_frames_are_refused():
    row = make_row()
    with pytest.raises(RenderError, match="5 frames; got 4"):
        list(paint_clip(make_frames(4), row, USUAL))
