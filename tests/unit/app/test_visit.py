"""What a link or a browser asks for: what cannot be understood is left out, and nothing raises."""

import pytest

from nonlocal_core import Pin
from nonlocal_core.app.server.visit import from_link, with_points

PIN = Pin(frame=0, x=0.5, y=0.5)
FAR = 1e999
"""What JSON makes of a number that is too large."""


@pytest.mark.parametrize(
    "points", [[[FAR, 0.5, 0.5]], [[0, FAR, 0.5]], [[-1, 0.5, 0.5]], [[0, 0.5]], [["a", 0, 0]], [[None, 0, 0]], 7, [7]]
)
def test_points_of_a_browser_that_are_none_are_left_out(points):
    assert with_points(PIN, points, None) == PIN
    assert with_points(PIN, None, points) == PIN


def test_points_of_a_browser_are_kept():
    assert with_points(PIN, [[1, 0, 1]], [[2, 0.25, 0.5]]).also == ((1, 0.0, 1.0),)


@pytest.mark.parametrize("at", ["inf,0.5,0.5", "nan,0.5,0.5", "0,nan,0.5", "0,0.5", "0,2,0", "-1,0,0", "a,b,c"])
def test_a_link_to_no_place_pins_nothing(at):
    assert from_link({"clip": "sample:bunny", "at": at}).pin is None


@pytest.mark.parametrize(
    "asked", [{"start_seconds": "inf"}, {"start_seconds": "nan"}, {"frames": "1e3"}, {"stride": ""}]
)
def test_a_link_with_no_number_leaves_the_choice_to_the_clip(asked):
    assert from_link({"clip": "sample:bunny"} | asked) == from_link({"clip": "sample:bunny"})
