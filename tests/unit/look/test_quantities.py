"""Numbers in words: their digits at the limits, and what stands on one line."""

import pytest

from nonlocal_core.look.quantities import percent, unbroken


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 %"),
        (1e-9, "<0.1 %"),
        (0.00099, "<0.1 %"),
        (0.001, "0.1 %"),
        (0.0125, "1.3 %"),  # halves go up
        (0.09949, "9.9 %"),
        (0.0995, "10 %"),  # never "10.0 %"
        (0.125, "13 %"),
        (0.999, "100 %"),
        (1.0, "100 %"),
        (-0.02, "-2.0 %"),
    ],
)
def test_a_share_has_a_digit_behind_the_point_below_ten_percent_and_is_never_called_zero(share, words):
    assert percent(share) == words


@pytest.mark.parametrize("unit", ["%", "s", "ms", "kB", "MB", "GB"])
def test_a_number_is_not_parted_from_its_unit(unit):
    assert unbroken(f"takes 17 {unit} of it") == f"takes 17\xa0{unit} of it"
    assert unbroken(f"a 3 {unit}.") == f"a 3\xa0{unit}."


@pytest.mark.parametrize("text", ["3 spots", "3 seconds", "row s", "17  s", "2 %x"])
def test_other_blanks_may_end_a_line(text):
    assert unbroken(text) == text
