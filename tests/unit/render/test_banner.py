"""Words under the pictures of a film."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from render_rows import make_column, make_row

from nonlocal_core.render import Caption
from nonlocal_core.render.banner import ON_PANEL, PANEL, TYPES_ACROSS, with_banner, words_strip
from nonlocal_core.render.marks import pin_colours
from nonlocal_core.render.text import font, wrapped

CAPTION = Caption(clip="clip.mp4", model="Network", block="res4/5")
TIMES = np.arange(5) * 0.4


def strips(row, caption=CAPTION, width=400):
    pictures = [np.full((40, width, 3), 9 * n, np.uint8) for n in range(5)]
    films = list(with_banner(pictures, row, TIMES, caption))
    for picture, film in zip(pictures, films, strict=True):
        assert (film[:40] == picture).all()
    return [film[40:].astype(int) for film in films]


def test_a_strip_of_words_is_the_same_for_all_but_the_number_of_the_frame():
    made = strips(make_row())
    assert len({strip.shape for strip in made}) == 1
    changed = np.any([strip != made[0] for strip in made], axis=(0, 3))
    assert changed.any()
    assert not changed[:, :200].any()
    assert not changed[len(changed) // 2 :].any()


def test_a_strip_of_words_warns_of_untrained_weights():
    plain = strips(make_row())[0]
    warned = strips(make_row(), Caption(clip="c", model="N", block="b", warning="Untrained: random weights."))[0]
    assert len(warned) > len(plain)
    orange = (warned[..., 0] - warned[..., 2]) > 90
    assert orange[len(plain) - 4 :].sum() > 30
    assert not ((plain[..., 0] - plain[..., 2]) > 90).any()


@pytest.mark.parametrize("heat", [np.zeros((5, 6, 8)), np.full((5, 6, 8), 0.1)])
def test_a_strip_of_words_stands_under_any_row(heat):
    assert len(strips(make_row(heat), width=64)) == 5


def test_a_strip_names_number_time_and_share_of_its_frame():
    values = np.zeros((5, 6, 8))
    values[:, 1, 2] = [0.03, 0.22, 0.55, 0.04, 0.16]
    made = strips(make_row(values))
    for index, share in enumerate(("3.0 %", "22 %", "55 %", "4.0 %", "16 %")):
        own = f"{index + 1} of 5 · {TIMES[index]:.2f} s · {share}"
        panel = Image.new("RGB", (400, made[index].shape[0]), PANEL)
        ImageDraw.Draw(panel).text((389, 5), own, font=font(11), fill=ON_PANEL, anchor="ra")
        left = round(389 - font(11).getlength(own)) - 8
        assert (made[index][:16, left:] == np.asarray(panel)[:16, left:]).all(), own


def first_lines(values, times, width=550):
    """The first line of each strip, under a network with a name that no line holds."""
    pictures = [np.zeros((9, width, 3), np.uint8)] * len(times)
    answer = make_row(values, grid=values.shape, query=(0, 2, 3))
    films = with_banner(pictures, answer, np.asarray(times, float), Caption(clip="c", model="l" * 400, block="b"))
    return [film[9:25] for film in films]


def ink(line):
    """The columns that are drawn in."""
    return np.flatnonzero((line != PANEL).any(axis=(0, 2)))


def test_a_long_network_leaves_two_letters_of_room_before_the_longest_words_of_a_frame():
    values = np.full((12, 6, 8), 1e-5)
    values[:2] = (1 - values[2:].sum()) / 96
    own = [f"{n + 1} of 12 · {n * 90:.2f} s · {'50 %' if n < 2 else '<0.1 %'}" for n in range(12)]
    taken = [font(11).getlength(words) for words in own]
    assert max(taken) - taken[0] > 22  # the first frame's words would not leave enough
    lines = first_lines(values, [n * 90 for n in range(12)])
    gaps = []
    for line, length in zip(lines, taken, strict=True):
        name = ink(line[:, : round(539 - length) - 4])
        gaps.append(539 - length - name.max())
    assert 22 <= min(gaps) < 30


def test_a_long_network_of_a_single_frame_takes_the_whole_line():
    (line,) = first_lines(np.full((1, 6, 8), 1 / 48), [0.0])
    assert 531 <= ink(line).max() < 539


def test_a_frame_without_keys_is_named_so():
    row = make_row(np.full((2, 3, 4), 1 / 24), subsample=(2, 2, 2), query=(0, 2, 3))
    column = make_column(np.full((5, 6, 8), 1 / 240), key=(1, 1, 1), subsample=(2, 2, 2))
    for answer, last in ((row, "no keys"), (column, "20 %")):
        own = f"5 of 5 · 1.60 s · {last}"
        made = strips(answer)[4]
        panel = Image.new("RGB", (400, made.shape[0]), PANEL)
        ImageDraw.Draw(panel).text((389, 5), own, font=font(11), fill=ON_PANEL, anchor="ra")
        left = round(389 - font(11).getlength(own)) - 8
        assert (made[:16, left:] == np.asarray(panel)[:16, left:]).all(), own


def test_several_pins_have_a_sentence_each_in_their_colours():
    rows = [make_row(query=(n, 2, 3)) for n in range(2)]
    pictures = [np.zeros((40, 900, 3), np.uint8)] * 5
    first = next(with_banner(pictures, rows[1], TIMES, CAPTION, beside=rows[:1]))[40:].reshape(-1, 3).tolist()
    for colour in pin_colours(2):
        assert first.count(list(colour)) > 20
    alone = next(with_banner(pictures, rows[1], TIMES, CAPTION))[40:].reshape(-1, 3).tolist()
    assert not any(alone.count(list(colour)) for colour in pin_colours(2))


def test_paragraphs_take_as_many_lines_as_they_need_and_each_has_its_colour():
    said = [("one two three four five six seven eight", (250, 10, 10)), ("nine", (10, 10, 250))]
    narrow, wide = words_strip(said, 120), words_strip(said, 600)
    assert [(strip.height - 11) // 15 for strip in (narrow, wide)] == [len(wrapped(said[0][0], 11, 98)) + 1, 2]
    pixels = np.asarray(wide).astype(int)
    red, blue = (pixels[..., a] - pixels[..., b] > 100 for a, b in ((0, 2), (2, 0)))
    assert np.nonzero(red.any(axis=1))[0].max() < np.nonzero(blue.any(axis=1))[0].min()
    assert np.nonzero(red.any(axis=0))[0].min() >= 12 == round(600 / TYPES_ACROSS)
