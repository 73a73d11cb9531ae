"""Further hops of a look, against explicit products of whole matrices in float64."""

from dataclasses import replace

import numpy as np
import pytest
from affinity_oracle import capture, oracle_matrix

from nonlocal_core import Cell, SelectionError
from nonlocal_core.capture.record import Capture, in_a_chain
from nonlocal_core.query import followed, row

QUERY = Cell(1, 2, 3)
TOLERANCE = 2e-7


def layer(name, **facts):
    return replace(capture("embedded_gaussian", **facts), name=name, title=name.capitalize())


def chain(*blocks):
    return Capture(blocks=in_a_chain(blocks))


def hops(network, number, query=QUERY, **choices):
    block = network.blocks[-1]
    return followed(row(block, query), network.route(block, number), **choices)


def spread_by_loops(keys, queries):
    """(Nk, Nq): a key's weight goes to the queries that it was pooled from, or covers, in even parts."""
    out = np.zeros((keys.size, queries.size))
    for j in range(keys.size):
        cell = keys.cell(j)
        (u0, v0), (u1, v1) = corners(keys, cell)
        start, stop = keys.span(cell.t)
        for i in range(queries.size):
            other = queries.cell(i)
            (x0, y0), (x1, y1) = corners(queries, other)
            first, last = queries.span(other.t)
            wide, high, long = min(u1, x1) - max(u0, x0), min(v1, y1) - max(v0, y0), min(stop, last) - max(start, first)
            if min(wide, high, long) > 1e-9:
                out[j, i] = wide * high * long
        out[j] /= out[j].sum()
    return out


def corners(grid, cell):
    x0, y0, x1, y1 = grid.box
    wide, high = (x1 - x0) / grid.cols, (y1 - y0) / grid.rows
    return (x0 + wide * cell.x, y0 + high * cell.y), (x0 + wide * (cell.x + 1), y0 + high * (cell.y + 1))


@pytest.mark.parametrize("stays", [0.5, 0.0, 0.2])
@pytest.mark.parametrize("number", [2, 3, 4])
def test_layers_of_one_grid_multiply_and_the_first_is_gone_through_again(number, stays):
    first, second = (layer(name, subsample=(1, 1, 1), seed=seed) for seed, name in enumerate(("first", "second")))
    found = hops(chain(first, second), number, stays=stays)
    expected = oracle_matrix(second)[second.query_grid.index(QUERY)]
    for _ in range(number - 1):
        expected = stays * expected + (1 - stays) * expected @ oracle_matrix(first)
    np.testing.assert_allclose(found.values, expected, atol=TOLERANCE)
    assert found.values.sum() == pytest.approx(1)
    again = ", then First again" * (number - 2)
    assert found.note.startswith(
        f"{number} hops, the further ones through First{again}: of the weight {100 * stays:g} % stays"
    )
    assert found.hops == number


@pytest.mark.parametrize("scope", ["spacetime", "space", "time"])
def test_pooled_keys_and_scopes_of_one_block(scope):
    block = layer("only", grid=(4, 6, 8), subsample=(2, 2, 2), scope=scope)
    found = hops(chain(block), 3)
    step = spread_by_loops(block.key_grid, block.query_grid) @ oracle_matrix(block)
    expected = oracle_matrix(block)[block.query_grid.index(QUERY)]
    for _ in range(2):
        expected = 0.5 * expected + 0.5 * expected @ step
    np.testing.assert_allclose(found.values, expected, atol=TOLERANCE)
    assert "through Only again, then Only again" in found.note


def test_grids_of_other_sizes_are_met_by_overlap():
    coarse = layer("coarse", grid=(4, 3, 5), subsample=(1, 1, 1))
    fine = layer("fine", grid=(4, 6, 8), subsample=(1, 1, 1), seed=1)
    found = hops(chain(coarse, fine), 2)
    own = oracle_matrix(fine)[fine.query_grid.index(QUERY)]
    there, back = (
        spread_by_loops(fine.query_grid, coarse.query_grid),
        spread_by_loops(coarse.query_grid, fine.query_grid),
    )
    np.testing.assert_allclose(
        found.values, 0.5 * own + 0.5 * own @ there @ oracle_matrix(coarse) @ back, atol=TOLERANCE
    )


def test_weight_of_an_odd_edge_is_not_lost():
    block = layer("odd", grid=(3, 5, 7), subsample=(2, 2, 2))
    assert hops(chain(block), 4).values.sum() == pytest.approx(1, abs=1e-6)


def test_heads_are_averaged_and_a_class_token_keeps_what_it_gets():
    heads = [
        replace(layer(f"a.head{head}", subsample=(1, 1, 1), off_grid=("class token",), seed=head), head=head)
        for head in range(2)
    ]
    heads = [replace(each, title=f"A · head {each.head + 1}") for each in heads]
    found = hops(chain(*heads), 2)
    matrices = [oracle_matrix(head) for head in heads]
    own = matrices[1][heads[1].query_grid.index(QUERY)]
    expected = 0.5 * own[:-1] @ ((matrices[0] + matrices[1]) / 2)
    np.testing.assert_allclose(found.values, 0.5 * own[:-1] + expected[:-1], atol=TOLERANCE)
    assert found.off_grid["class token"] == pytest.approx(own[-1] + expected[-1])
    assert found.values.sum() + found.off_grid["class token"] == pytest.approx(1)
    assert "through A again" in found.note


def test_chunks_change_nothing(monkeypatch):
    network = chain(layer("first", grid=(3, 4, 5), subsample=(1, 1, 1)), layer("second", grid=(3, 4, 5), seed=1))
    whole = hops(network, 3)
    monkeypatch.setattr("nonlocal_core.capture.rows._CHUNK_ELEMENTS", 1)
    np.testing.assert_allclose(hops(network, 3).values, whole.values, atol=1e-7)


@pytest.mark.parametrize("pairwise", ["dot_product", "concatenation"])
def test_rows_that_do_not_sum_to_one_pass_nothing_on(pairwise):
    signed = replace(capture(pairwise), name="signed", title="Signed")
    after = layer("after")
    with pytest.raises(SelectionError, match="those of 'Signed' are not"):
        hops(chain(signed), 2)
    with pytest.raises(SelectionError, match="those of 'Signed' are not"):
        hops(chain(signed, after), 2)
    assert hops(chain(signed, after), 1).hops == 1
