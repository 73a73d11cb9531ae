"""The step on screen or the whole course, as the button on Learn asks for it."""

from dataclasses import replace
from pathlib import Path

import pytest

from nonlocal_core.app.server.opened import ClipNotes, OpenedClip
from nonlocal_core.app.server.visit import Choices
from nonlocal_core.app.widgets import keep, take_along
from nonlocal_core.course import writing
from nonlocal_core.course.stages import step_ids

OPENED = OpenedClip(
    token="t",
    notes=ClipNotes(name="my clip.mp4", summary="my clip.mp4 · 2 of 9 frames · 8 × 6", key="k", frame_count=2),
    awaited=lambda: pytest.fail("nothing is opened before the file is made"),
)
CHOSEN = {step: Choices(clip="sample:bunny", short_side=96) for step in step_ids()}


@pytest.fixture
def offered(monkeypatch):
    """The offer on the page, and the steps of each file that it writes."""
    offers, steps = [], []
    monkeypatch.setattr(keep, "draw", offers.append)
    monkeypatch.setattr(writing, "write_course", lambda path, opens, asked, *, progress: steps.append(tuple(asked)))
    take_along.offer(OPENED, "gaussian", CHOSEN)
    return offers[0], steps


def test_a_copy_of_a_format_asks_for_the_same_steps(offered):
    offer, steps = offered
    for wanted in offer.formats:
        offer.write(replace(wanted))(Path("file.html"), lambda stage, done, total: None)  # as Streamlit hands it back
    assert steps == [("gaussian",), step_ids()]


def test_the_file_is_named_after_the_clip_and_made_anew_for_another_choice(offered):
    offer, _ = offered
    assert offer.stem == "my-clip-learn"
    other = {**CHOSEN, "gaussian": replace(CHOSEN["gaussian"], short_side=128)}
    asked = offer.asks(offer.formats[0])
    assert asked == offer.asks(replace(offer.formats[0]))
    assert asked[:-2] != ("gaussian", tuple(other.items()))
    assert asked != offer.asks(offer.formats[1])
