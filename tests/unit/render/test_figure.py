"""The figure: where its parts lie, what it draws in them, and what it says."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from render_rows import make_frames, make_row

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Cell, KeyGrid
from nonlocal_core.render import (
    Caption,
    Scale,
    colour_map,
    figure,
    fit_scale,
    paint,
)
from nonlocal_core.render.layout import lay_out
from nonlocal_core.render.legend import colour_bar
from nonlocal_core.render.marks import Arrow, draw_arrows, strongest
from nonlocal_core.render.notes import notes
from nonlocal_core.render.overlay import BRIGHTNESS, OPACITY
from nonlocal_core.render.text import drawable, fitted, font, number, ticks, wrapped

CAPTION = Caption(clip="clip.mp4", model="Network", block="res4/5")
WIDTH = 800


def draw(row, *, frames=None, arrows=0, caption=CAPTION):
    frames = make_frames() if frames is None else frames
    times = np.arange(len(frames)) * 0.4
    return figure(frames, times, row, caption, width_px=WIDTH, most_arrows=arrows)


def tiles_of():
    return lay_out(5, (47, 83), width_px=WIDTH).tiles


def cut(picture, rect):
    return picture[rect.top : rect.bottom, rect.left : rect.right]


@pytest.mark.parametrize(("count", "per_row"), [(3, 3), (5, 5), (8, 4), (9, 5), (32, 8)])
def test_rows_of_a_strip_are_balanced(count, per_row):
    assert lay_out(count, (47, 83), width_px=WIDTH).columns == per_row


@pytest.mark.parametrize(
    ("count", "hw"), [(1, (47, 83)), (5, (47, 83)), (11, (83, 47)), (3, (200, 20)), (2, (20, 200))]
)
def test_tiles_keep_their_shape_and_order_and_never_meet(count, hw):
    layout = lay_out(count, hw, width_px=WIDTH)
    taken = np.zeros(layout.size_hw, int)
    for tile in layout.tiles:
        taken[tile.top : tile.bottom, tile.left : tile.right] += 1
        assert tile.height / tile.width == pytest.approx(hw[0] / hw[1], rel=0.05)
        assert layout.panel.left <= tile.left < tile.right <= layout.panel.right
        assert layout.panel.top <= tile.top < tile.bottom <= layout.panel.bottom
    assert taken.max() == 1
    assert taken.sum() == sum(tile.width * tile.height for tile in layout.tiles)
    places = [(tile.top, tile.left) for tile in layout.tiles]
    assert places == sorted(places)
    assert layout.legend.bottom < layout.panel.top < layout.panel.bottom < layout.notes_top < layout.size_hw[0]


def test_frames_that_would_vanish_are_refused():
    with pytest.raises(RenderError, match="at least 8 x 8"):
        lay_out(64, (47, 83), width_px=100)


def test_each_tile_is_its_frame_with_its_heat():
    heat = np.random.default_rng(0).random((5, 6, 8))
    row, frames = make_row(heat / heat.sum(), query=(1, 2, 3)), make_frames()
    picture = draw(row)
    scale = fit_scale(row.heat, signed=False, own_t=1)
    for t, tile in enumerate(tiles_of()):
        if t == 1:
            continue  # the query's box lies there
        small = np.asarray(Image.fromarray(frames[t]).resize((tile.width, tile.height), Image.Resampling.LANCZOS))
        assert (cut(picture, tile) == paint(small, row.heat[t], row.key_grid, scale)).all()


def test_a_single_weight_lights_one_place_of_one_tile():
    heat, nothing = np.zeros((5, 6, 8)), make_row(np.zeros((5, 6, 8)))
    heat[3, 4, 6] = 1.0
    changed = (draw(make_row(heat)) != draw(nothing)).any(axis=-1)
    for t, tile in enumerate(tiles_of()):
        lit = cut(changed, tile)
        if t != 3:
            assert not lit.any()
            continue
        ys, xs = np.nonzero(lit)
        assert ys.mean() / tile.height == pytest.approx(4.5 / 6, abs=0.02)
        assert xs.mean() / tile.width == pytest.approx(6.5 / 8, abs=0.02)
        assert lit.sum() == pytest.approx(tile.height * tile.width / 48, rel=0.1)


def test_the_frames_of_the_query_stand_in_a_white_border():
    picture, tiles = draw(make_row(query=(3, 2, 3))), tiles_of()
    bordered = [bool((picture[tile.top - 1, tile.left : tile.right] > 240).all()) for tile in tiles]
    assert bordered == [False, False, False, True, False]


def test_bars_grow_with_the_share_of_the_frame():
    heat = np.zeros((5, 6, 8))
    heat[:, 0, 0] = [0.05, 0.4, 0.1, 0.25, 0.2]
    picture, tiles = draw(make_row(heat)), tiles_of()
    heights = []
    for tile in tiles:
        column = picture[tile.bottom + 4 : tile.bottom + 17, (tile.left + tile.right) // 2].astype(int)
        heights.append(int((column.min(axis=1) > 60).sum()))
    assert np.argsort(heights, kind="stable").tolist() == [0, 2, 4, 3, 1]


@pytest.mark.parametrize(
    "row",
    [
        make_row(np.zeros((5, 6, 8))),
        make_row(np.full((5, 6, 8), 1 / 240)),
        make_row(np.full((5, 6, 8), np.nan)),
        make_row(np.where(np.arange(240).reshape(5, 6, 8) % 7, 0.01, np.nan)),
        make_row(np.random.default_rng(2).normal(size=(5, 6, 8)), pairwise="dot_product"),
        make_row(np.zeros((5, 6, 8)), pairwise="dot_product"),
        make_row(grid=(5, 6, 8), subsample=(2, 2, 2), query=(4, 5, 7)),
        make_row(grid=(5, 7, 9), subsample=(1, 2, 2), box=(0.1, -0.2, 0.9, 1.3)),
    ],
    ids=["zero", "even", "nan", "holes", "signed", "signed zero", "pooled in time", "margins"],
)
def test_every_kind_of_heat_has_a_picture(row):
    picture = draw(row, arrows=20)
    assert picture.shape[1:] == (WIDTH, 3)
    assert picture.dtype == np.uint8
    assert (picture == draw(row, arrows=20)).all()


def test_a_still_image_has_no_time_axis():
    row = make_row(grid=(1, 6, 8), query=(0, 2, 3))
    layout = lay_out(1, (47, 83), width_px=WIDTH)
    assert layout.bar_height == 0
    assert "Bars" not in " ".join(say(row))
    assert draw(row, frames=make_frames(1), arrows=7).shape[1] == WIDTH


def test_arrows_lead_from_the_query_to_the_strongest_keys():
    heat = np.full((5, 6, 8), 1e-5)
    heat[1, 2, 3], heat[4, 4, 6] = 0.5, 0.3
    row, tiles = make_row(heat, query=(1, 2, 3)), tiles_of()
    without, with_one = draw(row, arrows=0), draw(row, arrows=1)
    inked = (without != with_one).any(axis=-1)
    inked[tiles[0].bottom + 20 :] = False  # the sentence about arrows
    touched = [bool(cut(inked, tile).any()) for tile in tiles]
    assert touched == [False, True, True, True, True]
    ys, xs = np.nonzero(cut(inked, tiles[4]))
    tip_y, tip_x = 4.5 / 6 * tiles[4].height, 6.5 / 8 * tiles[4].width
    half_cell = tiles[4].width / 8 / 2
    assert half_cell - 3 < np.hypot(ys - tip_y, xs - tip_x).min() < half_cell + 3, "it stops at the edge of the cell"
    assert xs.max() < tip_x + 3


def test_an_even_row_has_no_strongest_keys():
    even = make_row(np.full((5, 6, 8), 1 / 240))
    assert (draw(even, arrows=20) == draw(even, arrows=0)).all()


def test_the_strongest_keys_are_those_of_a_sorted_list():
    rng = np.random.default_rng(4)
    heat = rng.integers(-6, 7, (5, 6, 8)).astype(float)
    heat[0, 0, 0], heat[2, 2, 2] = np.nan, np.inf
    grid = make_row().key_grid
    listed = []
    for t in range(5):
        for y in range(6):
            for x in range(8):
                value = heat[t, y, x]
                if np.isfinite(value) and value != 0 and t != 3:
                    listed.append((Cell(t, y, x), value))
    listed.sort(key=lambda pair: -abs(pair[1]))
    assert strongest(heat, grid, count=30, leave_out=(3,)) == tuple(listed[:30])
    assert strongest(heat, grid, count=999, leave_out=(3,)) == tuple(listed)
    assert strongest(heat, grid, count=0) == ()


def test_an_arrow_bends_upwards_but_not_beyond_its_reach():
    canvas = Image.new("RGB", (400, 200))
    arrow = Arrow(start=(380.0, 150.0), stop=(20.0, 150.0), colour=(255, 200, 0), strength=1.0, reach_px=60.0)
    ys, xs = np.nonzero(np.asarray(draw_arrows(canvas, [arrow], pen_px=2.0)).any(axis=-1))
    assert 150 - 60 < ys.min() < 150 - 20
    assert ys.max() < 160
    assert xs.min() == pytest.approx(20, abs=2)
    assert not np.asarray(canvas).any(), "the picture that was given stays as it was"


def test_a_crossing_shows_the_stronger_arrow():
    ends = [((20.0, 100.0), (180.0, 101.0), 0.2, (0, 0, 255)), ((20.0, 100.0), (180.0, 101.0), 1.0, (255, 0, 0))]
    arrows = [Arrow(start=a, stop=b, strength=s, colour=c, reach_px=20.0) for a, b, s, c in ends]
    for order in (arrows, arrows[::-1]):
        picture = np.asarray(draw_arrows(Image.new("RGB", (200, 120)), order, pen_px=3.0)).astype(int)
        assert picture[..., 0].max() > 200
        assert picture[:, 150:, 2].max() < 100


def test_the_colour_bar_shows_the_colours_of_the_heat():
    unit = Scale(limit=0.3, signed=False, clipped=False)
    bar = colour_bar(unit, size_hw=(5, 257))
    assert (bar == bar[:1]).all()
    frame = np.full((1, 1, 3), 128, np.uint8)
    grid = KeyGrid(steps=1, rows=1, cols=1, frame_spans=((0, 1),))
    for position in (0, 64, 128, 256):
        heat = np.array([[0.3 * position / 256]])
        assert np.abs(paint(frame, heat, grid, unit)[0, 0].astype(int) - bar[0, position]).max() <= 1
    signed = colour_bar(Scale(limit=0.3, signed=True, clipped=False), size_hw=(5, 257))
    assert (signed[0, 128] == 83).all(), "the middle grey, darkened"
    tide = colour_map(signed=True).table.astype(float)
    assert signed[0, 0] == pytest.approx(128 * BRIGHTNESS * (1 - OPACITY) + tide[0] * OPACITY, abs=0.51)


def say(row, *, arrows=0, own_t=1):
    scale = fit_scale(row.heat, signed=row.pairwise == "dot_product", own_t=own_t)
    return notes(row, scale, arrows=arrows)


def test_the_sentences_say_what_was_drawn():
    heat = np.full((5, 6, 8), 0.001)
    heat[1, 2, 3], heat[4, 4, 6] = 0.5, 0.25
    row = make_row(heat)
    assert say(row, arrows=7) == [
        "One colour scale for all frames, full at 0.25, the largest of the weights outside the query's own frame; "
        "larger ones keep the last colour.",
        "Cells as they are: 5x6x8 keys (TxHxW).",
        "Bars: each frame's part of the sum of all weights.",
        "Arrows: the 7 strongest keys outside the query's own frame.",
    ]
    assert say(row, own_t=None)[0].endswith("full at 0.5, the largest of the weights.")
    assert "absolute weights" in say(make_row(-heat, pairwise="dot_product"))[0]


def test_the_sentences_warn_of_heat_that_says_little():
    assert say(make_row(np.zeros((5, 6, 8))))[0] == "No key has any weight, so no frame has colour."
    even = say(make_row(np.full((5, 6, 8), 1 / 240)))
    assert even[-1] == "Nearly even, so no arrows: no key gets more than 1.00 times an even share."
    broken = make_row(np.full((5, 6, 8), np.nan))
    assert say(broken)[-1] == "Grey cells: the network gave no finite number there."


def test_a_warning_is_written_on_the_figure():
    row = make_row()
    warned = Caption(clip="clip.mp4", model="Network", block="res4/5", warning="Untrained weights.")
    plain, marked = draw(row), draw(row, caption=warned)
    assert marked.shape[0] > plain.shape[0]
    reddish = (marked[..., 0].astype(int) - marked[..., 2]) > 90
    below = lay_out(5, (47, 83), width_px=WIDTH).notes_top
    assert reddish[below:].sum() > 20


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


@pytest.mark.parametrize("limit", [3.2e-7, 0.00149, 0.0123, 0.9, 1.0, 7.7, 63.0, 1e4])
def test_ticks_are_round_numbers_up_to_the_limit(limit):
    marks = ticks(limit)
    assert marks[0] == 0
    assert 3 <= len(marks) <= 8
    assert marks[-1] <= limit * (1 + 1e-6)
    assert limit - marks[-1] < marks[1] * (1 + 1e-6)
    assert np.diff(marks) == pytest.approx(marks[1])
    assert f"{marks[1]:e}"[0] in "125"


def test_a_scale_without_a_limit_has_one_tick():
    assert ticks(0.0) == ticks(float("nan")) == (0.0,)


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


def test_a_figure_says_what_is_known_of_the_row_and_of_the_clip():
    plain, noted = make_row(), replace(make_row(), note="Untrained weights.")
    told = Caption(clip="clip.mp4", model="Network", block="res4/5", warning="It is cut short.")
    heights = [len(draw(row, caption=caption)) for row in (plain, noted) for caption in (CAPTION, told)]
    assert heights[0] < heights[1] == heights[2] == heights[3], "one line, whichever of the two or both"
