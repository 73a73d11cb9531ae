"""Rows, columns and their figures against slow float64 loops that share nothing with the code under test."""

import numpy as np
import pytest
from affinity_oracle import capture, oracle_matrix
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core.errors import GeometryError, SelectionError
from nonlocal_core.geometry import Cell
from nonlocal_core.query import asked_cells, column, row
from nonlocal_core.vocabulary import PAIRWISE, SCOPES

CHANNELS = 2
TOLERANCE = 3e-6  # float32 scores of magnitude about 4; worst seen 4e-7


CASES = [
    (pairwise, scope, groups, subsample)
    for pairwise in PAIRWISE
    for scope in SCOPES
    for groups in ((1,) if scope == "space" else (1, 2))
    for subsample in ((1, 1, 1), (1, 2, 2), (2, 3, 2))
]


@pytest.mark.parametrize(("pairwise", "scope", "groups", "subsample"), CASES)
def test_every_row_and_column_equals_the_oracle(pairwise, scope, groups, subsample):
    block = capture(pairwise, grid=(4, 3, 5), scope=scope, groups=groups, subsample=subsample)
    matrix = oracle_matrix(block)
    rows = np.stack([row(block, block.query_grid.cell(i)).values for i in range(block.query_grid.size)])
    columns = np.stack([column(block, block.key_grid.cell(j)).values for j in range(block.key_grid.size)], axis=1)
    np.testing.assert_allclose(rows, matrix, atol=TOLERANCE)
    np.testing.assert_allclose(columns, matrix, atol=TOLERANCE)


@pytest.mark.parametrize("subsample", [(1, 2, 4), (3, 2, 4)])
def test_odd_edges_that_pooling_drops_take_the_last_pooled_cell(subsample):
    block = capture("embedded_gaussian", grid=(7, 3, 11), subsample=subsample, scope="time")
    rows = np.stack([row(block, block.query_grid.cell(i)).values for i in range(block.query_grid.size)])
    np.testing.assert_allclose(rows, oracle_matrix(block), atol=TOLERANCE)


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_off_grid_keys_take_weight_but_no_place(pairwise):
    block = capture(pairwise, off_grid=("class token", "register"))
    matrix = oracle_matrix(block)
    answer = row(block, Cell(3, 2, 1))
    i = block.query_grid.index(Cell(3, 2, 1))
    assert answer.heat.shape == (4, 2, 3)
    np.testing.assert_allclose(answer.values, matrix[i, :-2], atol=TOLERANCE)
    np.testing.assert_allclose(list(answer.off_grid.values()), matrix[i, -2:], atol=TOLERANCE)
    positive = np.maximum(matrix[i], 0)
    expected = positive[:-2].sum() / positive.sum()
    np.testing.assert_allclose(answer.per_step_share.sum(), expected, atol=TOLERANCE)


@pytest.mark.parametrize("subsample", [(1, 1, 1), (2, 2, 3)])
def test_under_space_every_frame_has_its_own_off_grid_keys(subsample):
    block = capture("embedded_gaussian", off_grid=("class token", "register"), scope="space", subsample=subsample)
    matrix, on_grid = oracle_matrix(block), block.key_grid.size
    for i in range(block.query_grid.size):
        answer = row(block, block.query_grid.cell(i))
        np.testing.assert_allclose(answer.values, matrix[i, :on_grid], atol=TOLERANCE)
        own = matrix[i, on_grid:].reshape(block.key_grid.steps, 2)
        np.testing.assert_allclose(list(answer.off_grid.values()), own[own.any(axis=1)][0], atol=TOLERANCE)
        assert answer.values.sum() + sum(answer.off_grid.values()) == pytest.approx(1)
    columns = np.stack([column(block, block.key_grid.cell(j)).values for j in range(on_grid)], axis=1)
    np.testing.assert_allclose(columns, matrix[:, :on_grid], atol=TOLERANCE)


def test_cells_off_the_grid_are_refused():
    block = capture("gaussian")
    with pytest.raises(GeometryError, match="not on a grid"):
        row(block, Cell(4, 0, 0))
    with pytest.raises(GeometryError, match="not on a grid"):
        column(block, Cell(0, 2, 0))


def test_the_answer_to_several_cells_is_the_mean_of_their_rows():
    block = capture("dot_product", grid=(4, 7, 9), seed=3)
    cells = [Cell(0, 1, 2), Cell(3, 6, 8), Cell(2, 4, 4)]
    single = np.stack([row(block, cell).values.astype(np.float64) for cell in cells])
    several = row(block, cells[0], also=cells[1:])
    np.testing.assert_allclose(several.values, single.mean(axis=0), rtol=0, atol=2e-7 * np.abs(single).max())
    assert several.asked_cells == tuple(cells)
    own = {block.query_grid.own_key(cell, block.subsample) for cell in cells}
    assert {tuple(cell) for cell in np.argwhere(several.own_cells)} == own
    keys = [Cell(0, 1, 2), Cell(3, 2, 3)]
    columns = np.stack([column(block, key).values.astype(np.float64) for key in keys])
    found = column(block, keys[0], also=keys[1:])
    np.testing.assert_allclose(found.values, columns.mean(axis=0), rtol=0, atol=2e-7 * np.abs(columns).max())


def test_what_is_taken_away_leaves_a_signed_surplus_in_the_same_unit():
    block = capture("embedded_gaussian", grid=(4, 7, 9), subsample=(1, 1, 1), seed=3)
    plus, minus = Cell(0, 1, 2), [Cell(3, 6, 8), Cell(2, 4, 4)]
    less = np.stack([row(block, cell).values.astype(np.float64) for cell in minus]).mean(axis=0)
    surplus = row(block, plus, minus=minus)
    np.testing.assert_allclose(surplus.values, row(block, plus).values - less, rtol=0, atol=1e-7)
    assert surplus.is_signed
    assert not row(block, plus).is_signed
    assert surplus.times_uniform_per_unit == pytest.approx(row(block, plus).times_uniform_per_unit)
    assert surplus.per_step_share.sum() == pytest.approx(1)


def test_of_a_dot_product_what_either_looks_at_is_compared():
    block = capture("dot_product", grid=(4, 7, 9), subsample=(1, 1, 1), seed=3)
    plus, minus = [Cell(0, 1, 2), Cell(1, 0, 0)], [Cell(3, 6, 8), Cell(2, 4, 4)]
    for ask in (row, column):
        one, other = (ask(block, cells[0], also=cells[1:]) for cells in (plus, minus))
        assert (one.values < 0).any()
        assert (other.values < 0).any()
        surplus = ask(block, plus[0], also=plus[1:], minus=minus)
        for index, (a, b) in enumerate(zip(one.values.tolist(), other.values.tolist(), strict=True)):
            assert surplus.values[index] == pytest.approx(
                max(a, 0) - max(b, 0), abs=1e-6 * float(np.abs(one.values).max())
            )
        assert surplus.times_uniform_per_unit == pytest.approx(one.times_uniform_per_unit)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "asked", [([(0, 0.5)], [], []), ([], [(0, 0.1, 0.1, 0.5)], []), ([(0, 0.5, 0.5)], [], [(0, 0.5, 0.5, 0.5)])]
)
def test_a_point_or_a_box_with_numbers_missing_is_refused(asked):
    with pytest.raises(SelectionError, match=r"Each is \(frame, x.*; got \(0, 0\."):
        asked_cells(capture("gaussian").query_grid, *asked)
