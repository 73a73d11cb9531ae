"""Arrows of a figure: from where, to where, how many."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_figures import CLOSE, make, middle_of, shafts
from render_rows import make_column, make_frames, make_row

from nonlocal_core.geometry import Cell
from nonlocal_core.render.drawing import Outline


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


def test_an_arrow_without_a_way_is_none():
    values = np.zeros((1, 6, 8))
    values[0, 2, 4] = 0.5
    row = replace(make_row(values, grid=(1, 6, 8), query=(0, 2, 2)), also=(Cell(0, 2, 6),))
    assert shafts(make(row, frames=make_frames(1), words="arrows4")) == [], "the strongest lies amid what asks"
