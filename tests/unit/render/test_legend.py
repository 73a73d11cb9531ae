"""Colour bar of a figure."""

import numpy as np
import pytest
from drawn_figures import make
from render_rows import make_row

from nonlocal_core.look import PINS, Look, heat_of, heats_of
from nonlocal_core.render import paint
from nonlocal_core.render.drawing import Picture, Words
from nonlocal_core.render.layout import Rect
from nonlocal_core.render.legend import SIZE, legend
from nonlocal_core.render.text import font

AREA = Rect(1000, 56, 1720, 206)


def test_the_colour_bar_has_the_colours_of_the_heat_over_grey():
    values = np.full((5, 6, 8), 1e-5)
    values[4, 4, 6] = 0.5
    row = make_row(values, query=(1, 2, 3))
    bar = next(shape for shape in make(row).shapes if isinstance(shape, Picture)).rgb
    grey = np.full((1, 1, 3), 128, np.uint8)
    lit = make_row(values, grid=(5, 6, 8))
    full = paint(np.full((60, 80, 3), 128, np.uint8), heat_of(lit, Look()), 4, row.key_grid)[45, 65]
    assert np.abs(bar[0, -1].astype(int) - full).max() <= 1
    assert np.abs(bar[0, 0].astype(int) - grey[0, 0]).max() < 40, "it starts faint"
    assert (bar == bar[:1]).all()


def parts_of(answers, look):
    """The bar, the ticks' words by the place of their middle: under the bar, above it."""
    shapes = legend(AREA, answers, heats_of(answers, look))
    (bar,) = (shape for shape in shapes if isinstance(shape, Picture))
    left, top, width, _ = bar.box
    words = [shape for shape in shapes if isinstance(shape, Words) and shape.anchor == "middle"]
    under, above = (
        {(one.at[0] - left) / width: one.text for one in words if (one.at[1] > top) == is_under}
        for is_under in (True, False)
    )
    assert AREA.left < left < left + width < AREA.right
    assert width == AREA.width - 184
    return bar.rgb, under, above, [w for w in shapes if isinstance(w, Words) and w.anchor == "end"]


def half(text):
    """Half the width of a text, as a part of the bar."""
    return font(SIZE).getlength(text) / 2 / (AREA.width - 184)


def halves(ticks):
    """Ticks left of the middle and right of it, each from the middle outwards."""
    outwards = sorted(ticks.items(), key=lambda tick: abs(tick[0] - 0.5))
    return [tick for tick in outwards if tick[0] < 0.49], [tick for tick in outwards if tick[0] > 0.51]


@pytest.mark.parametrize("curve", ["log", "root", "linear"])
def test_a_tick_stands_where_the_bar_has_the_colour_of_its_times(curve):
    row = make_row()
    look = Look(curve=curve)
    bar, under, above, labels = parts_of([row], look)
    heat = heat_of(row, look)
    assert under[0] == "1"
    assert len(under) > 2
    for part, text in under.items():
        colour, opacity = heat.coloured(np.array([float(text) + 1e-5]))
        expected = 128 * (1 - opacity[0]) + colour[0] * opacity[0]
        assert bar[0, min(round(part * bar.shape[1]), bar.shape[1] - 1)] == pytest.approx(expected, abs=4), text
    ends = [(part - half(text), part + half(text)) for part, text in sorted(above.items())]
    assert all(left > right for (left, _), (_, right) in zip(ends[1:], ends, strict=False)), (
        "no weight runs into another"
    )
    for part, text in above.items():
        assert float(text) == pytest.approx(float(under[part]) / row.times_uniform_per_unit, rel=6e-3)
    assert {w.text for w in labels} == {"x even share", "weight"}


def test_a_bar_of_signed_weights_is_a_mirror():
    row = make_row(np.random.default_rng(2).normal(size=(5, 6, 8)) ** 3, pairwise="dot_product")
    bar, under, above, _ = parts_of([row], Look(negatives=True))
    assert under[0.5] == "1"
    left, right = ([(abs(part - 0.5), text.removeprefix("-")) for part, text in side] for side in halves(under))
    assert [text for _, text in left] == [text for _, text in right]
    assert [away for away, _ in left] == pytest.approx([away for away, _ in right])
    assert all(text.startswith("-") == (part < 0.5) for part, text in (under | above).items())
    assert bar[0, 5, 2] > bar[0, 5, 0] + 40, "cold on the left"
    assert bar[0, -5, 0] > bar[0, -5, 2] + 40, "warm on the right"


def test_where_each_frame_has_its_own_scale_no_weight_is_named():
    _, under, above, labels = parts_of([make_row()], Look(scale="each"))
    assert sorted(under.values()) == ["1", "its frame's strongest"]
    assert above == {}
    assert {w.text for w in labels} == {"x even share"}


def test_an_answer_without_weight_has_a_bar_and_no_ticks():
    _, under, above, _ = parts_of([make_row(np.zeros((5, 6, 8)))], Look())
    assert (under, above) == ({}, {})


def test_several_pins_have_a_row_of_colours_each_and_weights_where_they_mean_the_same():
    rows = [make_row(query=(n, 2, 3)) for n in range(3)]
    bar, _, above, labels = parts_of(rows, Look())
    for n, ramp in enumerate(PINS):
        full = bar[8 + 16 * n, -1]
        assert np.abs(full.astype(int) - ramp[255]).max() < 40, "nearly opaque"
    letters = {w.text: w.at[1] for w in labels if w.text in "ABC"}
    assert list(letters) == ["A", "B", "C"]
    assert np.diff(list(letters.values())).tolist() == [16, 16]
    assert above
    uneven = [rows[0], make_row(rows[0].heat * 2, query=(1, 2, 3))]
    _, under, above, labels = parts_of(uneven, Look())
    assert under
    assert above == {}
    assert "weight" not in {w.text for w in labels}
