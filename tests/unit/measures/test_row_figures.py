"""Every figure of rows, blocks and matrices against slow float64 loops that share nothing with the code under test."""

import itertools
import math

import loop_oracle
import numpy as np
import pytest

from nonlocal_core.answers import AffinityRow
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.errors import GeometryError, ShapeError
from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.measures import (
    Bins,
    affinity_matrix,
    effect_map,
    matrix,
    measure_block,
    measure_row,
    sample_queries,
    top_overlap,
)
from nonlocal_core.query import row
from nonlocal_core.vocabulary import PAIRWISE

T, H, W = 4, 5, 6
SHOWN_HW = (90, 160)
SECONDS = np.array([0.0, 0.25, 0.75, 1.75, 2.0, 3.5, 3.75, 4.0])  # eight frames, two for each temporal cell
TOLERANCE = 1e-5  # relative: scores are float32; worst seen 8e-7


def capture(pairwise, *, grid=(T, H, W), clip_frames=8, subsample=(2, 2, 4), scope="spacetime", groups=1, seed=0):
    rng = np.random.default_rng(seed)
    queries = QueryGrid.over_clip(clip_frames=clip_frames, steps=grid[0], rows=grid[1], cols=grid[2])
    keys = queries.pooled(subsample)
    channels = 1 if pairwise == "concatenation" else 3
    return BlockCapture(
        name="block",
        title="Block",
        pairwise=pairwise,
        scale=1.0 if pairwise in ("dot_product", "concatenation") else 0.7,
        theta=rng.normal(size=(queries.size, channels)).astype(np.float32),
        phi=rng.normal(size=(keys.size, channels)).astype(np.float32),
        query_grid=queries,
        key_grid=keys,
        subsample=subsample,
        scope=scope,
        temporal_groups=groups,
    )


def oracle_matrix(block):
    return loop_oracle.affinity(
        block.theta.astype(np.float64),
        block.phi.astype(np.float64),
        pairwise=block.pairwise,
        scale=block.scale,
        query_thw=block.query_grid.shape,
        kernel=block.subsample,
        scope=block.scope,
        groups=block.temporal_groups,
    )


def oracle_figures(weights, query, block):
    """The figures of one row, by loops over the cells of an evenly divided clip."""
    (tq, hq, wq), (tk, hk, wk) = block.query_grid.shape, block.key_grid.shape
    height, width = SHOWN_HW
    mass = sum(max(w, 0) for w in weights)
    if mass == 0:
        return None
    names = ("entropy", "own_cell_share", "own_step_share", "distance", "frames_away", "seconds_away")
    figures = dict.fromkeys(names, 0.0)
    over = tuple(min(q // s, n - 1) for q, s, n in zip(query, block.subsample, (tk, hk, wk), strict=True))
    for weight, (t, y, x) in zip(weights, itertools.product(range(tk), range(hk), range(wk)), strict=True):
        p = max(weight, 0) / mass
        figures["entropy"] -= p * math.log(p) if p > 0 else 0.0
        figures["own_cell_share"] += p if (t, y, x) == over else 0.0
        figures["own_step_share"] += p if t == over[0] else 0.0
        # A pooled cell is as wide as the cells it was pooled from; what pooling dropped is no key.
        across = (query[2] + 0.5) / wq - (x + 0.5) * block.subsample[2] / wq
        down = (query[1] + 0.5) / hq - (y + 0.5) * block.subsample[1] / hq
        figures["distance"] += p * math.hypot(across * width, down * height) / math.hypot(width, height)
        per_query, per_key = 8 // tq, 8 // tq * block.subsample[0]
        asking = range(query[0] * per_query, (query[0] + 1) * per_query)
        asked = range(t * per_key, (t + 1) * per_key)
        figures["frames_away"] += p * abs(sum(asking) / len(asking) - sum(asked) / len(asked))
        seconds = [sum(SECONDS[f] for f in frames) / len(frames) for frames in (asking, asked)]
        figures["seconds_away"] += p * abs(seconds[0] - seconds[1])
    figures["top_times_uniform"] = max(weights) * block.key_count / mass
    return figures


VARIANTS = [("spacetime", 1), ("space", 1), ("time", 1), ("spacetime", 2)]


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


def parts(block):
    return {name: getattr(block, name) for name in block.__dataclass_fields__}


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


def test_times_of_too_few_frames_are_refused():
    block = capture("gaussian")
    with pytest.raises(ShapeError, match="speak of 8 frames; got the times of 5"):
        measure_block(block, shown_hw=SHOWN_HW, pts_seconds=SECONDS[:5])


def test_overlap_counts_the_strongest_keys_in_common():
    block = capture("embedded_gaussian", subsample=(1, 1, 1))
    first, second = (row(block, block.query_grid.cell(i)) for i in (4, 90))
    strongest = [set(np.argsort(-answer.values)[:40].tolist()) for answer in (first, second)]
    shared = len(strongest[0] & strongest[1])
    assert 0 < shared < 40
    assert top_overlap(first, second, 40) == shared / 40
    assert top_overlap(first, first, 40) == 1
    assert top_overlap(first, second, 1000) == 1
    with pytest.raises(GeometryError, match="on one key grid"):
        top_overlap(first, row(capture("embedded_gaussian"), Cell(0, 0, 0)))


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


def test_the_effect_lies_on_the_query_grid():
    block = capture("gaussian")
    assert effect_map(block) is None
    effect = np.arange(block.query_grid.size, dtype=np.float32)
    shown = effect_map(BlockCapture(**parts(block) | {"effect": effect}))
    assert shown[2, 3, 5] == block.query_grid.index(Cell(2, 3, 5))
