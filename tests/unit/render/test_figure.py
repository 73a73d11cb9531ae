"""The figure: where its parts lie, what it draws in them, and what it says."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from render_rows import make_column, make_frames, make_row

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Cell
from nonlocal_core.look import PINS, Look, answer_words, heat_of
from nonlocal_core.render import Caption, figure, number, paint, pixels
from nonlocal_core.render.drawing import PAPER, Outline, Picture, Words
from nonlocal_core.render.figure import AXIS, GLOW, PALE, STRIPE
from nonlocal_core.render.layout import UNITS, lay_out
from nonlocal_core.render.text import drawable, fitted, font, wrapped

CAPTION = Caption(clip="clip.mp4", model="Network", block="res4/5")
CLOSE = 1.5  # units of 2400 across the page


def make(row, *, frames=None, words="bare", caption=CAPTION, sharpness=1.0):
    frames = make_frames() if frames is None else frames
    times = np.arange(len(frames)) * 0.4
    return figure(frames, times, row, caption, look=Look.parse(words), sharpness=sharpness)


def draw(row, **asked):
    return pixels(make(row, **asked))


def said(row, **asked):
    return " ".join(shape.text for shape in make(row, **asked).shapes if isinstance(shape, Words))


def tiles_of():
    return lay_out(5, (47, 83), width_px=UNITS).tiles


def cut(picture, rect):
    return picture[rect.top : rect.bottom, rect.left : rect.right]


@pytest.mark.parametrize(("count", "per_row"), [(3, 3), (5, 5), (8, 4), (9, 5), (32, 8)])
def test_rows_of_a_strip_are_balanced(count, per_row):
    assert lay_out(count, (47, 83), width_px=UNITS).columns == per_row


@pytest.mark.parametrize(
    ("count", "hw"), [(1, (47, 83)), (5, (47, 83)), (11, (83, 47)), (3, (200, 20)), (2, (20, 200))]
)
def test_tiles_keep_their_shape_and_order_and_never_meet(count, hw):
    layout = lay_out(count, hw, width_px=UNITS)
    taken = np.zeros(layout.size_hw, int)
    for tile in layout.tiles:
        taken[tile.top : tile.bottom, tile.left : tile.right] += 1
        assert tile.height / tile.width == pytest.approx(hw[0] / hw[1], rel=0.05)
        assert layout.margin <= tile.left < tile.right <= UNITS - layout.margin
    assert taken.max() == 1
    assert taken.sum() == sum(tile.width * tile.height for tile in layout.tiles)
    places = [(tile.top, tile.left) for tile in layout.tiles]
    assert places == sorted(places)
    last = max(tile.bottom for tile in layout.tiles)
    assert layout.legend.bottom < layout.tiles[0].top < last < layout.notes_top < layout.size_hw[0]


def test_frames_that_would_vanish_are_refused():
    with pytest.raises(RenderError, match="at least 8 x 8"):
        lay_out(64, (47, 83), width_px=100)


def test_each_tile_is_its_frame_with_its_heat():
    values = np.random.default_rng(0).random((5, 6, 8)) ** 6
    row, frames = make_row(values / values.sum(), query=(1, 2, 3)), make_frames()
    picture, heat = draw(row), heat_of(row, Look())
    for t, tile in enumerate(tiles_of()):
        if t == 1:
            continue  # the query's box lies there
        small = np.asarray(Image.fromarray(frames[t]).resize((tile.width, tile.height), Image.Resampling.LANCZOS))
        assert (cut(picture, tile) == paint(small, heat, t, row.key_grid)).all()


def test_a_single_weight_lights_one_place_of_one_tile():
    values, nothing = np.zeros((5, 6, 8)), make_row(np.zeros((5, 6, 8)))
    values[3, 4, 6] = 1.0
    lit_at, dark = draw(make_row(values)), draw(nothing)
    for t, tile in enumerate(tiles_of()):
        lit = (cut(lit_at, tile) != cut(dark, tile)).any(axis=-1)
        if t != 3:
            assert not lit.any()
            continue
        ys, xs = np.nonzero(lit)
        assert ys.mean() / tile.height == pytest.approx(4.5 / 6, abs=0.02)
        assert xs.mean() / tile.width == pytest.approx(6.5 / 8, abs=0.02)
        assert lit.sum() == pytest.approx(tile.height * tile.width / 48, rel=0.1)


def bars_of(drawing):
    """Height of the bar under each frame, and whether it is cut; that of the asked frame is hatched."""
    outlines = [shape for shape in drawing.shapes if isinstance(shape, Outline)]
    axes = [shape.start for shape in outlines if shape.fill == AXIS]
    ends = [
        (shape.start[0], min(y for _, y in (shape.start, *(step[-1] for step in shape.steps))))
        for shape in outlines
        if shape.fill in (GLOW, PALE) or shape.stroke == STRIPE
    ]
    width = axes[1][0] - axes[0][0]
    heights = [base - min(y for x, y in ends if left <= x < left + width) for left, base in axes]
    white = [s for s in drawing.shapes if isinstance(s, Outline) and s.fill == PAPER and len(s.steps) == 3]
    return heights, [shape for shape in white if shape.steps[0][-1][1] != shape.start[1]]


def test_bars_are_in_proportion_to_the_share_of_the_frame():
    values = np.zeros((5, 6, 8))
    values[:, 0, 0] = [0.05, 0.4, 0.1, 0.25, 0.2]
    heights, cuts = bars_of(make(make_row(values)))
    assert np.array(heights) / heights[1] == pytest.approx(np.array([0.05, 0.4, 0.1, 0.25, 0.2]) / 0.4, abs=0.01)
    assert cuts == []


def test_bars_show_the_asked_frame_hatched_and_the_one_that_gets_most_beyond_it_full():
    values = np.zeros((5, 6, 8))
    values[:, 0, 0] = [0.05, 0.4, 0.1, 0.25, 0.2]
    shapes = [shape for shape in make(make_row(values, query=(1, 2, 3))).shapes if isinstance(shape, Outline)]
    assert [shape.fill for shape in shapes if shape.fill in (GLOW, PALE)] == [PALE, PALE, GLOW, PALE]
    hatches = [shape for shape in shapes if shape.stroke == STRIPE]
    axis = [shape.start for shape in shapes if shape.fill == AXIS][1]
    assert all(axis[0] <= shape.start[0] <= axis[0] + tiles_of()[1].width for shape in hatches)
    assert len(hatches) > 5


def test_a_bar_that_dwarfs_the_others_is_broken_and_still_the_highest():
    values = np.zeros((5, 6, 8))
    values[:, 0, 0] = [0.01, 0.95, 0.02, 0.01, 0.01]
    heights, cuts = bars_of(make(make_row(values)))
    assert np.argmax(heights) == 1
    assert heights[0] / heights[2] == pytest.approx(0.5, abs=0.02)
    assert heights[2] < 0.6 * heights[1]
    assert len(cuts) == 1
    assert "95 %" in said(make_row(values))


@pytest.mark.parametrize(
    "row",
    [
        make_row(np.zeros((5, 6, 8))),
        make_row(np.full((5, 6, 8), 1 / 240)),
        make_row(np.random.default_rng(2).normal(size=(5, 6, 8)), pairwise="dot_product"),
        make_row(np.zeros((5, 6, 8)), pairwise="dot_product"),
        make_row(grid=(5, 6, 8), subsample=(2, 2, 2), query=(4, 5, 7)),
        make_row(grid=(5, 7, 9), subsample=(1, 2, 2), box=(0.1, -0.2, 0.9, 1.3)),
        make_column(np.random.default_rng(2).random((5, 6, 8)) ** 5, key=(1, 2, 3), subsample=(2, 2, 2)),
    ],
    ids=["zero", "even", "signed", "signed zero", "pooled in time", "margins", "column"],
)
@pytest.mark.parametrize("words", ["", "each-smooth-over2", "root-plain-negatives"])
def test_every_kind_of_answer_has_a_picture(row, words):
    picture = draw(row, words=words)
    assert picture.shape[1:] == (UNITS, 3)
    assert picture.dtype == np.uint8


def test_a_still_image_has_no_time_axis():
    row = make_row(grid=(1, 6, 8), query=(0, 2, 3))
    assert lay_out(1, (47, 83), width_px=UNITS).bar_height == 0
    text = said(row, frames=make_frames(1), words="")
    assert "Bars" not in text
    assert " s " not in text


def shafts(drawing):
    """The coloured lines: curves that are stroked, not closed, and not the dark rim below them."""
    outlines = [shape for shape in drawing.shapes if isinstance(shape, Outline) and shape.stroke != STRIPE]
    lines = [shape for shape in outlines if shape.stroke and not shape.closed]
    return lines[1::2]


def middle_of(drawing, grid, cell):
    """Centre of a cell on the page, from the box of the photograph that it lies in, and half its shorter side."""
    photos = [shape.box for shape in drawing.shapes if isinstance(shape, Picture) and shape.opacity is None][1:]
    left, top, width, height = photos[grid.span(cell[0])[0]]
    x0, y0, x1, y1 = grid.box
    x = x0 + (cell[2] + 0.5) / grid.cols * (x1 - x0)
    y = y0 + (cell[1] + 0.5) / grid.rows * (y1 - y0)
    return np.array([left + x * width, top + y * height]), min(width / grid.cols, height / grid.rows) / 2


@pytest.mark.parametrize("pairwise", ["embedded_gaussian", "dot_product"])
def test_arrows_lead_from_the_query_to_the_strongest_peaks_elsewhere(pairwise):
    values = np.full((5, 6, 8), 1e-5)
    values[1, 0, 0] = 0.9  # the query's own frame, which gets no arrow
    values[4, 4, 6], values[0, 5, 1], values[3, 2, 7] = 0.5, 0.3, 0.2
    if pairwise == "dot_product":
        values[2, 1, 1] = -0.7  # takes away: no look, so no arrow, though it is drawn
    row = make_row(values, query=(1, 2, 3), pairwise=pairwise)
    drawing = make(row, words="negatives-arrows3")
    start, _ = middle_of(drawing, row.query_grid, row.query)
    strongest_last = [(3, 2, 7), (0, 5, 1), (4, 4, 6)]
    assert len(shafts(drawing)) == 3
    heads = [s for s in drawing.shapes if isinstance(s, Outline) and s.closed and len(s.steps) == 2][1::2]
    for shaft, head, cell in zip(shafts(drawing), heads, strongest_last, strict=True):
        target, half_cell = middle_of(drawing, row.key_grid, cell)
        assert np.linalg.norm(np.array(shaft.start) - start) < CLOSE
        assert np.linalg.norm(np.array(head.start) - target) == pytest.approx(half_cell, abs=CLOSE)
        assert np.linalg.norm(np.array(shaft.steps[0][-1]) - target) > half_cell
    widths = [shaft.width for shaft in shafts(drawing)]
    assert widths == sorted(widths)


def test_arrows_cross_no_number():
    values = np.full((8, 6, 8), 1e-5)
    values[4, 0, 1], values[5, 5, 6], values[7, 2, 2], values[6, 1, 1] = 0.5, 0.4, 0.3, 0.2
    row = make_row(values, grid=(8, 6, 8), query=(0, 5, 1))
    lined, bare = (make(row, frames=make_frames(8), words=words) for words in ("", "bare"))
    texts = [shape for shape in bare.shapes if isinstance(shape, Words) and shape.anchor == "middle"]
    with_arrows, without = pixels(lined).astype(int), pixels(bare).astype(int)
    outlines = [shape for shape in lined.shapes if not (isinstance(shape, Outline) and shape.fill == PAPER)]
    unprotected = pixels(replace(lined, shapes=tuple(outlines))).astype(int)
    crossed = 0
    for text in texts:
        (x, y), half = text.at, font(round(text.size)).getlength(text.text) / 2
        there = np.s_[round(y - 0.75 * text.size) : round(y), round(x - half) : round(x + half)]
        assert (with_arrows[there] == without[there]).all(), text.text
        crossed += bool((unprotected[there] != without[there]).any())
    assert crossed, "an arrow passes a number"


def test_arrows_of_a_column_end_at_the_asked_cell():
    values = np.full((5, 6, 8), 1e-5)
    values[4, 4, 6] = 0.5
    column = make_column(values, key=(0, 1, 1), subsample=(1, 2, 2))
    drawing = make(column, words="")
    (shaft,) = shafts(drawing)
    start, _ = middle_of(drawing, column.query_grid, (4, 4, 6))
    target, half_cell = middle_of(drawing, column.key_grid, (0, 1, 1))
    assert np.linalg.norm(np.array(shaft.start) - start) < CLOSE
    assert half_cell < np.linalg.norm(np.array(shaft.steps[0][-1]) - target) < 2 * half_cell + 20


def test_the_words_say_what_is_drawn():
    values = np.full((5, 6, 8), 1e-5)
    values[1, 2, 3], values[4, 4, 6], values[0, 0, 0] = 0.5, 0.25, 0.01
    row = make_row(values, query=(1, 2, 3))
    text = said(row, words="")
    assert answer_words(row) in text
    assert text.startswith("clip.mp4 Where frame 2 of 5 at 0.40 s, row 3, column 4 of 6 x 8 looks")
    assert "Network · res4/5 · Embedded Gaussian" in text
    top, beyond = 0.25 * 240 / values.sum(), 0.5 * 240 / values.sum()
    assert "an even share, that of each cell if all were alike;" in text, "its unit is explained"
    assert f"full heat at {number(top)} times an even share, logarithmic between." in text
    assert f"The asked place itself goes up to {number(beyond)} times." in text
    assert "5x6x8 keys (TxHxW)" in text
    assert "Arrows lead to the 2 strongest peaks in other frames." in text
    assert "Arrows" not in said(row)
    assert "under 3 times an even share are left out" in said(row, words="over3")
    assert "each frame's own strongest cell, linear between" in said(row, words="each-linear")
    assert "Photographs" not in said(row, words="plain")
    assert "Blended between the centres" in said(row, words="smooth")
    signed = make_row(-values, pairwise="dot_product")
    assert "Negative weight is not drawn." in said(make_row(values - 0.002, pairwise="dot_product"))
    assert "No cell has any weight" in said(signed)
    even = make_row(np.full((5, 6, 8), 1 / 240))
    assert "Nearly even: no cell has more than 1 times an even share." in said(even)


def test_the_colour_bar_has_the_colours_of_the_heat_over_grey():
    values = np.full((5, 6, 8), 1e-5)
    values[4, 4, 6] = 0.5
    row = make_row(values, query=(1, 2, 3))
    bar = next(shape for shape in make(row).shapes if isinstance(shape, Picture)).rgb
    grey = np.full((1, 1, 3), 128, np.uint8)
    lit = make_row(values, grid=(5, 6, 8))
    full = paint(np.full((60, 80, 3), 128, np.uint8), heat_of(lit, Look()), 4, row.key_grid)[45, 65]
    assert np.abs(bar[0, -1].astype(int) - full).max() <= 1
    assert np.abs(bar[0, 0].astype(int) - grey[0, 0]).max() < 40, "it starts faint"
    assert (bar == bar[:1]).all()


def test_a_warning_is_written_on_the_figure():
    row = make_row()
    warned = Caption(clip="clip.mp4", model="Network", block="res4/5", warning="Untrained weights.")
    plain, marked = draw(row), draw(row, caption=warned)
    assert marked.shape[0] > plain.shape[0]
    reddish = (marked[..., 0].astype(int) - marked[..., 2]) > 90
    below = lay_out(5, (47, 83), width_px=UNITS).notes_top
    assert reddish[below:].sum() > 20


def test_frames_of_another_clip_are_refused():
    with pytest.raises(RenderError, match="5 frames"):
        make(make_row(), frames=make_frames(3))


def test_photographs_that_can_be_enlarged_are_stored_as_large_as_they_are():
    large = make(make_row(), sharpness=1.6)
    photos = [shape for shape in large.shapes if isinstance(shape, Picture) and shape.opacity is None][1:]
    assert [photo.rgb.shape[:2] for photo in photos] == [(47, 83)] * 5, "small frames are not enlarged"


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


def test_a_figure_says_what_is_known_of_the_answer_and_of_the_clip():
    plain, noted = make_row(), replace(make_row(), note="Untrained weights.")
    told = Caption(clip="clip.mp4", model="Network", block="res4/5", warning="It is cut short.")
    heights = [len(draw(row, caption=caption)) for row in (plain, noted) for caption in (CAPTION, told)]
    assert heights[0] < heights[1] == heights[2] == heights[3], "one line, whichever of the two or both"


def test_a_difference_has_a_letter_and_arrows_at_either_side():
    values = np.zeros((5, 6, 8))
    values[3, 4, 6], values[4, 1, 1] = 0.5, -0.4
    asked, taken = [Cell(1, 2, 2), Cell(1, 2, 4), Cell(2, 0, 0)], [Cell(0, 3, 7)]
    row = replace(make_row(values, query=asked[0]), also=tuple(asked[1:]), minus=tuple(taken), plus_mass=1.0)
    drawn = make(row, words="arrows4")
    letters = {shape.text: shape.at for shape in drawn.shapes if isinstance(shape, Words) and shape.text in ("A", "B")}
    starts = {shape.stroke[0] > shape.stroke[2]: shape.start for shape in shafts(drawn)}
    tiles = tiles_of()

    def place(t, y, x):
        return (tiles[t].left + x / 8 * tiles[t].width, tiles[t].top + y / 6 * tiles[t].height)

    assert starts[True] == pytest.approx(place(1, 2.5, 3.5), abs=CLOSE), "the middle of what is asked in its frame"
    assert starts[False] == pytest.approx(place(0, 3.5, 7.5), abs=CLOSE), "what is taken away looks there more"
    assert letters["A"][0] == pytest.approx(place(1, 2, 2)[0], abs=CLOSE)
    assert letters["B"][0] == pytest.approx(place(0, 3, 7)[0], abs=CLOSE)
    assert "Of A's surplus over B" in " ".join(shape.text for shape in drawn.shapes if isinstance(shape, Words))


def test_an_arrow_without_a_way_is_none():
    values = np.zeros((1, 6, 8))
    values[0, 2, 4] = 0.5
    row = replace(make_row(values, grid=(1, 6, 8), query=(0, 2, 2)), also=(Cell(0, 2, 6),))
    assert shafts(make(row, frames=make_frames(1), words="arrows4")) == [], "the strongest lies amid what asks"


def test_pins_are_named_drawn_in_their_colours_and_counted_in_bars():
    first, last = (make_row(np.eye(240)[n].reshape(5, 6, 8) + 1e-4, query=(n // 48, 0, 0)) for n in (60, 200))
    times, look = np.arange(5) * 0.4, Look(arrows=4)
    drawn = figure(make_frames(), times, last, CAPTION, look=look, beside=[first])
    words = [shape.text for shape in drawn.shapes if isinstance(shape, Words)]
    assert [text for text in words if text in ("A", "B")] == ["A", "B"] * 3, "heading, colour bar, frames"
    assert {drawable(answer_words(first)), drawable(answer_words(last))} <= set(words)
    assert "A orange and B blue: each cell in the colour of the pin that looks there most." in " ".join(words)
    layers = [shape for shape in drawn.shapes if isinstance(shape, Picture) and shape.opacity is not None]
    for t, ramp, (y, x) in ((1, PINS[0], (1, 4)), (4, PINS[1], (1, 0))):
        height, width = layers[t].opacity.shape
        at = (int((y + 0.5) / 6 * height), int((x + 0.5) / 8 * width))
        assert layers[t].rgb[at].tolist() == ramp[255].tolist()
        assert layers[t].opacity[at] > 200
    shares = [text for text in words if text.endswith(" %")]
    assert len(shares) == 2 * 5, "each frame has the share of each pin"
