"""Shares, ranks, entropy and masks of an answer against their definitions."""

import math

import numpy as np
import pytest
from affinity_oracle import capture, oracle_matrix

from nonlocal_core.errors import SelectionError
from nonlocal_core.geometry import Cell
from nonlocal_core.query import row

TOLERANCE = 3e-6  # float32 scores of magnitude about 4; worst seen 4e-7


def test_figures_of_a_row_follow_from_its_definition():
    block = capture("embedded_gaussian", subsample=(1, 1, 1))
    query = Cell(2, 4, 1)
    answer, p = row(block, query), oracle_matrix(block)[block.query_grid.index(query)]
    assert answer.uniform == 1 / 120
    assert answer.values.sum() == pytest.approx(1)
    assert answer.entropy == pytest.approx(-sum(v * math.log(v) for v in p), rel=1e-5)
    assert answer.own_step_share == pytest.approx(p.reshape(4, 5, 6)[2].sum(), rel=1e-5)
    best = answer.top(3)
    order = sorted(range(120), key=lambda j: -p[j])[:3]
    assert [block.key_grid.index(ranked.cell) for ranked in best] == order
    assert best[0].times_uniform == pytest.approx(p[order[0]] * 120, rel=1e-5)


def test_shares_and_ranks_of_a_signed_row_count_positive_weight():
    block = capture("dot_product")
    answer = row(block, Cell(0, 0, 0))
    assert answer.values.min() < 0 < answer.values.max()
    positive = np.maximum(answer.heat, 0)
    np.testing.assert_allclose(answer.per_step_share, positive.sum((1, 2)) / positive.sum(), rtol=1e-6)
    ranked = answer.top(999)
    assert len(ranked) == (answer.values > 0).sum()
    assert [cell.value for cell in ranked] == sorted(answer.values[answer.values > 0], reverse=True)
    assert ranked[0].times_uniform == pytest.approx(ranked[0].value / positive.mean(), rel=1e-5)
    assert answer.positive_part == pytest.approx(positive.sum() / np.abs(answer.values).sum(), rel=1e-6)


def test_a_row_of_zeros_has_shares_of_zero_and_no_entropy():
    block = capture("concatenation")
    object.__setattr__(block, "theta", block.theta - 100)
    answer = row(block, Cell(1, 1, 1))
    assert not answer.values.any()
    assert not answer.per_step_share.any()
    assert answer.entropy == 0


def test_a_mask_holds_the_cells_over_a_threshold():
    block = capture("embedded_gaussian", grid=(4, 7, 9), subsample=(1, 1, 1), seed=3)
    answer = row(block, Cell(0, 1, 2))
    for times in (1.0, 3.0):
        expected = answer.heat * 252 / np.abs(answer.values).sum(dtype=float) >= times
        assert (answer.mask(times) == expected).all()
        assert 0 < expected.sum() < 200


def test_a_threshold_below_none_is_refused():
    with pytest.raises(SelectionError, match="0 or more; got -1"):
        row(capture("gaussian"), Cell(0, 0, 0)).mask(-1)
