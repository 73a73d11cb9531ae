"""Turns, sizes and the grey behind what is transparent, by their definitions."""

import numpy as np
import pytest
from PIL import Image

from nonlocal_core.media.pixels import Turn, fit_within, on_grey, see_through_note

HW = (3, 5)
STORED = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
FIRST_PIXEL = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
"""Where the first row and the first column of what is stored are shown (EXIF 2.32, table 4, orientation)."""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_lays_the_first_row_and_column_where_exif_says(orientation: int) -> None:
    turn = Turn.from_exif(orientation)
    shown = turn.apply(STORED)
    assert shown.shape[:2] == turn.hw(HW) == (HW if orientation < 5 else HW[::-1])
    assert turn.hw(turn.hw(HW)) == HW
    assert (shown[FIRST_PIXEL[orientation]] == STORED[0, 0]).all()
    row, column = FIRST_PIXEL[orientation]
    along = shown[row] if orientation < 5 else shown[:, column]
    assert (along[:: -1 if (column if orientation < 5 else row) else 1] == STORED[0]).all()


@pytest.mark.parametrize("orientation", [0, 9, -1, 65_536])
def test_other_orientations_turn_nothing(orientation: int) -> None:
    assert Turn.from_exif(orientation) == Turn()


def display_matrix(a: int, b: int, c: int, d: int) -> bytes:
    return np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32).tobytes()


@pytest.mark.parametrize(
    ("a", "b", "c", "d"),
    [
        (1, 0, 0, 1),
        (-1, 0, 0, 1),
        (1, 0, 0, -1),
        (-1, 0, 0, -1),
        (0, 1, 1, 0),
        (0, 1, -1, 0),
        (0, -1, 1, 0),
        (0, -1, -1, 0),
    ],
)
def test_a_display_matrix_moves_each_pixel_as_libav_says(a: int, b: int, c: int, d: int) -> None:
    """A pixel in column p and row q is shown in column a p + c q and row b p + d q, but for where that begins."""
    turn = Turn.from_display_matrix(display_matrix(a << 16, b << 16, c << 16, d << 16))
    places = {(b * p + d * q, a * p + c * q): (q, p) for q in range(3) for p in range(5)}
    top, left = min(row for row, _ in places), min(column for _, column in places)
    shown = turn.apply(STORED)
    for (row, column), (q, p) in places.items():
        assert (shown[row - top, column - left] == STORED[q, p]).all()


def test_a_slanted_matrix_is_taken_to_the_nearest_quarter() -> None:
    assert Turn.from_display_matrix(display_matrix(50, 50, -50, 50)) == Turn()
    assert Turn.from_display_matrix(display_matrix(50, 51, -51, 50)) == Turn(transpose=True, flip_cols=True)
    assert Turn.from_display_matrix(display_matrix(0, 1, -1, 0)).flip_rows is False
    assert Turn.from_display_matrix(display_matrix(1, 0, 0, 0)) == Turn()
    assert Turn.from_display_matrix(display_matrix(0, 0, 0, 1)) == Turn()


@pytest.mark.parametrize(
    ("hw", "side", "fitted"),
    [((30, 50), 50, (30, 50)), ((30, 50), 49, (29, 49)), ((50, 30), 25, (25, 15)), ((3, 900), 90, (1, 90))],
)
def test_sizes_shrink_to_a_side_and_never_grow(hw: tuple[int, int], side: int, fitted: tuple[int, int]) -> None:
    assert fit_within(hw, side) == fitted


def test_transparent_parts_lie_over_a_middle_grey() -> None:
    rgba = np.array([[[200, 10, 30, 255], [200, 10, 30, 0], [200, 10, 30, 51]]], np.uint8)
    assert on_grey(Image.fromarray(rgba), (1, 3)).tolist() == [[[200, 10, 30], [128, 128, 128], [142, 104, 108]]]


def test_a_picture_of_its_size_stays_and_another_is_scaled() -> None:
    picture = Image.fromarray(STORED)
    assert (on_grey(picture, (3, 5)) == STORED).all()
    assert on_grey(picture, (6, 5)).shape == (6, 5, 3)
    expected = np.asarray(picture.resize((4, 7), Image.Resampling.BICUBIC))
    assert (on_grey(picture, (7, 4)) == expected).all()


def test_only_what_is_transparent_is_told() -> None:
    rgba = np.full((2, 3, 4), 255, np.uint8)
    assert see_through_note(Image.fromarray(rgba), "it") == ""
    assert see_through_note(Image.fromarray(rgba[..., :3]), "it") == ""
    rgba[1, 2, 3] = 254
    assert see_through_note(Image.fromarray(rgba), "it").startswith("it is transparent in places")
