"""Numbers that the viewer's scripts and the library both state are the same on both sides."""

import importlib
import re
from pathlib import Path

import pytest

from nonlocal_core.look.photograph import SHADE, SHADED

VIEWER = Path(__file__).parents[2] / "nonlocal_core" / "viewer"
STATED_TWICE = [
    ("look.walls.NO_WEIGHT", "model/answer.js", "NO_WEIGHT"),
    ("bundle.contents.MAX_TOUR_STOPS", "model/tour.js", "MOST_STOPS"),
    ("bundle.contents.MAX_CAPTION_LENGTH", "model/tour.js", "LONGEST_CAPTION"),
    ("bundle.container.ALIGNMENT", "model/parse.js", "ALIGNMENT"),
    ("bundle.container.ALIGNMENT", "saving/bundle_file.js", "ALIGNMENT_BYTES"),
    ("bundle.container.VERSION", "saving/bundle_file.js", "FORMAT"),
    ("bundle.encode.MAX_ROW_ERROR", "saving/halves.js", "MOST_ROW_ERROR"),
    ("bundle.encode._SAMPLED_ROWS", "saving/halves.js", "MEASURED_ROWS"),
    ("bundle.encode.MAX_NORMALISER_PRODUCTS", "entry/site_worker.js", "MOST_PRODUCTS"),
    ("bundle.encode._ROWS_AT_ONCE", "entry/site_worker.js", "ROWS_AT_ONCE"),
    ("capture.hops.STAYS", "model/hops.js", "STAYS"),
    ("geometry.overlap._NOTHING", "model/overlap.js", "ROUNDING"),
    ("look.palette.LEVELS", "drawing/colour.js", "LEVELS"),
    ("pin.MOST_HOPS", "model/hops.js", "MOST_HOPS"),
    ("pin.MOST_PINS", "model/pins.js", "MOST_PINS"),
    ("render.arrows.PEN", "drawing/figure.js", "PEN"),
    ("render.banner.LEAST_TYPE", "drawing/film_pictures.js", "LEAST_TYPE"),
    ("render.banner.TYPES_ACROSS", "drawing/film_pictures.js", "TYPES_ACROSS"),
    ("render.figure.NOTE_SIZE", "drawing/figure.js", "NOTE_SIZE"),
    ("render.legend.GREY", "drawing/legend.js", "GREY"),
]


def number_in(script, name):
    """The number that a script gives a name at its top level."""
    (found,) = re.findall(rf"^(?:export )?const {name} = ([^;]+);", script, re.MULTILINE)
    return float(found)


@pytest.mark.parametrize(("ours", "script", "name"), STATED_TWICE)
def test_a_number_of_the_library_is_that_of_the_viewer(ours, script, name):
    module, _, constant = ours.rpartition(".")
    expected = getattr(importlib.import_module(f"nonlocal_core.{module}"), constant)
    assert number_in((VIEWER / script).read_text(encoding="utf-8"), name) == expected


def test_the_shade_over_what_a_network_never_saw_is_the_same():
    (shade,) = re.findall(r'^const SHADE = "([^"]+)";', (VIEWER / "drawing/photograph.js").read_text(), re.MULTILINE)
    assert shade == f"rgb({' '.join(map(str, SHADE))} / {SHADED})"


def test_a_number_that_a_script_does_not_state_once_is_not_taken_for_another():
    assert number_in("const LEVELS = 256;\nexport const PEN = 4.2;", "PEN") == 4.2
    for script in ("const PENS = 3;", "const PEN = 1;\nconst PEN = 2;"):
        with pytest.raises(ValueError, match="values to unpack"):
            number_in(script, "PEN")
