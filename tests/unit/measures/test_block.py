"""Figures of a whole block against means over the rows of loops: dependence on the query, profile over time, sample."""

import itertools
import math

import numpy as np
import pytest
from figure_oracle import SECONDS, SHOWN_HW, TOLERANCE, VARIANTS, T, capture, oracle_figures, oracle_matrix, parts

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.errors import ShapeError
from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.measures import effect_map, measure_block, sample_queries
from nonlocal_core.vocabulary import PAIRWISE


@pytest.mark.parametrize("pairwise", PAIRWISE)
@pytest.mark.parametrize(("scope", "groups"), VARIANTS)
def test_figures_of_a_block_are_means_of_its_rows(pairwise, scope, groups, monkeypatch):
    monkeypatch.setattr("nonlocal_core.measures.block._CHUNK_WEIGHTS", 50)  # several chunks, the last one smaller
    block = capture(pairwise, scope=scope, groups=groups)
    expected = oracle_matrix(block)
    cells = [block.query_grid.cell(i) for i in range(block.query_grid.size)]
    rows = [oracle_figures(weights, cell, block) for weights, cell in zip(expected, cells, strict=True)]
    heard = [figures for figures in rows if figures is not None]
    steps = []
    found = measure_block(
        block, shown_hw=SHOWN_HW, pts_seconds=SECONDS, progress=lambda done, total: steps.append((done, total))
    )
    assert (found.query_count, found.silent_count) == (len(cells), len(cells) - len(heard))
    assert len(steps) > 1
    assert steps[-1] == (len(cells), len(cells))
    for name in heard[0]:
        assert getattr(found, name) == pytest.approx(np.mean([f[name] for f in heard]), rel=TOLERANCE), name
    assert found.effective_keys == pytest.approx(math.exp(found.entropy))


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_query_dependence_is_the_mean_over_pairs_of_rows(pairwise):
    block = capture(pairwise, seed=3)
    rows = [weights for weights in oracle_matrix(block) if np.any(weights)]
    distances = [(1 - (a @ b) / math.sqrt((a @ a) * (b @ b))) / 2 for a, b in itertools.combinations(rows, 2)]
    found = measure_block(block, shown_hw=SHOWN_HW, pts_seconds=SECONDS)
    assert found.query_dependence == pytest.approx(np.mean(distances), rel=TOLERANCE)


def test_query_dependence_is_zero_for_one_map_and_a_half_for_maps_that_share_nothing():
    block = capture("dot_product", subsample=(1, 1, 1))
    alike = BlockCapture(**parts(block) | {"theta": np.ones_like(block.theta)})
    own_map = {"theta": np.eye(block.query_grid.size), "phi": np.eye(block.query_grid.size)}
    apart = BlockCapture(**parts(block) | {name: table.astype(np.float32) for name, table in own_map.items()})
    measured = [measure_block(b, shown_hw=SHOWN_HW, pts_seconds=SECONDS).query_dependence for b in (alike, apart)]
    assert measured == pytest.approx([0, 0.5], abs=1e-6)


def test_two_queries_depend_as_their_one_pair_does():
    block = capture("gaussian", grid=(1, 1, 2), subsample=(1, 1, 1))
    first, second = oracle_matrix(block)
    cosine = np.dot(first, second) / math.hypot(*first) / math.hypot(*second)
    found = measure_block(block, shown_hw=SHOWN_HW, pts_seconds=SECONDS)
    assert found.query_dependence == pytest.approx((1 - cosine) / 2, rel=TOLERANCE)


def test_a_block_without_any_weight_has_no_figures_and_counts_its_silence():
    block = capture("concatenation")
    silent = BlockCapture(**parts(block) | {"theta": np.full_like(block.theta, -100.0)})
    found = measure_block(silent, shown_hw=SHOWN_HW, pts_seconds=SECONDS)
    assert found.silent_count == found.query_count
    assert math.isnan(found.entropy)
    assert math.isnan(found.query_dependence)
    assert np.isnan(found.temporal_profile).all()


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_temporal_profile_says_how_much_each_frame_gives_to_each(pairwise):
    block = capture(pairwise, seed=5)
    expected = np.zeros((T, 2))
    heard = np.zeros(T)
    for i, weights in enumerate(oracle_matrix(block)):
        positive = np.maximum(weights, 0)
        if np.any(positive):
            t = block.query_grid.cell(i).t
            heard[t] += 1
            for j, weight in enumerate(positive):
                expected[t, block.key_grid.cell(j).t] += weight / positive.sum()
    found = measure_block(block, shown_hw=SHOWN_HW, pts_seconds=SECONDS).temporal_profile
    np.testing.assert_allclose(found, expected / heard[:, None], rtol=TOLERANCE)


def test_a_sample_takes_as_many_queries_from_each_frame_and_is_the_same_every_time():
    grid = QueryGrid.over_clip(clip_frames=7, steps=7, rows=9, cols=11)
    drawn = sample_queries(grid, 30)
    assert len(set(drawn.tolist())) == 28
    np.testing.assert_array_equal(np.bincount(drawn // 99), [4] * 7)
    np.testing.assert_array_equal(drawn, sample_queries(grid, 30))
    np.testing.assert_array_equal(sample_queries(grid, 10_000), np.arange(grid.size))
    assert len(sample_queries(grid, 3)) == 7


def test_a_sample_comes_close_to_the_whole():
    block = capture("embedded_gaussian", grid=(4, 18, 22), clip_frames=8, subsample=(1, 2, 2))
    whole, part = (measure_block(block, shown_hw=SHOWN_HW, pts_seconds=SECONDS, count=n) for n in (10_000, 400))
    assert (whole.query_count, part.query_count) == (1584, 400)
    for name in ("entropy", "own_cell_share", "own_step_share", "distance", "frames_away", "query_dependence"):
        assert getattr(part, name) == pytest.approx(getattr(whole, name), rel=0.05), name


def test_times_of_too_few_frames_are_refused():
    block = capture("gaussian")
    with pytest.raises(ShapeError, match="speak of 8 frames; got the times of 5"):
        measure_block(block, shown_hw=SHOWN_HW, pts_seconds=SECONDS[:5])


def test_the_effect_lies_on_the_query_grid():
    block = capture("gaussian")
    assert effect_map(block) is None
    effect = np.arange(block.query_grid.size, dtype=np.float32)
    shown = effect_map(BlockCapture(**parts(block) | {"effect": effect}))
    assert shown[2, 3, 5] == block.query_grid.index(Cell(2, 3, 5))


def test_a_sample_has_512_queries_unless_told_otherwise():
    assert len(sample_queries(QueryGrid.over_clip(clip_frames=1, steps=1, rows=20, cols=30))) == 512
