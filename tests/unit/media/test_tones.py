"""Numbers as greys: the ends of the scale by the rules, and each number between them by its formula."""

import numpy as np
import pytest

from nonlocal_core.media.tones import Numbers, Tones, tones_of


def numbers(*values: float, dtype: type = np.uint16, full: int | None = 65_535, **how: object) -> Numbers:
    return Numbers(values=np.array([values], dtype), full=full, **how)


def ends(*pictures: Numbers) -> tuple[float, float, str]:
    tones = tones_of("it", pictures)
    return tones.low, tones.high, tones.note


def test_the_span_is_that_of_finite_numbers_that_are_seen() -> None:
    assert numbers(7, 3, 9).span() == (3, 9)
    assert numbers(np.nan, 3, -np.inf, 5, dtype=np.float32, full=None).span() == (3, 5)
    assert numbers(np.nan, dtype=np.float32, full=None).span() is None
    alpha = np.array([[255, 1, 0]], np.uint8)
    assert numbers(7, 3, 9, alpha=alpha).span() == (3, 7)
    colours = np.array([[[7, 70, 5], [3, 8, 30], [900, 0, 900]]], np.uint16)
    assert Numbers(values=colours, full=65_535, alpha=alpha).span() == (3, 70)
    assert numbers(1, 2, 3, alpha=np.zeros((1, 3), np.uint8)).span() is None


def test_numbers_without_a_range_lie_between_their_least_and_greatest() -> None:
    floats = [numbers(-2.5, 4, dtype=np.float64, full=None), numbers(-1, 8, dtype=np.float64, full=None)]
    note = "it holds numbers without a fixed range: the smallest is shown black, the largest white."
    assert ends(*floats) == (-2.5, 8, note)
    assert ends() == (0, 0, note)
    negative = tones_of("it", [numbers(1, 2, full=None, negative=True)])
    assert negative.note.endswith("the smallest is shown white, the largest black.")
    assert negative.negative


def test_what_a_file_declares_is_white_where_nothing_exceeds_it() -> None:
    note = "it declares 12 of 16 bits; 4,095 is shown white."
    assert ends(numbers(9, 4_095, declared=4_095)) == (0, 4_095, note)
    assert ends(numbers(9, 40_960, declared=4_095)) == (0, 65_535, "")
    assert ends(numbers(9, 40_960, declared=65_535)) == (0, 65_535, "")
    assert ends(numbers(9, 65_534, declared=65_534)) == (0, 65_534, "it declares 16 of 16 bits; 65,534 is shown white.")


def test_a_deep_picture_that_stays_below_a_quarter_of_its_range_is_stretched() -> None:
    note = (
        "it stores 16 bits and uses the numbers 5 to 16,383, without saying how many bits are meant. "
        "They are stretched: the smallest is shown black, the largest white."
    )
    assert ends(numbers(5, 16_383)) == (5, 16_383, note)  # 65,535 / 4 = 16,383.75
    assert ends(numbers(5, 16_384)) == (0, 65_535, "")
    assert ends(numbers(5, 5)) == (0, 65_535, "")  # one shade is no picture in the dark
    assert ends(numbers(5, 100, full=4_095)) == (0, 4_095, "")
    assert ends(numbers(5, 100, full=8_191))[:2] == (5, 100)
    assert ends(numbers(5, 2_048, full=8_192)) == (0, 8_192, "")  # a quarter itself is not below it
    assert ends()[:2] == (0, 0)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float64])
@pytest.mark.parametrize("negative", [False, True])
def test_a_number_has_the_grey_of_its_place_between_the_ends(dtype: type, negative: bool) -> None:
    values = np.arange(150 * 3).reshape(150, 3).astype(dtype)
    tones = Tones(low=100.0, high=400.0, negative=negative)
    share = np.clip((values.astype(np.float64) - 100) / 300, 0, 1)
    expected = np.round((1 - share if negative else share) * 255)
    assert (np.asarray(tones.shades(Numbers(values=values, full=None))) == expected).all()


def test_a_grey_is_rounded_to_the_nearest() -> None:
    shades = Tones(low=0.0, high=65_535.0).shades(numbers(0, 128, 129, 385, 386, 65_407, 65_535))
    assert np.asarray(shades).tolist() == [[0, 0, 1, 1, 2, 255, 255]]  # 257 numbers for each grey


def test_what_is_not_finite_is_black_and_what_is_transparent_stays_so() -> None:
    values = numbers(np.nan, -np.inf, np.inf, 2, dtype=np.float64, full=None)
    for negative in (False, True):
        greys = np.asarray(Tones(low=0.0, high=2.0, negative=negative).shades(values))
        assert greys.tolist() == [[0, 0, 0, 0 if negative else 255]]
    alpha = np.array([[9, 255]], np.uint8)
    picture = Tones(low=0.0, high=65_535.0).shades(numbers(65_535, 0, alpha=alpha))
    assert np.asarray(picture).tolist() == [[[255, 9], [0, 255]]]


def test_a_scale_without_a_width_is_black_up_to_its_end() -> None:
    """As where a file declares that its largest number is 0."""
    assert np.asarray(Tones(low=3.0, high=3.0).shades(numbers(2, 3, 4))).tolist() == [[0, 0, 255]]
