"""Records of a bundle: limits of a tour, and the view that a pin names."""

import re
from importlib import resources

import pytest

from nonlocal_core import BundleError, Question, TourStop
from nonlocal_core.bundle import MAX_CAPTION_LENGTH, MAX_TOUR_STOPS, View
from nonlocal_core.pin import Pin


def test_limits_are_said():
    asked = Question(frame=0, x=0.5, y=0.5)
    with pytest.raises(BundleError, match=f"up to {MAX_CAPTION_LENGTH} characters; this one has 201"):
        TourStop(question=asked, caption="x" * (MAX_CAPTION_LENGTH + 1))
    full = (TourStop(question=asked, caption="x" * MAX_CAPTION_LENGTH),) * MAX_TOUR_STOPS
    assert View(tour=full).tour == full
    with pytest.raises(BundleError, match=f"up to {MAX_TOUR_STOPS} stops; this one has 33"):
        View(tour=(*full, full[0]))


def test_the_viewer_has_the_same_limits():
    script = resources.files("nonlocal_core.viewer").joinpath("model/tour.js").read_text("utf-8")
    found = dict(re.findall(r"export const (\w+) = (\d+);", script))
    assert found == {"MOST_STOPS": str(MAX_TOUR_STOPS), "LONGEST_CAPTION": str(MAX_CAPTION_LENGTH)}


def test_the_view_of_a_pin_names_all_of_it():
    """Every field of a pin differs from its default, so that one which is left out is seen."""
    asked = {
        "frame": 3,
        "x": 0.25,
        "y": 0.75,
        "also": ((1, 0.5, 0.5),),
        "minus": ((2, 0.1, 0.9),),
        "beside": (((0, 0.2, 0.3),),),
        "temperature": 0.5,
        "asker": "class token",
        "block": "stride8",
        "view": "each",
    }
    stop = TourStop(question=Question(frame=1, x=0.5, y=0.5), caption="Here.")
    view = View.of(Pin(**asked), [stop])
    assert (view.question, view.tour) == (Question(frame=3, x=0.25, y=0.75), (stop,))
    assert view.look == "each"
    for name in ("also", "minus", "beside", "temperature", "asker", "block"):
        assert getattr(view, name) == asked[name], name
    assert View.of(Pin(frame=0, x=0.5, y=0.5, hops=3)).hops == 3
    assert View.of(Pin(frame=0, x=0.5, y=0.5, direction="column")).direction == "column"
