"""Arguments that ask: the pin has the points, the boxes' cells and the usual values of what was left out."""

import argparse

import pytest

from nonlocal_core.cli.clip import add_clip, add_point, numbers, pin_of


@pytest.fixture(scope="module")
def options():
    parser = argparse.ArgumentParser()
    add_clip(parser)
    add_point(parser)
    return lambda *words: parser.parse_args(["sample:bunny", *words])


def test_numbers_are_a_whole_frame_and_fractions():
    assert numbers(3)("2,0.25,1") == (2, 0.25, 1.0)
    for text in ("2,0.25", "2,0.25,1,1", "2.5,0.25,1", "2,a,1", ""):
        with pytest.raises(argparse.ArgumentTypeError, match=r"needed; got"):
            numbers(3)(text)


def test_what_is_left_out_is_the_first_question(session, options):
    first = session.first_question()
    pin = pin_of(session, options())
    assert (pin.frame, pin.x, pin.y, pin.also) == (first.frame, first.x, first.y, ())
    pin = pin_of(session, options("--x", "0.9"))
    assert (pin.frame, pin.x, pin.y) == (first.frame, 0.9, first.y)


def test_a_box_asks_every_cell_whose_centre_is_in_it_and_points_come_first(session, options):
    box = (1, 0.2, 0.3, 0.6, 0.8)
    grid = session.block().query_grid
    centres = [(1, (x + 0.5) / grid.cols, (y + 0.5) / grid.rows) for y in range(grid.rows) for x in range(grid.cols)]
    inside = [point for point in centres if 0.2 <= point[1] <= 0.6 and 0.3 <= point[2] <= 0.8]
    pin = pin_of(session, options("--point", "0,0.1,0.2", "--box", ",".join(map(str, box)), "--hops", "2"))
    asked = [(pin.frame, pin.x, pin.y), *pin.also]
    assert asked[0] == (0, 0.1, 0.2)
    assert asked[1:] == [pytest.approx(point) for point in inside]
    assert pin.hops == 2
    pin = pin_of(session, options("--frame", "1", "--x", "0.7", "--y", "0.6", "--point", "0,0.1,0.2"))
    assert [(pin.frame, pin.x, pin.y), *pin.also] == [(1, 0.7, 0.6), (0, 0.1, 0.2)]


def test_pins_beside_and_points_that_are_taken_away(session, options):
    pin = pin_of(session, options("--frame", "0", "--minus", "1,0.5,0.5"), view="each", beside=[(1, 0.3, 0.4)])
    assert (pin.minus, pin.beside, pin.view) == (((1, 0.5, 0.5),), (((1, 0.3, 0.4),),), "each")
