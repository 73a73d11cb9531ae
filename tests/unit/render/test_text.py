"""Words and numbers in the font of pictures."""

import pytest

from nonlocal_core.render import number
from nonlocal_core.render.text import drawable, fitted, font, wrapped


def test_text_that_the_font_lacks_is_replaced_and_never_an_empty_box():
    assert drawable("Überlänge – 3 × 4 “é” 日本.mp4") == 'Uberlange - 3 x 4 "e" ??.mp4'
    kept = "Query · 12.5 % … ±3° [a_b]"
    assert drawable(kept) == kept
    empty_box = bytes(font(30).getmask("\uffff"))
    assert bytes(font(30).getmask("日")) == empty_box, "the font has gained letters: the stand-ins may go"
    for letter in {*"·…°±", *map(chr, range(33, 127))}:
        assert bytes(font(30).getmask(letter)) != empty_box


def test_text_is_made_to_fit():
    name = "a-very-long-name-of-a-clip-from-a-camera-0123.mp4"
    short = fitted(name, 20, 200)
    assert font(20).getlength(short) <= 200
    assert short.startswith("a-very")
    assert short.endswith(".mp4")
    assert fitted("short.mp4", 20, 200) == "short.mp4"
    lines = wrapped("one two three four five six seven", 20, 120)
    assert " ".join(lines) == "one two three four five six seven"
    assert len(lines) > 1
    assert all(font(20).getlength(line) <= 120 for line in lines)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.0125, "0.0125"),
        (1 / 3, "0.333"),
        (2.0, "2"),
        (1500.0, "1500"),
        (-0.5, "-0.5"),
        (3.2e-7, "3.2e-07"),
    ],
)
def test_numbers_have_three_figures(value, shown):
    assert number(value) == shown


def test_a_word_longer_than_a_line_is_broken_and_loses_no_letter():
    name = f"holiday-{'0123456789' * 7}.mp4"
    lines = wrapped(f"The file {name} is cut short.", 20, 160)
    assert all(font(20).getlength(line) <= 160 for line in lines)
    assert "".join(lines).replace(" ", "") == f"Thefile{name}iscutshort."
    assert wrapped("one", 20, 1) == ["o", "n", "e"], "a letter is never broken"
    assert wrapped("goes up to 17 % here", 20, round(font(20).getlength("goes up to 17"))) == [
        "goes up to",
        "17 % here",
    ]
    assert wrapped("", 20, 100) == []
