"""Marks: a line of its colour around what wears one, in one frame alone, and another one where it is swapped."""

from dataclasses import replace

import numpy as np
import pytest

from nonlocal_core.errors import MediaError
from nonlocal_core.media import read_frames
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
