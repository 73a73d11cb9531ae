"""The same theta and phi under other sums: against explicit matrices in float64, masked or pooled by loops."""

import numpy as np
import pytest
from loud_networks import loud_session

from nonlocal_core import ShapeError
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.variants import VARIED, moved_by_pooling, pooled, scopes_of, with_blocks

CLOSE = 1e-6
"""Of weights that sum to 1; worst seen 2e-8."""


@pytest.fixture(scope="module")
def session():
    return loud_session("embedded_gaussian")


def explicit(block, phi, query, allowed):
    """The row of the softmax over the allowed keys, in float64."""
    scores = block.scale * (phi.astype(np.float64) @ block.theta[query].astype(np.float64))
    weights = np.where(allowed, np.exp(scores - scores[allowed].max()), 0)
    return weights / weights.sum()


def test_scopes_are_rows_of_the_masked_matrix(session):
    block = session.block("stride8")
    grid = block.query_grid
    cells = [grid.cell(index) for index in range(grid.size)]
    for variant in scopes_of(block):
        for query in (0, grid.size // 3, grid.size - 2):
            own = grid.cell(query)
            allowed = np.array(
                [
                    {"spacetime": True, "space": key.t == own.t, "time": (key.y, key.x) == (own.y, own.x)}[
                        variant.scope
                    ]
                    for key in cells
                ]
            )
            np.testing.assert_allclose(
                row_weights(variant, own), explicit(block, block.phi, query, allowed), atol=CLOSE, err_msg=variant.scope
            )


def test_pooled_keys_are_the_largest_of_their_cells(session):
    block = session.block("stride8")
    coarse = pooled(block)
    steps, rows, cols = block.key_grid.shape
    phi = block.phi.reshape(steps, rows, cols, -1)
    slow = np.array(
        [
            [max(phi[t, y + dy, x + dx, c] for dy in (0, 1) for dx in (0, 1)) for c in range(phi.shape[-1])]
            for t in range(steps)
            for y in range(0, rows - 1, 2)
            for x in range(0, cols - 1, 2)
        ]
    )
    np.testing.assert_array_equal(coarse.phi, slow.astype(np.float32))
    query = Cell(1, 2, 3)
    index = block.query_grid.index(query)
    expected = explicit(block, slow, index, np.full(len(slow), True))
    np.testing.assert_allclose(row_weights(coarse, query), expected, atol=CLOSE)

    fine = explicit(block, block.phi, index, np.full(len(block.phi), True)).reshape(steps, rows, cols)
    moved, place = 0.0, 0
    for t in range(steps):
        for y in range(0, rows - 1, 2):
            for x in range(0, cols - 1, 2):
                moved += max(expected[place] - fine[t, y : y + 2, x : x + 2].sum(), 0)
                place += 1
    assert moved_by_pooling(block, query) == pytest.approx(moved, abs=CLOSE)
    assert 0 < moved < 1


def test_a_variant_claims_neither_a_proof_nor_an_effect(session):
    block = session.block("stride8")
    assert block.rebuild_error is not None
    whole, *others = scopes_of(block)
    assert whole.rebuild_error == block.rebuild_error, "this sum is the one that ran"
    for variant in (*others, pooled(block)):
        assert (variant.effect, variant.rebuild_error, variant.rebuilt_queries) == (None, None, None)
        assert variant.note.startswith(VARIED)


def test_a_session_shows_variants_in_place_of_its_blocks(session):
    shown = with_blocks(session, scopes_of(session.block("stride8")))
    assert [block.name for block in shown.capture.blocks] == ["spacetime", "space", "time"]
    assert shown.query(frame=0, x=0.4, y=0.4).values.sum() == pytest.approx(1, abs=1e-5)
    assert session.block("stride8").scope == "spacetime"
    with pytest.raises(ShapeError, match="pooled by"):
        scopes_of(pooled(session.block("stride8")))
    with pytest.raises(ShapeError, match="grid of at least"):
        pooled(session.block("stride8"), (1, 99, 2))
