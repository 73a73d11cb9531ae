"""Sentences under a figure."""

from dataclasses import replace

import numpy as np
from drawn_figures import said
from render_rows import make_column, make_row

from nonlocal_core.geometry import Cell
from nonlocal_core.look import Look, answer_words, heats_of
from nonlocal_core.render import Caption, number
from nonlocal_core.render.notes import cautions, network_words, notes

USUAL = Look()


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


def sentences(*answers, look=USUAL, arrows=0):
    return " ".join(notes(answers, heats_of(answers, look), arrows=arrows))


def test_arrows_are_said_with_their_number_and_their_way():
    row, column = make_row(), make_column(np.ones((5, 6, 8)), key=(1, 2, 3), subsample=(2, 2, 2))
    still = make_row(grid=(1, 6, 8), query=(0, 2, 3))
    assert "Arrow" not in sentences(row)
    assert sentences(row, arrows=1).endswith("Arrows lead to the strongest peak in other frames.")
    assert sentences(column, arrows=3).endswith("Arrows come from the 3 strongest peaks in other frames.")
    assert sentences(still, arrows=2).endswith("Arrows lead to the 2 strongest peaks in other places.")
    assert sentences(row, row, arrows=2).endswith("Arrows lead to the 2 strongest peaks of each in other frames.")


def test_bars_are_said_where_there_are_several_frames():
    row, signed = make_row(), make_row(pairwise="dot_product")
    bars = "Bars: each frame's part of all weight; hatched: the asked frame; a broken bar is taller still."
    assert bars in sentences(row)
    assert bars.replace("all weight", "all positive weight") in sentences(signed)
    assert "; hatched" not in sentences(row, row), "of several pins no frame is the asked one"
    assert "Bars" not in sentences(make_row(grid=(1, 6, 8), query=(0, 2, 3)))


def test_a_difference_says_which_side_its_cold_colours_and_arrows_are():
    values = np.random.default_rng(2).normal(size=(5, 6, 8)) ** 3
    for pairwise, compared in (("embedded_gaussian", False), ("dot_product", True)):
        row = replace(make_row(values, pairwise=pairwise), minus=(Cell(2, 5, 7),), plus_mass=1.0)
        said = sentences(row, arrows=2)
        assert "Cold colours: B has more." in said
        assert ("Positive weight alone is compared." in said) == compared
        assert "Bars: each frame's part of A's surplus;" in said
        assert said.endswith("in other frames; cold ones begin at B.")
    signed = make_row(values, pairwise="dot_product")
    assert "Cold colours: negative weight." in sentences(signed, look=Look(negatives=True))


def test_pins_are_named_by_letter_and_colour():
    row = make_row()
    rest = ": each cell in the colour of the pin that looks there most."
    assert sentences(row, row).startswith(f"A orange and B blue{rest}")
    assert sentences(row, row, row).startswith(f"A orange, B blue and C green{rest}")
    assert "orange" not in sentences(row)


def test_a_column_counts_queries_and_cautions_follow_the_note():
    column = make_column(np.ones((5, 6, 8)), key=(1, 2, 3), subsample=(2, 2, 2))
    assert "Cells as they are: 5x6x8 queries (TxHxW)." in sentences(column)
    assert "Cells as they are: 2x3x4 keys (TxHxW)." in sentences(make_row(subsample=(2, 2, 2), query=(4, 5, 7)))
    told = Caption(clip="c", model="Network", block="res4/5", warning="It is cut short.")
    noted = replace(column, note="Untrained weights.")
    assert cautions(told, noted) == "Untrained weights. It is cut short."
    assert cautions(told, column) == "It is cut short."
    assert network_words(told, make_row(pairwise="dot_product")) == "Network · res4/5 · Dot product"
