"""The words that a link, a pin and the shell say a look with."""

import pytest

from nonlocal_core import Look, Pin, UnknownNameError


@pytest.mark.parametrize(
    "words",
    [
        "",
        "each",
        "root-smooth",
        "linear",
        "plain-negatives-bare-apart",
        "over3-strength50-arrows8",
        "each-linear-over999",
    ],
)
def test_words_are_read_back(words):
    assert Look.parse(words).words == words


def test_words_come_in_one_order_and_the_usual_ones_are_not_said():
    assert Look.parse("smooth-each").words == "each-smooth"
    assert Look.parse("over1-strength85").words == ""


@pytest.mark.parametrize("words", ["nonsense", "each-", "over", "over0", "over9999", "strength3", "arrows41", "log"])
def test_what_cannot_be_drawn_is_refused_with_what_can(words):
    if words == "each-":
        assert Look.parse(words).words == "each", "an empty word says nothing"
        return
    with pytest.raises(UnknownNameError, match=r"Choose one of"):
        Look.parse(words)
    with pytest.raises(UnknownNameError):
        Pin(frame=0, x=0.5, y=0.5, view=words)


def test_arrows_are_as_many_as_suit_the_clip_unless_somebody_says():
    assert [Look().arrow_count(frames) for frames in (8, 1)] == [12, 6]
    assert [Look.parse(words).arrow_count(8) for words in ("bare", "arrows3")] == [0, 3]
