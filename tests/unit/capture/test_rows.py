"""Sums over rows that are forgotten at once: the same for every size of a chunk, and for scores of every size."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from affinity_oracle import capture, oracle_matrix

from nonlocal_core.capture.adapters.tokens.masks import numbered, walled
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import (
    column_weights,
    drawn_queries,
    log_normaliser,
    many_row_weights,
    row_weights,
    seen_keys,
    summed_rows,
    weighted_sums,
)
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import Cell
from nonlocal_core.ops import affinity
from nonlocal_core.vocabulary import RULES, SCOPES


@pytest.mark.parametrize("chunk", [1, 250, 10**6])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("pairwise", RULES)
def test_rows_columns_and_sums_are_those_of_the_matrix(monkeypatch, pairwise, scope, chunk):
    block = capture(pairwise, grid=(2, 3, 4), scope=scope)
    monkeypatch.setattr("nonlocal_core.capture.rows._CHUNK_ELEMENTS", chunk)
    matrix = oracle_matrix(block)
    values = np.random.default_rng(3).normal(size=(len(block.phi), 5)).astype(np.float32)
    for queries in (range(block.query_grid.size), [0, 7, 12, 13, 14, 23]):  # as many in each frame, or not
        seen = []
        for numbers, (sums,), (mass,) in weighted_sums((block,), values[None], np.array(queries)):
            some = np.array(queries)[numbers]
            np.testing.assert_allclose(sums, matrix[some] @ values, atol=3e-6)
            np.testing.assert_allclose(mass, matrix[some].sum(axis=-1), atol=3e-6)
            seen += some.ravel().tolist()
        assert sorted(seen) == list(queries)
    asked = np.array([0, 7, 23])
    np.testing.assert_allclose(many_row_weights(block, asked), matrix[asked], atol=3e-6)
    for index in asked.tolist():
        np.testing.assert_allclose(row_weights(block, block.query_grid.cell(index)), matrix[index], atol=3e-6)
    for index in (0, 3):
        column = column_weights(block, block.key_grid.cell(index), None)
        np.testing.assert_allclose(column, matrix[:, index], atol=3e-6)


@pytest.mark.parametrize(("fits", "products"), [(2, 1), (1, 2)])
def test_frames_that_see_themselves_alone_are_summed_in_one_product(monkeypatch, fits, products):
    block, sizes = capture("gaussian", grid=(2, 3, 4), scope="space"), []
    monkeypatch.setattr(
        "nonlocal_core.capture.rows._CHUNK_ELEMENTS", fits * block.query_grid.size // 2 * block.key_count
    )
    monkeypatch.setattr(
        "nonlocal_core.capture.rows.affinity",
        lambda theta, phi, **options: sizes.append(len(theta)) or affinity(theta, phi, **options),
    )
    summed = [row.tolist() for some, _, _ in weighted_sums((block,), block.phi[None], np.arange(24)) for row in some]
    assert summed == [list(range(12)), list(range(12, 24))]
    assert sizes == [fits] * products


@pytest.mark.parametrize("scope", SCOPES)
def test_heads_are_summed_in_the_same_product_each_by_its_own_tables(monkeypatch, scope):
    heads, products = [capture("gaussian", grid=(2, 3, 4), scope=scope, seed=seed) for seed in (0, 1, 2)], []
    monkeypatch.setattr(
        "nonlocal_core.capture.rows.affinity",
        lambda theta, phi, **options: products.append(len(theta)) or affinity(theta, phi, **options),
    )
    values = np.random.default_rng(3).normal(size=(3, len(heads[0].phi), 5)).astype(np.float32)
    asked = np.array([1, 5, 13, 17])
    ((numbers, sums, masses),) = weighted_sums(heads, values, asked)
    assert products == [3 * len(numbers)]
    for head, of_head, mass, g in zip(heads, sums, masses, values, strict=True):
        rows = oracle_matrix(head)[asked[numbers]]
        np.testing.assert_allclose(of_head, rows @ g, atol=3e-6)
        np.testing.assert_allclose(mass, rows.sum(axis=-1), atol=3e-6)


def test_others_may_ask_in_the_place_of_queries():
    block = capture("embedded_gaussian", grid=(2, 3, 4), scope="space")
    asking = np.random.default_rng(5).normal(size=(4, 2)).astype(np.float32)
    places, values = np.array([0, 0, 12, 12]), np.random.default_rng(3).normal(size=(len(block.phi), 5))
    seen = []
    for numbers, (sums,), _ in weighted_sums((block,), values[None].astype(np.float32), places, asking[None]):
        for number, found in zip(numbers.ravel(), sums.reshape(-1, 5), strict=True):
            theta = block.theta.copy()
            theta[places[number]] = asking[number]
            row = oracle_matrix(replace(block, theta=theta))[places[number]]
            np.testing.assert_allclose(found, row @ values, atol=3e-6)
            seen.append(number)
    assert sorted(seen) == [0, 1, 2, 3]


@pytest.mark.parametrize("most", [1, 5, 7, 24, 60])
@pytest.mark.parametrize("scope", SCOPES)
def test_queries_are_drawn_from_every_group_that_sees_the_same_keys(scope, most):
    block = capture("gaussian", grid=(2, 3, 4), subsample=(1, 1, 1), scope=scope)
    drawn = drawn_queries(block, most, seed=3)
    groups = {"spacetime": np.zeros(24, int), "space": np.arange(24) // 12, "time": np.arange(24) % 12}[scope]
    count = len(set(groups))
    each = np.bincount(groups[drawn], minlength=count)
    assert (np.diff(drawn) > 0).all()
    assert len(drawn) == min(most, 24) // min(count, most) * min(count, most)
    assert set(each) <= ({0, 1} if most < count else {min(most, 24) // count})
    assert np.array_equal(drawn, drawn_queries(block, most, seed=3))
    if 1 < most < 24:
        assert not np.array_equal(drawn, drawn_queries(block, most, seed=4))


def test_sums_over_many_keys_of_few_channels_are_as_exact_as_those_of_many():
    block = capture("embedded_gaussian", grid=(1, 110, 110), subsample=(1, 1, 1))
    values = np.random.default_rng(4).random((len(block.phi), 40), np.float32)
    asked = np.arange(64)
    exact = many_row_weights(block, asked) @ values.astype(np.float64)
    for channels in (1, 3, 40):
        ((_, sums, _),) = weighted_sums((block,), np.ascontiguousarray(values[None, :, :channels]), asked)
        np.testing.assert_allclose(sums[0, 0], exact[:, :channels], rtol=3e-6)


def test_large_scores_do_not_overflow():
    block = capture("gaussian")
    object.__setattr__(block, "scale", 5000.0)
    assert row_weights(block, Cell(1, 1, 1)).sum() == pytest.approx(1)
    assert np.isfinite(log_normaliser(block)).all()


def test_the_normaliser_is_the_same_whatever_the_chunks(monkeypatch):
    block = capture("gaussian", scope="space")
    whole = log_normaliser(block)
    monkeypatch.setattr("nonlocal_core.capture.rows._CHUNK_ELEMENTS", 50)
    np.testing.assert_allclose(log_normaliser(block), whole, rtol=1e-6)


def test_long_sums_tell_how_far_they_are_and_may_be_ended(monkeypatch):
    block, heard = capture("gaussian", scope="space"), []
    monkeypatch.setattr("nonlocal_core.capture.rows._CHUNK_ELEMENTS", 50)
    log_normaliser(block, lambda _stage, done, total: heard.append((done, total)))
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    assert heard[-1] == (block.query_grid.size, block.query_grid.size)

    def end(_stage, _done, _total):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        log_normaliser(block, end)


@pytest.mark.parametrize("chunk", [1, 250, 10**6])  # of a 120 x 120 matrix: single rows, a few, all
@pytest.mark.parametrize("scale", [0.5, 40.0])  # small scores are summed once for both halves, large ones are not
def test_the_normaliser_of_one_table_equals_the_sum_of_its_rows(monkeypatch, chunk, scale):
    block = capture("gaussian", subsample=(1, 1, 1))
    object.__setattr__(block, "phi", block.theta.copy())
    object.__setattr__(block, "scale", scale)
    monkeypatch.setattr("nonlocal_core.capture.rows._CHUNK_ELEMENTS", chunk)
    scores = scale * block.theta.astype(np.float64) @ block.theta.astype(np.float64).T
    peak = scores.max(axis=1)
    expected = np.log(np.exp(scores - peak[:, None]).sum(axis=1)) + peak
    np.testing.assert_allclose(log_normaliser(block), expected, rtol=2e-6, atol=2e-6)


def test_tables_that_do_not_fit_their_grids_are_refused():
    block = capture("gaussian")
    fields = {name: getattr(block, name) for name in BlockCapture.__dataclass_fields__}
    with pytest.raises(CaptureError, match=r"needs theta \(120, Ci\)"):
        BlockCapture(**{**fields, "theta": block.theta[1:]})
    with pytest.raises(CaptureError, match="its key grid has"):
        BlockCapture(**{**fields, "subsample": (1, 1, 2)})
    spoiled = block.phi.copy()
    spoiled[3, 1] = np.nan
    with pytest.raises(CaptureError, match="not finite"):
        BlockCapture(**{**fields, "phi": spoiled})


# Several cells at once


def in_windows(scope, *, beside=0):
    """A block of 4 x 6 cells in windows of 2 x 3 (of 1 x 3 in the last rows), its walls in theta and phi too.

    ``beside``: the number of keys of each frame that every window sees.
    """
    grid = (2, 3, 6)
    block = capture("embedded_gaussian", grid=grid, subsample=(1, 1, 1), scope=scope)
    _, row, col = np.indices(grid).reshape(3, -1)
    groups = tuple(torch.from_numpy(group) for group in (row // 2, col // 3))
    walls, number = walled(groups, scale=block.scale), numbered(groups)
    theta = np.append(block.theta, walls.theta.numpy(), axis=1).astype(np.float32)
    phi = np.append(block.phi, walls.phi.numpy(), axis=1).astype(np.float32)
    copies = grid[0] if scope == "space" else 1
    more = np.zeros((beside * copies, phi.shape[1]), np.float32)
    more[:, 0] = np.arange(len(more)) / 3
    return replace(
        block,
        theta=theta,
        phi=np.append(phi, more, axis=0),
        off_grid_keys=tuple(f"padding {i}" for i in range(beside)),
        is_walled=True,
        windows=np.append(number.numpy(), np.full(len(more), -1)).astype(np.int32),
    )


@pytest.mark.parametrize("chunk", [1, 40, 10**6])
@pytest.mark.parametrize("beside", [0, 1])
@pytest.mark.parametrize("scope", ["space", "spacetime"])
def test_sums_in_windows_are_those_over_all_keys(monkeypatch, scope, beside, chunk):
    block = in_windows(scope, beside=beside)
    monkeypatch.setattr("nonlocal_core.capture.rows._CHUNK_ELEMENTS", chunk)
    plain = replace(block, windows=None)
    rows = many_row_weights(plain, np.arange(block.query_grid.size))
    values = np.random.default_rng(3).normal(size=(len(block.phi), 5)).astype(np.float32)
    for queries in (np.arange(block.query_grid.size), np.array([0, 1, 17, 20, 35])):
        seen = []
        for numbers, (sums,), _ in weighted_sums((block,), values[None], queries):
            some = queries[numbers]
            np.testing.assert_allclose(sums, rows[some] @ values, atol=3e-6)
            seen += some.ravel().tolist()
        assert sorted(seen) == queries.tolist()
    np.testing.assert_allclose(log_normaliser(block), log_normaliser(plain), atol=1e-6)
    asking = np.random.default_rng(4).random(block.query_grid.size)
    np.testing.assert_allclose(summed_rows(block, asking), asking @ rows, atol=1e-6)


def test_no_product_in_windows_holds_the_keys_of_others(monkeypatch):
    sizes = []
    monkeypatch.setattr(
        "nonlocal_core.capture.rows.affinity",
        lambda theta, phi, **options: sizes.append(phi.shape[1]) or affinity(theta, phi, **options),
    )
    block = in_windows("space", beside=1)
    assert list(weighted_sums((block,), block.phi[None], np.arange(block.query_grid.size)))
    assert set(sizes) == {6 + 1, 3 + 1}
    assert seen_keys(block) == 6 * 2 + 2  # a window's number stands for those of all frames
    assert seen_keys(replace(block, windows=None)) == block.key_count


def test_askers_are_in_no_window():
    block, steps = in_windows("space"), np.array([0, 18])
    asking = np.random.default_rng(5).normal(size=(1, 2, block.theta.shape[1])).astype(np.float32)
    asking[..., -6:] = 0  # they have no walls
    found = [
        {int(steps[n]): y for n, y in zip(numbers.ravel(), sums.reshape(-1, sums.shape[-1]), strict=True)}
        for each in (block, replace(block, windows=None))
        for numbers, sums, _ in weighted_sums((each,), block.phi[None], steps, asking)
    ]
    assert found[0].keys() == found[1].keys() == {0, 18}
    for step in (0, 18):
        np.testing.assert_allclose(found[0][step], found[1][step], atol=3e-6)
