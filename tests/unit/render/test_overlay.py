"""Heat over frames, pixel by pixel, against slow loops in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from render_rows import make_frames, make_row

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Cell, KeyGrid, spread
from nonlocal_core.render import Scale, colour_map, fit_scale, paint, paint_clip
from nonlocal_core.render.marks import outline
from nonlocal_core.render.overlay import BRIGHTNESS, MISSING_GREY, MISSING_OPACITY, OPACITY, OPACITY_POWER, SATURATION

UNIT = Scale(limit=1.0, signed=False, clipped=False)
SIGNED = Scale(limit=1.0, signed=True, clipped=False)
BOXES = [(0.0, 0.0, 1.0, 1.0), (0.125, 0.0, 0.875, 1.0), (0.0, 0.25, 0.9375, 0.75), (-0.0625, -0.125, 1.0625, 1.25)]


def key_grid(box=(0.0, 0.0, 1.0, 1.0), rows=6, cols=8):
    return KeyGrid(steps=1, rows=rows, cols=cols, frame_spans=((0, 1),), box=box)


def one_hot(y, x, rows=6, cols=8):
    heat = np.zeros((rows, cols), np.float32)
    heat[y, x] = 1
    heat.setflags(write=False)
    return heat


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


def dimmed_by_loops(frame):
    out = np.zeros(frame.shape)
    for row in range(frame.shape[0]):
        for col in range(frame.shape[1]):
            red, green, blue = (float(v) for v in frame[row, col])
            grey = 0.2126 * red + 0.7152 * green + 0.0722 * blue
            out[row, col] = [BRIGHTNESS * (grey + SATURATION * (v - grey)) for v in (red, green, blue)]
    return out


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize(("y", "x"), [(0, 0), (2, 5), (5, 7), (4, 0)])
def test_a_single_weight_lights_its_cell_and_nothing_else(box, y, x):
    frame, grid = make_frames()[0], key_grid(box)
    painted = paint(frame, one_hot(y, x), grid, UNIT)
    dark = paint(frame, np.zeros((6, 8), np.float32), grid, UNIT)
    lit = lit_by_loops(grid, y, x, 47, 83)
    assert lit.any() or grid.bounds(Cell(0, y, x))[1] >= 1, "only padding lies below the frame"
    assert (np.any(painted != dark, axis=-1) == lit).all()
    across, down = grid.center(Cell(0, y, x))
    if 0 <= across < 1 and 0 <= down < 1:
        assert lit[int(down * 47), int(across * 83)]


def test_every_pixel_follows_the_formula():
    frame = make_frames()[0]
    heat = np.random.default_rng(0).random((6, 8)).astype(np.float32)
    painted = paint(frame, heat, key_grid(), UNIT)
    base, table = dimmed_by_loops(frame), colour_map(signed=False).table.astype(float)
    for row, col in [(0, 0), (46, 82), (13, 71), (25, 40)]:
        value = float(heat[row * 6 // 47, col * 8 // 83])
        alpha = OPACITY * value**OPACITY_POWER
        expected = base[row, col] * (1 - alpha) + table[round(value * 255)] * alpha
        assert painted[row, col] == pytest.approx(expected, abs=0.51)


def test_zero_heat_is_the_dimmed_frame():
    frame = make_frames()[0]
    painted = paint(frame, np.zeros((6, 8), np.float32), key_grid(), UNIT)
    assert np.abs(painted - dimmed_by_loops(frame)).max() <= 0.51


def test_constant_heat_covers_the_grid_evenly_and_leaves_the_margin():
    frame = np.full((48, 80, 3), 90, np.uint8)
    painted = paint(frame, np.ones((6, 8), np.float32), key_grid((0.125, 0.0, 0.875, 1.0)), UNIT)
    inside = painted[:, 10:70].reshape(-1, 3)
    assert (inside == inside[0]).all()
    margin = np.concatenate([painted[:, :10], painted[:, 70:]], axis=1).reshape(-1, 3)
    assert (margin == round(90 * BRIGHTNESS)).all()


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_cell_without_a_number_is_grey_and_alone(hole):
    frame = np.full((60, 80, 3), 100, np.uint8)
    heat = np.zeros((6, 8), np.float32)
    heat[2, 5] = hole
    painted = paint(frame, heat, key_grid(), UNIT)
    grey = round(65 + MISSING_OPACITY * (MISSING_GREY - 65))
    expected = np.full((60, 80, 3), 65)
    expected[20:30, 50:60] = grey
    assert (painted == expected).all()


def test_signs_have_different_colours_of_the_same_opacity():
    frame, heat = np.zeros((48, 80, 3), np.uint8), np.zeros((6, 8), np.float32)
    heat[1, 2], heat[4, 6] = -0.5, 0.5
    painted = paint(frame, heat, key_grid(), SIGNED)
    negative, positive = painted[12, 25].astype(int), painted[36, 65].astype(int)
    assert negative[2] > negative[0] + 40, "negative is blue"
    assert positive[0] > positive[2] + 40, "positive is orange"
    alpha = OPACITY * 0.5**OPACITY_POWER
    assert positive == pytest.approx(alpha * colour_map(signed=True).table[round(0.75 * 255)], abs=0.51)


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
    heat = np.zeros((5, 6, 8))
    heat[0, 1, 1] = heat[3, 1, 1] = 0.2
    heat[3, 4, 4] = 0.6
    row = make_row(heat, query=(2, 0, 0))
    scale = fit_scale(row.heat, signed=False, own_t=2)
    frames = np.repeat(make_frames()[:1], 5, axis=0)
    pictures = list(paint_clip(frames, row, scale))
    cell = np.s_[8:15, 11:20]
    assert (pictures[0][cell] == pictures[3][cell]).all()
    assert (pictures[0][cell] != pictures[1][cell]).any()


def test_the_query_is_boxed_in_its_own_frame_only():
    row, frames = make_row(np.zeros((5, 6, 8)), query=(1, 2, 3)), make_frames(5, 94, 166)
    scale = fit_scale(row.heat, signed=False)
    marked = list(paint_clip(frames, row, scale))
    plain = [paint(frame, row.heat[0], row.key_grid, scale) for frame in frames]
    assert [bool((a != b).any()) for a, b in zip(marked, plain, strict=True)] == [False, True, False, False, False]
    ys, xs = np.nonzero((marked[1] != plain[1]).any(axis=-1))
    assert ys.mean() / 94 == pytest.approx(2.5 / 6, abs=0.02)
    assert xs.mean() / 166 == pytest.approx(3.5 / 8, abs=0.02)
    assert np.ptp(ys) < 94 / 6 + 6
    assert np.ptp(xs) < 166 / 8 + 6


def test_a_query_cell_of_several_frames_is_boxed_in_each():
    row, frames = make_row(np.zeros((5, 6, 8)), clip_frames=10), make_frames(10)
    scale = fit_scale(row.heat, signed=False)
    marked = list(paint_clip(frames, row, scale))
    plain = [paint(frame, row.heat[0], row.key_grid, scale) for frame in frames]
    assert [i for i in range(10) if (marked[i] != plain[i]).any()] == [2, 3]


def test_frames_of_one_key_cell_share_its_heat_and_a_frame_without_keys_is_only_dimmed():
    heat = np.ones((2, 3, 4)) * np.array([0.1, 0.9])[:, None, None]
    last, first = (make_row(heat, subsample=(2, 2, 2), query=query) for query in ((4, 2, 3), (0, 2, 3)))
    frames = np.repeat(make_frames()[:1], 5, axis=0)
    scale = fit_scale(last.heat, signed=False)
    pictures = list(paint_clip(frames, last, scale))  # the box of the query lies in the last frame
    same = [[bool((a == b).all()) for b in pictures] for a in pictures]
    assert same[0] == [True, True, False, False, False]
    assert same[2] == [False, False, True, True, False]
    assert np.abs(list(paint_clip(frames, first, scale))[4] - dimmed_by_loops(frames[4])).max() <= 0.51


def test_too_few_frames_are_refused():
    row = make_row()
    with pytest.raises(RenderError, match="5 frames; got 4"):
        list(paint_clip(make_frames(4), row, UNIT))


@pytest.mark.parametrize(
    "bounds", [(-0.2, -0.3, -0.1, -0.2), (1.1, 1.2, 1.3, 1.4), (0.0, 0.0, 0.01, 0.01), (0.97, 0.96, 1.0, 1.0)]
)
def test_a_box_at_the_edge_never_reaches_the_far_side(bounds):
    picture = np.full((90, 160, 3), 77, np.uint8)
    outline(picture, bounds)
    ys, xs = np.nonzero((picture != 77).any(axis=-1))
    if bounds[0] < 0 or bounds[0] > 1:
        assert len(ys) == 0
    else:
        near_start = bounds[0] < 0.5
        assert (ys < 20).all() if near_start else (ys >= 70).all()
        assert (xs < 20).all() if near_start else (xs >= 140).all()
        assert (picture == 255).all(axis=-1).any()
