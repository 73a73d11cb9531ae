"""Walls of a window, beside a loop over the sides of all cells."""

from dataclasses import replace

import numpy as np
import pytest
from render_rows import make_row

from nonlocal_core.look import walls_of

GRID = (5, 6, 8)


def walled(inside):
    """An answer that reaches some cells of its third step."""
    row = make_row()
    values = np.zeros(row.heat.shape, np.float32)
    values[2][inside] = 1e-3
    values[2, 0, 7] = 1e-35  # what a mask inside a sequence leaves
    return replace(row, values=values.reshape(-1), is_walled=True)


def sides_by_loops(inside):
    """Sides of cells, in cells, between one that is inside and one that is not."""
    rows, cols = inside.shape
    there = {(y, x) for y in range(rows) for x in range(cols) if inside[y, x]}
    sides = set()
    for y, x in there:
        sides |= {((x, y), (x + 1, y))} if (y - 1, x) not in there else set()
        sides |= {((x, y + 1), (x + 1, y + 1))} if (y + 1, x) not in there else set()
        sides |= {((x, y), (x, y + 1))} if (y, x - 1) not in there else set()
        sides |= {((x + 1, y), (x + 1, y + 1))} if (y, x + 1) not in there else set()
    return sides


def sides_of(pieces, box):
    """The same from pieces in units of the frame, each cut at every cell; no side may come twice."""
    x0, y0, x1, y1 = box
    found = []
    for left, top, right, bottom in pieces:
        ends = [((x - x0) / (x1 - x0) * 8, (y - y0) / (y1 - y0) * 6) for x, y in ((left, top), (right, bottom))]
        (xa, ya), (xb, yb) = [tuple(round(value) for value in end) for end in ends]
        np.testing.assert_allclose(ends, [(xa, ya), (xb, yb)], atol=1e-9)
        found += [((x, ya), (x + 1, ya)) for x in range(xa, xb)] + [((xa, y), (xa, y + 1)) for y in range(ya, yb)]
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("seed", range(4))
def test_walls_are_the_sides_between_inside_and_outside(seed):
    inside = np.random.default_rng(seed).random((6, 8)) < 0.4
    inside[0, 7] = False
    answer = walled(inside)
    assert answer.heat.shape == GRID
    assert sides_of(walls_of(answer, 2), answer.grid.box) == sides_by_loops(inside)


def test_a_window_has_four_pieces_and_other_answers_none():
    inside = np.zeros((6, 8), bool)
    inside[1:4, 2:7] = True
    answer = walled(inside)
    assert len(walls_of(answer, 2)) == 4
    assert walls_of(answer, 1) == walls_of(answer, None) == []
    assert walls_of(replace(answer, is_walled=False), 2) == []
