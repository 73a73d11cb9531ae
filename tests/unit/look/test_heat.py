"""Heat of an answer, cell by cell, against slow loops."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from render_rows import make_column, make_row

from nonlocal_core.geometry import Cell
from nonlocal_core.look import Look, arrow_cells, heat_of, ticks
from nonlocal_core.look.heat import ARROW_LEAST, FAINT, LEAST_TOP
from nonlocal_core.look.palette import COLD, WARM

CURVES = {"log": math.log, "root": lambda m: math.sqrt(m) - 1, "linear": lambda m: m - 1}


def steep(seed=3, pairwise="embedded_gaussian"):
    """A row that falls off steeply, as those of trained blocks do; asked at step 1, row 2, column 3."""
    rng = np.random.default_rng(seed)
    heat = np.exp(rng.normal(0, 1.6, (5, 6, 8)))
    if pairwise == "dot_product":
        heat *= rng.choice([-1, 1], heat.shape)
    return make_row(heat / np.abs(heat).sum(), pairwise=pairwise)


def by_loops(answer, look):
    """Times an even share, colour and opacity of each cell, one at a time."""
    weights = answer.heat.astype(np.float64)
    even = sum(max(weight, 0) for weight in weights.flat) / weights.size
    steps, rows, cols = weights.shape
    t0, y0, x0 = answer.own_key
    tops = []
    for t in range(steps):
        beyond = [
            abs(weights[t, y, x]) / even if look.negatives else weights[t, y, x] / even
            for y in range(rows)
            for x in range(cols)
            if not (t == t0 and abs(y - y0) <= 1 and abs(x - x0) <= 1)
        ]
        tops.append(max(beyond))
    if look.scale == "all":
        tops = [max(tops)] * steps
    tops = [max(top, LEAST_TOP[look.scale]) for top in tops]
    drawn = {}
    for t, y, x in np.ndindex(weights.shape):
        times = weights[t, y, x] / even
        size = abs(times) if look.negatives else times
        if size <= 1 or size < look.threshold:
            drawn[t, y, x] = None
            continue
        tone = min(CURVES[look.curve](size) / CURVES[look.curve](tops[t]), 1)
        level = round(tone * 255)
        drawn[t, y, x] = (COLD if times < 0 else WARM)[level], look.strength / 100 * (FAINT + (1 - FAINT) * level / 255)
    return drawn


@pytest.mark.parametrize(
    ("pairwise", "words"),
    [
        *itertools.product(("embedded_gaussian", "dot_product"), ("", "each", "root-over3", "linear-strength40")),
        ("dot_product", "negatives"),
        ("dot_product", "each-root-negatives-over2"),
    ],
)
def test_every_cell_follows_the_formula(words, pairwise):
    answer, look = steep(pairwise=pairwise), Look.parse(words)
    heat = heat_of(answer, look)
    expected = by_loops(answer, look)
    shown = 0
    for t in range(5):
        colours, opacity = heat.coloured(heat.times[t], t)
        for y, x in np.ndindex(6, 8):
            if expected[t, y, x] is None:
                assert opacity[y, x] == 0
                continue
            shown += 1
            colour, cover = expected[t, y, x]
            assert colours[y, x] == pytest.approx(colour, abs=3)  # a level more or less where the last bit decides
            assert opacity[y, x] == pytest.approx(cover, abs=0.005)
    assert 4 < shown < 200


@pytest.mark.parametrize(("scale", "is_shared"), [("all", True), ("each", False)])
def test_one_colour_scale_is_shared_by_all_frames_unless_each_has_its_own(scale, is_shared):
    values = np.full((5, 6, 8), 1e-4)
    values[:, 4, 6] = [0.02, 0.4, 0.1, 0.02, 0.3]
    heat = heat_of(make_row(values, query=(1, 1, 1)), Look(scale=scale))
    tones = [float(heat.tones(np.array(heat.times[t, 4, 6]), t)) for t in range(5)]
    assert (len(set(heat.tops)) == 1) == is_shared
    assert tones[1] == 1
    if is_shared:
        assert tones[0] == tones[3] < tones[2] < tones[4] < 1, "equal weight, equal colour, whatever frame it is in"
    else:
        assert tones == [1] * 5, "each frame's strongest has the full colour"


def test_an_even_row_and_a_row_of_zeros_have_no_heat():
    for values in (np.full((5, 6, 8), 1 / 240), np.zeros((5, 6, 8))):
        heat = heat_of(make_row(values), Look())
        assert not heat.shows(heat.times).any()
    assert heat_of(make_row(np.full((5, 6, 8), 1 / 240)), Look()).is_flat
    assert not heat_of(make_row(np.zeros((5, 6, 8))), Look()).is_flat, "without weight there is nothing even"


def test_a_nearly_even_row_is_not_stretched():
    values = np.full((5, 6, 8), 1 / 240)
    values[4, 1, 1] *= 1.5
    heat = heat_of(make_row(values / values.sum()), Look())
    assert heat.is_flat
    assert heat.tones(heat.times).max() < 0.15


def test_the_own_place_keeps_the_last_colour_when_it_goes_beyond():
    values = np.full((5, 6, 8), 1e-4)
    values[1, 2, 3], values[4, 4, 4] = 0.7, 0.25
    heat = heat_of(make_row(values / values.sum()), Look())
    share = values / values.sum() * 240
    assert heat.tops.tolist() == pytest.approx([share[4, 4, 4]] * 5)
    assert heat.beyond == pytest.approx(share[1, 2, 3])
    assert heat.tones(heat.times[1], 1)[2, 3] == 1


def test_arrows_lead_to_peaks_in_other_frames_the_strongest_first():
    values = np.full((5, 6, 8), 1e-5)
    values[1, 5, 5] = 0.9  # the query's own frame
    values[4, 4, 6], values[4, 4, 7], values[0, 0, 1], values[3, 2, 2] = 0.5, 0.4, 0.3, 0.2
    values[2, 1, 1] = 2.5 / 240 * values.sum()  # above even, and not enough for an arrow
    row = make_row(values / values.sum())
    found = arrow_cells(row, heat_of(row, Look()), 9)
    cells = [tuple(row.grid.cell(index)) for index, _ in found]
    assert cells == [(4, 4, 6), (0, 0, 1), (3, 2, 2)], "its neighbour is no peak"
    assert [times for _, times in found] == sorted((times for _, times in found), reverse=True)
    assert all(times >= ARROW_LEAST for _, times in found)
    assert len(arrow_cells(row, heat_of(row, Look()), 2)) == 2
    assert len(arrow_cells(row, heat_of(row, Look(threshold=60)), 9)) == 1, "what is hidden gets no arrow"


def test_arrows_stay_in_the_frame_where_no_other_has_any():
    values = np.full((5, 6, 8), 1e-9)
    values[1, 2, 3], values[1, 5, 7] = 0.6, 0.3
    row = make_row(values / values.sum())
    cells = [row.grid.cell(index) for index, _ in arrow_cells(row, heat_of(row, Look()), 9)]
    assert cells == [(1, 5, 7)]


def test_negative_weight_gets_an_arrow_of_a_difference_alone():
    values = np.zeros((5, 6, 8))
    values[0, 1, 1], values[3, 3, 3] = -0.8, 0.2
    row = make_row(values, pairwise="dot_product")
    less = replace(row, minus=(Cell(4, 0, 0),), plus_mass=1.0)
    for answer, look, expected in (
        (row, Look(), [(3, 3, 3)]),
        (row, Look(negatives=True), [(3, 3, 3)]),
        (less, Look(), [(0, 1, 1), (3, 3, 3)]),
    ):
        cells = [tuple(answer.grid.cell(index)) for index, _ in arrow_cells(answer, heat_of(answer, look), 9)]
        assert cells == expected


def test_a_column_is_drawn_by_the_same_rule():
    values = np.full((5, 6, 8), 1e-4)
    values[2, 2, 2], values[4, 1, 7] = 0.5, 0.25
    column = make_column(values, key=(1, 1, 1), subsample=(2, 2, 2))
    heat = heat_of(column, Look())
    share = values * 240 / values.sum()
    assert heat.beyond == pytest.approx(share[2, 2, 2], rel=1e-6), "it lies over the key, which stands for 2 x 2 x 2"
    assert heat.tops[0] == pytest.approx(share[4, 1, 7], rel=1e-6)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("top", [30.0, 77.0, 2500.0])
def test_ticks_are_round_numbers_with_room_between_them(curve, top):
    values = np.full((1, 40, 80), 1.0)
    values[0, 20, 40] = top * (3199 / (3200 - top)) if top < 3200 else 0
    row = make_row(values / values.sum(), grid=(1, 40, 80), query=(0, 0, 0))
    heat = heat_of(row, Look(curve=curve))
    tones = [tone for tone, _ in ticks(heat)]
    assert ticks(heat)[0] == (0, 1)
    assert np.diff(tones).min() >= 0.13
    for tone, times in ticks(heat):
        assert tone == pytest.approx(CURVES[curve](times) / CURVES[curve](heat.tops[0]))
        assert str(times)[0] in "125"
