"""A pin: what it refuses, the points that it asks, and the pins beside it."""

from dataclasses import replace

import pytest

from nonlocal_core.errors import SelectionError, UnknownNameError
from nonlocal_core.look import Look
from nonlocal_core.pin import MOST_HOPS, MOST_PINS, MOST_POINTS, TEMPERATURES, Pin

PIN = Pin(frame=3, x=0.25, y=0.75)
POINT = (1, 0.5, 0.5)
LOW, HIGH = TEMPERATURES


@pytest.mark.parametrize(
    "allowed",
    [
        {"also": (POINT,) * (MOST_POINTS - 1)},
        {"beside": ((POINT,),) * (MOST_PINS - 1)},
        {"temperature": LOW},
        {"temperature": HIGH},
        {"hops": MOST_HOPS},
        {"hops": 2, "also": (POINT,), "minus": (POINT,)},
        {"asker": "class token", "hops": 2},
        {"direction": "column", "minus": (POINT,)},
    ],
    ids=lambda fields: " ".join(fields),
)
def test_what_can_be_asked_up_to_its_limit(allowed):
    assert replace(PIN, **allowed).frame == 3


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"also": (POINT,) * MOST_POINTS}, f"up to {MOST_POINTS} points; got {MOST_POINTS + 1}"),
        ({"minus": (POINT,) * MOST_POINTS}, f"got {MOST_POINTS + 1}"),
        ({"beside": ((POINT,) * (MOST_POINTS - 2), (POINT,) * 2)}, f"got {MOST_POINTS + 1}"),
        ({"beside": ((POINT,),) * MOST_PINS}, f"Up to {MOST_PINS} pins .* got {MOST_PINS + 1}"),
        ({"beside": ((),)}, "each with a point; got 2"),
        ({"temperature": LOW - 0.01}, f"from {LOW} to {HIGH}; got 0.09"),
        ({"temperature": HIGH + 0.5}, "got 10.5"),
        ({"temperature": float("nan")}, "got nan"),
        ({"temperature": 0.5, "direction": "column"}, "Only where a point looks has a temperature"),
        ({"hops": 0}, f"for 1 to {MOST_HOPS} hops; got 0"),
        ({"hops": MOST_HOPS + 1}, f"got {MOST_HOPS + 1}"),
        ({"hops": 2, "direction": "column"}, "no column, no pins beside it"),
        ({"hops": 2, "beside": ((POINT,),)}, "no column, no pins beside it"),
        ({"asker": "class token", "direction": "column"}, "Only where 'class token' looks"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong, sentence):
    with pytest.raises(SelectionError, match=sentence):
        replace(PIN, **wrong)


def test_a_word_of_the_view_that_is_not_known_is_refused():
    with pytest.raises(UnknownNameError, match="rainbow"):
        replace(PIN, view="rainbow")


def test_the_view_is_a_look_and_an_empty_one_the_usual():
    assert PIN.look == Look()
    assert replace(PIN, view="each").look == Look.parse("each") != Look()


def test_the_first_point_comes_before_the_others():
    assert replace(PIN, also=(POINT, (0, 0.1, 0.2)), minus=((2, 0, 0),)).points == (
        (3, 0.25, 0.75),
        POINT,
        (0, 0.1, 0.2),
    )


def test_pins_beside_it_come_first_each_as_a_question_by_itself():
    """All else is that of the pin; what is taken away is taken from the last one only."""
    first, second = ((0, 0.1, 0.2),), (POINT, (2, 0.3, 0.4))
    pin = replace(PIN, beside=(first, second), minus=((2, 0.0, 0.0),), block="stride8", temperature=2.0, view="each")
    alike = {"block": "stride8", "temperature": 2.0, "view": "each"}
    assert pin.all == (
        Pin(frame=0, x=0.1, y=0.2, **alike),
        Pin(frame=1, x=0.5, y=0.5, also=((2, 0.3, 0.4),), **alike),
        Pin(frame=3, x=0.25, y=0.75, minus=((2, 0.0, 0.0),), **alike),
    )
    assert PIN.all == (PIN,)
