"""Grids that the number of tokens alone tells, worked out by hand."""

import pytest

from nonlocal_core.capture.adapters.tokens.places import Fed
from nonlocal_core.capture.adapters.tokens.shapes import MOST_EXTRA, ShapeLayout, nowhere
from nonlocal_core.capture.reading import NotReadable

FED = Fed(frames=4, hw=(96, 160))


@pytest.mark.parametrize(
    ("fed", "sizes", "thw", "scope", "extra"),
    [
        (FED, (4, 15), (4, 3, 5), "space", 0),  # cells of 32 pixels
        (FED, (4, 60), (4, 6, 10), "space", 0),
        (FED, (4, 61), (4, 6, 10), "space", 1),
        (FED, (4, 65), (4, 6, 10), "space", 5),
        (FED, (4, 100), (4, 7, 12), "space", MOST_EXTRA),  # 14 pixels
        (FED, (1, 240), (4, 6, 10), "spacetime", 0),
        (FED, (1, 241), (4, 6, 10), "spacetime", 1),
        (Fed(frames=4, hw=(96, 160), tubelet=2), (1, 120), (2, 6, 10), "spacetime", 0),
        (FED, (1, 60), (4, 3, 5), "spacetime", 0),  # as many steps as frames, before one step of 6 x 10
        (FED, (60, 4), (4, 6, 10), "time", 0),
        (Fed(frames=4, hw=(96, 160), tubelet=2), (60, 2), (2, 6, 10), "time", 0),
        (Fed(frames=4, hw=(100, 150)), (4, 70), (4, 7, 10), "space", 0),  # 15 or 16 pixels: the last cells are cut
        (Fed(frames=4, hw=(6, 6)), (4, 4), (4, 2, 2), "space", 0),
        (Fed(frames=4, hw=(26, 15)), (4, 12), (4, 4, 3), "space", 0),  # 7 pixels, where 5.7 would fill the input
        (Fed(frames=4, hw=(2, 2)), (4, 5), (4, 2, 2), "space", 1),  # five cells would be smaller than pixels
    ],
)
def test_tokens_are_the_square_cells_of_the_input(fed, sizes, thw, scope, extra):
    placed = ShapeLayout(fed=fed).placed(*sizes)
    assert (placed.thw, placed.scope, placed.order) == (thw, scope, "thw")
    assert placed.extra == tuple(f"token {place + 1}" for place in range(extra))


def test_tokens_whose_names_are_known_are_looked_for_first():
    layout = ShapeLayout(fed=Fed(frames=1, hw=(48, 48)), extra=tuple("abcdefg"))
    placed = layout.placed(1, 16)  # 16 cells alone, or nine and seven others
    assert (placed.thw, placed.extra) == ((1, 3, 3), tuple("abcdefg"))


@pytest.mark.parametrize("sizes", [(4, 101), (4, 3), (3, 60), (1, 153), (60, 3)])
def test_what_is_no_grid_is_said_with_all_sizes(sizes):
    said = ShapeLayout(fed=FED).placed(*sizes)
    assert isinstance(said, NotReadable)
    assert said == nowhere(FED, *sizes)
    over = "over an input of 4 frames of 96 x 160 pixels"
    assert said.reason.startswith(f"has {sizes[0]} sequences of {sizes[1]} queries, which are no grid {over}.")
    assert "no grid. Give" in nowhere(None, *sizes).reason


@pytest.mark.parametrize(("fed", "queries", "each"), [(Fed(frames=4, hw=(64, 64)), 96, 24), (FED, 4 * 63 + 4 * 5, 68)])
def test_a_sequence_with_other_tokens_within_each_frame_is_told_how_it_can_be_shown(fed, queries, each):
    said = nowhere(fed, 1, queries).reason
    assert f": {each} for each frame, so that class tokens or padding may stand within. Let the network see" in said
    assert "for each frame" not in nowhere(fed, 2, queries).reason


def test_cells_that_the_rim_would_cut_by_far_are_no_grid():
    few = ShapeLayout(fed=Fed(frames=4, hw=(58, 48)), behind=MOST_EXTRA)
    assert isinstance(few.placed(4, 6 + MOST_EXTRA), NotReadable)  # 24 pixels, where 21.5 would fill the input


def test_fewer_than_four_cells_are_no_grid():
    few = Fed(frames=4, hw=(32, 96))
    assert isinstance(ShapeLayout(fed=few).placed(4, 3), NotReadable)
    assert ShapeLayout(fed=Fed(frames=4, hw=(32, 128))).placed(4, 4).thw == (4, 1, 4)
