"""What a link or a browser asks for: what cannot be understood is left out, and nothing raises."""

from dataclasses import replace

import pytest

from nonlocal_core import Pin
from nonlocal_core.app.server.visit import (
    MOST_FRAMES,
    MOST_INDEX,
    SHORT_SIDES,
    Choices,
    from_link,
    to_link,
    with_listed,
)

PIN = Pin(frame=0, x=0.5, y=0.5)
FAR = 1e999
"""What JSON makes of a number that is too large."""


@pytest.mark.parametrize(
    "points", [[[FAR, 0.5, 0.5]], [[0, FAR, 0.5]], [[-1, 0.5, 0.5]], [[0, 0.5]], [["a", 0, 0]], [[None, 0, 0]], 7, [7]]
)
def test_points_of_a_browser_that_are_none_are_left_out(points):
    assert with_listed(PIN, {"also": points}) == PIN
    assert with_listed(PIN, {"minus": points}) == PIN


def test_points_of_a_browser_are_kept():
    assert with_listed(PIN, {"also": [[1, 0, 1]], "minus": [[2, 0.25, 0.5]]}).also == ((1, 0.0, 1.0),)


@pytest.mark.parametrize(
    "at",
    ["inf,0.5,0.5", "nan,0.5,0.5", "0,nan,0.5", "0,0.5", "0,2,0", "-1,0,0", "a,b,c", "1e300,0,0", f"{10**400},0,0"],
)
def test_a_link_to_no_place_pins_nothing(at):
    assert from_link({"clip": "sample:bunny", "at": at}).pin is None


@pytest.mark.parametrize(
    "asked", [{"start_seconds": "inf"}, {"start_seconds": "nan"}, {"frames": "1e3"}, {"stride": ""}]
)
def test_a_link_with_no_number_leaves_the_choice_to_the_clip(asked):
    assert from_link({"clip": "sample:bunny"} | asked) == from_link({"clip": "sample:bunny"})


WHOLE = Pin(
    frame=1,
    x=0.25,
    y=0.5,
    also=((2, 0.5, 0.5),),
    beside=(((0, 0.1, 0.2), (0, 0.3, 0.2)), ((3, 0.5, 0.75),)),
    temperature=0.3,
)


@pytest.mark.parametrize("pin", [WHOLE, replace(WHOLE, beside=(), hops=3)])
def test_a_link_carries_the_whole_question(pin):
    choices = Choices(clip="sample:bunny", pin=pin)
    assert from_link(to_link(choices)) == choices


@pytest.mark.parametrize(
    "listed",
    [
        {"beside": [[[0, 0.5, 0.5]]] * 3},
        {"beside": [[]]},
        {"beside": 3},
        {"temperature": "nan"},
        {"temperature": 99},
        {"temperature": None},
        {"hops": 5},
        {"hops": "much"},
        {"hops": 2, "beside": [[[0, 0.5, 0.5]]]},
    ],
)
def test_pins_and_temperatures_that_cannot_be_asked_are_left_out(listed):
    assert with_listed(PIN, listed) == PIN


@pytest.mark.parametrize("name", ["frames", "stride", "start_seconds", "exactly", "short_side", "also", "temperature"])
@pytest.mark.parametrize("digits", [400, 5_000])
def test_a_number_of_many_digits_is_left_out(name, digits):
    asked = {"clip": "sample:bunny", "at": "0,0.5,0.5"}
    many = "9" * digits + (",0.5,0.5" if name == "also" else "")
    assert from_link(asked | {name: many}) == from_link(asked) or name in ("frames", "stride", "short_side")
    for held in (from_link(asked | {name: many}).frames, from_link(asked | {name: many}).stride):
        assert held is None or held <= MOST_INDEX


def test_a_link_is_held_to_what_the_menus_offer():
    asked = from_link({"clip": "sample:bunny", "frames": "128", "short_side": "4000", "stride": "0"})
    assert (asked.frames, asked.short_side, asked.stride) == (MOST_FRAMES, SHORT_SIDES[-1], None)
    assert from_link({"clip": "sample:bunny", "frames": "-1", "start_seconds": "-2"}) == Choices(clip="sample:bunny")


@pytest.mark.parametrize("cells", [14, 28, 48, 65])
def test_a_link_leads_to_the_cell_that_was_pinned_also_next_to_its_border(cells):
    beside = [border / cells + way * 2e-6 for border in range(1, cells) for way in (-1, 1)]
    for number, x in enumerate(beside):
        pin = Pin(frame=0, x=x, y=1 - x, also=((0, 1 - x, x),))
        found = from_link(to_link(Choices(clip="sample:bunny", pin=pin))).pin
        assert (int(found.x * cells), int(found.y * cells)) == (int(x * cells), int((1 - x) * cells)), number
        ((_, x_also, y_also),) = found.also
        assert (int(x_also * cells), int(y_also * cells)) == (int((1 - x) * cells), int(x * cells)), number


def test_a_link_to_a_plain_place_is_short():
    pin = Pin(frame=2, x=0.25, y=0.123)
    assert to_link(Choices(clip="sample:bunny", pin=pin))["at"] == "2,0.2500,0.1230"
