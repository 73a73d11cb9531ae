"""The affinity matrix to look at: itself where it is small, means over boxes and samples where it is not."""

import itertools

import numpy as np
import pytest
from figure_oracle import TOLERANCE, VARIANTS, capture, oracle_matrix

from nonlocal_core.geometry import QueryGrid
from nonlocal_core.measures import Bins, affinity_matrix, matrix
from nonlocal_core.vocabulary import PAIRWISE


@pytest.mark.parametrize("pairwise", PAIRWISE)
@pytest.mark.parametrize(("scope", "groups"), VARIANTS)
def test_the_matrix_of_a_small_grid_is_the_matrix_itself(pairwise, scope, groups):
    block = capture(pairwise, scope=scope, groups=groups)
    found = affinity_matrix(block)
    assert found.is_whole
    assert not found.is_sampled
    np.testing.assert_allclose(found.values, oracle_matrix(block), rtol=TOLERANCE, atol=1e-6)


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_matrix_of_a_large_grid_holds_means_over_boxes(pairwise, monkeypatch):
    monkeypatch.setattr(matrix, "_CHUNK_WEIGHTS", 4 * 70 * 5)  # five boxes of four queries at once, four at the end
    block = capture(pairwise, grid=(2, 5, 7), clip_frames=2, subsample=(1, 1, 1), seed=8)
    expected = oracle_matrix(block).reshape(2, 5, 7, 2, 5, 7)
    found = affinity_matrix(block, most=24)
    assert not found.is_whole
    edges = [(0, 2), (2, 4), (4, 5)], [(0, 2), (2, 4), (4, 6), (6, 7)]
    boxes = list(itertools.product(range(2), *edges))
    assert found.values.shape == (24, 24)
    for i, (t, (y0, y1), (x0, x1)) in enumerate(boxes):
        for j, (s, (v0, v1), (u0, u1)) in enumerate(boxes):
            mean = expected[t, y0:y1, x0:x1, s, v0:v1, u0:u1].mean()
            assert found.values[i, j] == pytest.approx(mean, rel=1e-4, abs=1e-6)
    assert found.query_bins.box(11) == ((0, 1), (4, 5), (6, 7))


def test_time_is_merged_only_when_space_alone_will_not_do():
    grid = QueryGrid.over_clip(clip_frames=9, steps=9, rows=3, cols=4)
    assert Bins.of(grid, 108).is_whole
    assert Bins.of(grid, 107).shape == (9, 2, 2)
    assert Bins.of(grid, 9).shape == (9, 1, 1)
    assert Bins.of(grid, 8).shape == (5, 1, 1)
    assert Bins.of(grid, 1).shape == (1, 1, 1)


def test_a_matrix_of_very_many_weights_is_sampled_and_says_so(monkeypatch):
    block = capture("embedded_gaussian", grid=(2, 6, 8), clip_frames=2, subsample=(1, 1, 1))
    whole = affinity_matrix(block, most=8)
    monkeypatch.setattr(matrix, "MOST_WEIGHTS", 96 * 8 * 10)
    part = affinity_matrix(block, most=8)
    assert (whole.is_sampled, whole.queries_per_box) == (False, 16)
    assert (part.is_sampled, part.queries_per_box) == (True, 10)
    np.testing.assert_allclose(part.values, whole.values, rtol=0.5)
    assert not np.array_equal(part.values, whole.values)
    monkeypatch.setattr(matrix, "MOST_WEIGHTS", 1)
    assert affinity_matrix(block, most=8).queries_per_box == 1


def test_no_query_of_a_sample_is_drawn_twice(monkeypatch):
    block = capture("embedded_gaussian", grid=(2, 6, 8), clip_frames=2, subsample=(1, 1, 1))
    whole = affinity_matrix(block, most=8)
    monkeypatch.setattr(matrix, "MOST_WEIGHTS", 96 * 8 * 15)
    part = affinity_matrix(block, most=8)
    assert part.queries_per_box == 15
    rows = np.array([part.key_bins.means(row) for row in oracle_matrix(block)])
    boxes = [part.query_bins.indices(line) for line in range(8)]
    for line, box in enumerate(boxes):
        if len(box) > 15:
            missing = len(box) * whole.values[line] - 15.0 * part.values[line]  # the one query that was left out
            assert any(np.allclose(missing, rows[query], rtol=1e-3, atol=1e-5) for query in box)
    assert max(map(len, boxes)) == 16


@pytest.mark.parametrize(("grid", "is_whole"), [((8, 8, 8), True), ((3, 9, 19), False)])
def test_up_to_512_positions_are_shown_one_by_one(grid, is_whole):
    steps, rows, cols = grid
    assert Bins.of(QueryGrid.over_clip(clip_frames=steps, steps=steps, rows=rows, cols=cols)).is_whole == is_whole


@pytest.mark.parametrize(("positions", "averaged"), [(5792, 5792), (5793, 5792)])
def test_beyond_thirty_three_million_weights_queries_are_sampled(positions, averaged, monkeypatch):
    block = capture("dot_product", grid=(1, 1, positions), clip_frames=1, subsample=(1, 1, 1))
    weights = np.broadcast_to(np.float64(0.5), (positions, positions))
    monkeypatch.setattr(matrix, "many_row_weights", lambda _, queries: weights[: len(queries)])
    found = affinity_matrix(block, most=1)
    assert positions**2 > 33_554_432 or not found.is_sampled
    assert (found.queries_per_box, found.is_sampled) == (averaged, positions > averaged)


def test_means_over_queries_are_not_the_matrix_itself_though_each_key_has_its_column():
    block = capture("embedded_gaussian", grid=(2, 6, 8), clip_frames=2, subsample=(1, 3, 2))
    found = affinity_matrix(block, most=16)
    assert (found.query_bins.is_whole, found.key_bins.is_whole, found.is_whole) == (False, True, False)
    rows = oracle_matrix(block)
    for line in range(found.query_bins.size):
        mean = rows[found.query_bins.indices(line)].mean(axis=0)
        np.testing.assert_allclose(found.values[line], mean, rtol=TOLERANCE, atol=1e-6)
