"""Marks: a line of its colour around what wears one, in one frame alone, and another one where it is swapped."""

from dataclasses import replace

import numpy as np
import pytest

from nonlocal_core.errors import MediaError
from nonlocal_core.media import find_sample, read_frames
from nonlocal_core.media.marked import COLOURS, INNER_PX, LINE_PX, drawn, marks_on, swapped

SIDE = 64


def squares() -> np.ndarray:
    """Return three objects in two frames: squares of 12 pixels side by side."""
    masks = np.zeros((3, 2, SIDE, SIDE), bool)
    for k in range(3):
        masks[k, :, 24:36, 6 + 20 * k : 18 + 20 * k] = True
    return masks


def test_marks_are_worn_in_one_frame() -> None:
    marks = marks_on(squares(), 1, (2, 0, 1))
    assert not marks[0].any()
    assert [marks[1, 30, 12 + 20 * k] for k in range(3)] == [3, 1, 2]
    assert (marks[1] > 0).sum() == 3 * 12 * 12
    with pytest.raises(ValueError, match="zip"):
        marks_on(squares(), 1, (2, 0))


@pytest.mark.parametrize("mark", range(3))
def test_the_line_lies_within_and_around_its_object(mark: int) -> None:
    masks, grey = squares(), np.full((2, SIDE, SIDE, 3), 99, np.uint8)
    painted = drawn(grey, marks_on(masks[:1], 1, (mark,)))
    assert (painted[0] == 99).all()
    on = (painted[1] == COLOURS[mark]).all(axis=-1)
    assert ((painted[1] == 99).all(axis=-1) == ~on).all()
    across, reach = np.flatnonzero(on[30]), LINE_PX - INNER_PX
    left, right = np.arange(6 - reach, 6 + INNER_PX), np.arange(18 - INNER_PX, 18 + reach)
    assert across.tolist() == [*left.tolist(), *right.tolist()]
    down = np.flatnonzero(on[:, 12])
    assert down.min() == 24 - reach
    assert down.max() == 35 + reach


def test_swapped_marks_are_drawn_anew() -> None:
    masks, plain = squares(), read_frames(np.full((2, SIDE, SIDE, 3), 99, np.uint8))
    worn = marks_on(masks, 1, (0, 1, 2))
    frames = replace(plain, rgb=drawn(plain.rgb, worn), marks=worn)
    turned = swapped(frames, {0: 1, 1: 0})
    np.testing.assert_array_equal(turned.marks, marks_on(masks, 1, (1, 0, 2)))
    np.testing.assert_array_equal(turned.rgb, drawn(plain.rgb, turned.marks))
    with pytest.raises(MediaError, match="No object of these frames wears a mark"):
        swapped(plain, {0: 1})


WORN = {"marked": (1, {"cup": 2, "patch": 3, "cat": 1}), "alike": (2, {"coin": 1, "large coin": 3, "face": 2})}
"""The frame in which the objects of a sample wear marks, and the mark of each."""
AFTER = {"two frames before": -2, "one frame before": -1, "one frame after": 1, "two frames after": 2}


@pytest.mark.parametrize("sample_id", WORN)
def test_a_sample_says_who_wears_which_mark_and_when(sample_id: str) -> None:
    sample, (frame, worn) = find_sample(sample_id), WORN[sample_id]
    masks, marks = sample.masks(), sample.marks()
    assert np.flatnonzero(marks.any(axis=(1, 2))).tolist() == [frame]
    assert marks.shape == (4, 448, 448)
    for name, mark in worn.items():
        np.testing.assert_array_equal(marks[frame] == mark, masks[name][frame])
    for stop in sample.tour:
        (name,) = (name for name, mask in masks.items() if mask[stop.frame][int(stop.y * 448), int(stop.x * 448)])
        assert name.split()[-1] in stop.caption
        (after,) = (number for words, number in AFTER.items() if words in stop.caption)
        assert stop.frame == frame + after


def test_the_lines_are_red_green_and_blue() -> None:
    assert [int(np.argmax(colour)) for colour in COLOURS] == [0, 1, 2]
    assert COLOURS == ((255, 48, 32), (0, 190, 60), (40, 96, 255))
    assert (LINE_PX, INNER_PX) == (8, 2)
