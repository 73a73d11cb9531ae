"""Clips that are shorter than a network takes them: frames stand several times, evenly, and it is said."""

from dataclasses import replace

import numpy as np
import pytest

from nonlocal_core.media import read_frames
from nonlocal_core.media.stretching import stretched

CLIP = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.full((1, 16, 16, 3), 60, np.uint8)


def test_repeated_frames_stand_evenly_in_the_order_of_time():
    frames = replace(
        read_frames(CLIP), marks=np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)
    )
    seven = stretched(frames, 7)
    np.testing.assert_array_equal(seven.rgb, CLIP[[0, 0, 0, 1, 1, 2, 2]])
    np.testing.assert_allclose(seven.pts_seconds, np.array([0, 1 / 3, 2 / 3, 1, 1.5, 2, 2.5]) / 10)
    assert seven.marks[:, 0, 0].tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert seven.warnings[-1] == "3 frames are shown to a network that takes 7: frames are repeated."
    assert stretched(seven, 7) is seven
    assert stretched(frames, 3) is frames


def test_the_last_frame_lasts_as_long_as_the_one_before():
    uneven = replace(read_frames(CLIP), pts_seconds=np.array([0.0, 0.1, 0.5]))
    np.testing.assert_allclose(stretched(uneven, 6).pts_seconds, [0, 0.05, 0.1, 0.3, 0.5, 0.7])


def test_a_still_image_is_repeated_every_tenth_of_a_second():
    four = stretched(read_frames(CLIP[:1]), 4)
    assert four.pts_seconds == pytest.approx([0, 0.025, 0.05, 0.075])
    assert four.warnings[-1] == "A still image is shown to a network that takes 4: frames are repeated."


def test_a_last_frame_of_the_time_of_the_one_before_lasts_a_tenth_of_a_second():
    joined = replace(read_frames(CLIP), pts_seconds=np.array([0.0, 0.5, 0.5]))
    np.testing.assert_allclose(stretched(joined, 6).pts_seconds, [0, 0.25, 0.5, 0.5, 0.5, 0.55])
