"""Figures of a row against slow float64 loops that share nothing with the code under test."""

import math

import numpy as np
import pytest
from figure_oracle import SECONDS, SHOWN_HW, TOLERANCE, VARIANTS, capture, oracle_figures, oracle_matrix

from nonlocal_core.answers import AffinityRow
from nonlocal_core.errors import GeometryError
from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.measures import measure_row, top_overlap
from nonlocal_core.query import row
from nonlocal_core.vocabulary import PAIRWISE


@pytest.mark.parametrize("pairwise", PAIRWISE)
@pytest.mark.parametrize(("scope", "groups"), VARIANTS)
def test_figures_of_a_row_are_those_of_the_loops(pairwise, scope, groups):
    block = capture(pairwise, scope=scope, groups=groups)
    expected = oracle_matrix(block)
    for i in range(0, block.query_grid.size, 7):
        cell = block.query_grid.cell(i)
        found = measure_row(row(block, cell), shown_hw=SHOWN_HW, pts_seconds=SECONDS)
        figures = oracle_figures(expected[i], cell, block)
        if figures is None:
            assert math.isnan(found.entropy)
            continue
        for name, value in figures.items():
            assert getattr(found, name) == pytest.approx(value, rel=TOLERANCE, abs=1e-7), name
        assert found.effective_keys == pytest.approx(math.exp(figures["entropy"]), rel=1e-4)


def test_weight_on_what_is_no_place_counts_as_spread_but_not_as_distance():
    grid = QueryGrid.over_clip(clip_frames=2, steps=2, rows=3, cols=4)
    values = np.zeros(24, np.float32)
    values[[3, 12]] = 0.25, 0.35
    answer = AffinityRow(
        block="block",
        pairwise="embedded_gaussian",
        values=values,
        off_grid={"class token": 0.3, "register": 0.1},
        query=Cell(0, 0, 0),
        query_grid=grid,
        key_grid=grid.pooled((1, 1, 1)),
        subsample=(1, 1, 1),
        key_count=26,
    )
    found = measure_row(answer, shown_hw=(300, 400), pts_seconds=np.array([0.0, 0.5]))
    assert found.entropy == pytest.approx(-sum(p * math.log(p) for p in (0.25, 0.35, 0.3, 0.1)))
    assert found.distance == pytest.approx((0.25 * 0.75 * 400 / 500 + 0.35 * 0) / 0.6, rel=1e-6)
    assert found.seconds_away == pytest.approx(0.35 * 0.5 / 0.6, rel=1e-6)
    assert found.own_step_share == pytest.approx(0.25)


def test_overlap_counts_the_strongest_keys_in_common():
    block = capture("embedded_gaussian", subsample=(1, 1, 1))
    first, second = (row(block, block.query_grid.cell(i)) for i in (4, 90))
    strongest = [set(np.argsort(-answer.values)[:40].tolist()) for answer in (first, second)]
    shared = len(strongest[0] & strongest[1])
    assert 0 < shared < 40
    assert top_overlap(first, second, 40) == shared / 40
    assert top_overlap(first, first, 40) == 1
    assert top_overlap(first, second, 1000) == 1
    near = row(block, block.query_grid.cell(5))
    assert top_overlap(first, near) == top_overlap(first, near, 20) != top_overlap(first, near, 21)
    with pytest.raises(GeometryError, match="on one key grid"):
        top_overlap(first, row(capture("embedded_gaussian"), Cell(0, 0, 0)))
