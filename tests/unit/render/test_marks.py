"""Marks on a picture: boxes and letters of cells, and how an arrow bends."""

from dataclasses import replace

import numpy as np
import pytest
from render_rows import make_row

from nonlocal_core.geometry import Cell
from nonlocal_core.look import PIN_TONE, PINS
from nonlocal_core.render.marks import RIM, WHITE, bend, letter, lettered_cells, outline, pin_colours


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


def test_a_box_has_a_dark_rim_on_either_side_of_its_colour():
    picture = np.full((260, 390, 3), 120, np.uint8)  # the pen is two pixels wide
    outline(picture, (0.25, 0.5, 0.5, 0.75), (250, 200, 10))
    edges = (picture[160, 85:110], picture[160, 185:210], picture[120:145, 150], picture[185:210, 150])
    for across in edges:  # over the four edges of the cell: left and right, top and bottom
        kinds = [{RIM: "rim", (250, 200, 10): "colour"}.get(tuple(pixel), "ground") for pixel in across.tolist()]
        assert [kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before] == [
            *("ground", "rim", "colour", "rim", "ground")
        ]
        assert [kinds.count(kind) for kind in ("rim", "colour")] == [3, 2]
    assert (picture[160, 110:180] == 120).all(), "what lies in the cell stays"


def test_a_letter_stands_on_its_colour_at_the_corner_of_its_cell():
    picture = np.full((240, 480, 3), 77, np.uint8)
    letter(picture, (0.5, 0.25, 0.6, 0.4), "B", (10, 200, 90))
    ys, xs = np.nonzero((picture != 77).any(axis=-1))
    assert ((ys.min() + ys.max()) / 2, (xs.min() + xs.max()) / 2) == (60, 240)
    assert (np.ptp(ys) + 1, np.ptp(xs) + 1) == (11, 11), "no smaller than can be read"
    square = picture[55:66, 235:246]
    assert (square[0] == (10, 200, 90)).all()
    assert (square.sum(axis=-1) < 120).sum() > 4, "the letter is dark"


def test_one_pin_is_white_and_several_have_the_colours_of_their_heat():
    assert pin_colours(1) == (WHITE,)
    assert pin_colours(3) == tuple(tuple(int(part) for part in ramp[PIN_TONE]) for ramp in PINS)
    assert pin_colours(2) == pin_colours(3)[:2]


def test_pins_and_sides_of_a_difference_have_letters_and_one_answer_has_none():
    one, other = make_row(query=(0, 1, 2)), make_row(query=(3, 4, 5))
    assert lettered_cells([one]) == []
    orange, blue = pin_colours(2)
    grid = one.query_grid
    assert lettered_cells([one, other]) == [
        ("A", Cell(0, 1, 2), grid, orange),
        ("B", Cell(3, 4, 5), grid, blue),
    ]
    difference = replace(one, also=(Cell(0, 1, 3),), minus=(Cell(2, 5, 7),), plus_mass=1.0)
    assert lettered_cells([difference]) == [
        ("A", Cell(0, 1, 2), grid, orange),
        ("B", Cell(2, 5, 7), grid, blue),
    ]


@pytest.mark.parametrize("stop", [(40.0, 0.0), (-40.0, 0.0), (-24.0, 32.0), (24.0, -32.0), (0.0, 40.0), (0.0, -40.0)])
def test_an_arrow_bends_upwards_by_a_fifth_of_its_way_and_less_where_that_is_high(stop):
    start, stop = np.array((100.0, 70.0)), np.array((100.0, 70.0)) + stop
    for reach, height in ((1e9, 8.0), (8.0, 4.0), (2.0, 1.6)):  # 1 / (1 / reach + 1 / 8)
        middle = (start + 2 * bend(start, stop, reach) + stop) / 4
        away = middle - (start + stop) / 2
        assert np.hypot(*away) == pytest.approx(height)
        assert away @ (stop - start) == pytest.approx(0, abs=1e-6)
        assert away[1] < 0 or (away[1] == 0 and away[0] > 0), "to the right where the way is upright"
