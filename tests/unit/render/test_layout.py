"""Places of a figure: header, film strip and notes, for every number and shape of frames."""

import numpy as np
import pytest

from nonlocal_core.errors import RenderError
from nonlocal_core.render.layout import HEADER, UNITS, Rect, lay_out


@pytest.mark.parametrize(("count", "per_row"), [(3, 3), (5, 5), (8, 4), (9, 5), (32, 8)])
def test_rows_of_a_strip_are_balanced(count, per_row):
    assert lay_out(count, (47, 83), width_px=UNITS).columns == per_row


@pytest.mark.parametrize(
    ("count", "hw"), [(1, (47, 83)), (5, (47, 83)), (11, (83, 47)), (3, (200, 20)), (2, (20, 200))]
)
def test_tiles_keep_their_shape_and_order_and_never_meet(count, hw):
    layout = lay_out(count, hw, width_px=UNITS)
    taken = np.zeros(layout.size_hw, int)
    for tile in layout.tiles:
        taken[tile.top : tile.bottom, tile.left : tile.right] += 1
        assert tile.height / tile.width == pytest.approx(hw[0] / hw[1], rel=0.05)
        assert layout.margin <= tile.left < tile.right <= UNITS - layout.margin
    assert taken.max() == 1
    assert taken.sum() == sum(tile.width * tile.height for tile in layout.tiles)
    places = [(tile.top, tile.left) for tile in layout.tiles]
    assert places == sorted(places)
    last = max(tile.bottom for tile in layout.tiles)
    assert layout.legend.bottom < layout.tiles[0].top < last < layout.notes_top < layout.size_hw[0]
    assert (layout.legend.top, layout.legend.right) == (layout.margin, UNITS - layout.margin)
    assert (layout.legend.width, layout.legend.height) == (720, 150)


def test_frames_that_would_vanish_are_refused():
    with pytest.raises(RenderError, match="at least 8 x 8"):
        lay_out(64, (47, 83), width_px=100)


def test_notes_and_header_take_their_room_and_a_still_image_has_no_axis():
    plain, noted, headed = (
        lay_out(5, (47, 83), width_px=UNITS, **more) for more in ({}, {"notes": 3}, {"header": HEADER + 90})
    )
    assert noted.size_hw[0] - plain.size_hw[0] == 3 * 38 - 20
    assert noted.tiles == plain.tiles
    assert [tile.top - before.top for tile, before in zip(headed.tiles, plain.tiles, strict=True)] == [90] * 5
    assert headed.size_hw[0] - plain.size_hw[0] == 90
    assert [lay_out(count, (47, 83), width_px=UNITS).bar_height for count in (1, 2)] == [0, 64]


def test_a_figure_half_as_wide_has_everything_half_as_large():
    wide, narrow = (lay_out(7, (47, 83), width_px=width, notes=2) for width in (UNITS, UNITS // 2))
    assert [wide.px(n) for n in (0, 1, 40)] == [1, 1, 40]
    assert [narrow.px(n) for n in (0, 1, 40)] == [1, 1, 20]
    assert (wide.unit, narrow.unit) == (1.0, 0.5)
    for one, half in zip((wide.legend, *wide.tiles), (narrow.legend, *narrow.tiles), strict=True):
        assert np.array(one) / 2 == pytest.approx(np.array(half), abs=1.5)
    assert wide.size_hw[0] / 2 == pytest.approx(narrow.size_hw[0], abs=4)


def test_a_rectangle_knows_its_sides():
    rect = Rect(3, 5, 11, 29)
    assert (rect.width, rect.height) == (8, 24)


def test_a_strip_stands_in_the_middle_between_its_margins():
    for count, hw in ((1, (200, 20)), (5, (47, 83)), (9, (30, 40))):
        layout = lay_out(count, hw, width_px=UNITS)
        left = min(tile.left for tile in layout.tiles)
        right = max(tile.right for tile in layout.tiles)
        assert left - layout.margin == pytest.approx(UNITS - layout.margin - right, abs=1)
