"""Frames that do not vary from place to place are told, once."""

import numpy as np
import pytest
from made_frames import frames_of

from nonlocal_core import Session
from nonlocal_core.media.one_colour import SAME_LEVELS, told_if_of_one_colour

REST = "of one colour: what is looked at comes from the network, such as from its border, not from a picture."


def test_only_frames_that_do_not_vary_from_place_to_place_are_told() -> None:
    rgb = np.full((2, 4, 5, 3), (10, 40, 90), np.uint8)
    rgb[1] = 200
    told = told_if_of_one_colour(frames_of(rgb))
    assert told.warnings == (f"Every frame is {REST}",), "a fade varies in time alone"
    assert told_if_of_one_colour(told) is told
    rgb[0, 1, 2] += SAME_LEVELS
    assert told_if_of_one_colour(frames_of(rgb[:1])).warnings == (f"The picture is {REST}",)
    rgb[0, 1, 2, 0] += 1
    several = frames_of(rgb)
    assert told_if_of_one_colour(several) is several, "one frame has something to see"


@pytest.mark.parametrize("level", [0, 200])
def test_a_session_of_one_colour_says_so(level: int) -> None:
    session = Session.open(np.full((64, 96, 3), level, np.uint8), "lite0-parameter-free", short_side=64)
    assert session.frames.warnings == (f"The picture is {REST}",)
