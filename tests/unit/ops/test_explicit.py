"""The whole matrix: rows of a softmax sum to 1, a divisor that counts keys, and positions without an order."""

import pytest
import torch
from position_tables import SCALE, tables

from nonlocal_core.ops import Reach, affinity, respond
from nonlocal_core.vocabulary import PAIRWISE

QUERY_THW = (4, 5, 7)
SOFTMAX = ("gaussian", "embedded_gaussian")
EXACT = 1e-12  # float64 against float64; worst seen 5e-15


@pytest.mark.parametrize("pairwise", SOFTMAX)
def test_rows_of_a_softmax_sum_to_one(pairwise):
    reach = Reach(query_thw=QUERY_THW, kernel=(2, 2, 2), scope="time", temporal_groups=2)
    theta, phi, g = tables(pairwise, reach.query_count, reach.key_count)
    rows = affinity(theta, phi, pairwise=pairwise, reach=reach)
    assert rows.min() >= 0
    torch.testing.assert_close(rows.sum(dim=2), torch.ones_like(rows[..., 0]), rtol=0, atol=EXACT)
    constant = respond(theta, phi, torch.ones_like(g), pairwise=pairwise, reach=reach)
    torch.testing.assert_close(constant, torch.ones_like(constant), rtol=0, atol=EXACT)


@pytest.mark.parametrize("pairwise", ["dot_product", "concatenation"])
def test_the_divisor_is_the_number_of_pooled_keys(pairwise):
    """Repeating every key leaves the answer alone: a division by the queries, or by nothing, would not."""
    theta, phi, g = tables(pairwise, 30, 12)
    once = respond(theta, phi, g, pairwise=pairwise)
    thrice = respond(theta, phi.repeat(1, 3, 1), g.repeat(1, 3, 1), pairwise=pairwise)
    torch.testing.assert_close(thrice, once, rtol=0, atol=EXACT)


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_permuting_positions_permutes_the_affinity(pairwise):
    theta, phi, g = tables(pairwise, 30, 12)
    queries = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    keys = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    matrix = affinity(theta, phi, pairwise=pairwise, scale=SCALE)
    permuted = affinity(theta[:, queries], phi[:, keys], pairwise=pairwise, scale=SCALE)
    torch.testing.assert_close(permuted, matrix[:, queries][:, :, keys], rtol=0, atol=EXACT)
    y = respond(theta, phi, g, pairwise=pairwise, scale=SCALE)
    same = respond(theta[:, queries], phi[:, keys], g[:, keys], pairwise=pairwise, scale=SCALE)
    torch.testing.assert_close(same, y[:, queries], rtol=0, atol=EXACT)
