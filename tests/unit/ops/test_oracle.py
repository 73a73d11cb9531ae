"""Lean form, explicit form and a float64 loop agree for every pairwise function, scope, group and pooling."""

from functools import partial

import loop_oracle
import numpy as np
import pytest
import torch

from nonlocal_core.ops import Reach, affinity, respond
from nonlocal_core.vocabulary import PAIRWISE, SCOPES

BATCH, COMPARED, SUMMED, SCALE = 2, 9, 11, 0.4
QUERY_THW = (4, 5, 7)
SOFTMAX = ("gaussian", "embedded_gaussian")

EXACT = 1e-12  # float64 against float64; worst seen 5e-15
SINGLE = 2e-5  # float32 against float64, values of about 3; worst seen 1.5e-6


def tables(pairwise, queries, keys, *, dtype=torch.float64, summed=SUMMED, seed=0):
    generator = torch.Generator().manual_seed(seed)
    compared = 1 if pairwise == "concatenation" else COMPARED
    shapes = ((BATCH, queries, compared), (BATCH, keys, compared), (BATCH, keys, summed))
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kernel", [(1, 1, 1), (1, 2, 2), (2, 2, 2)])
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_forms_agree_with_the_loop(pairwise, kernel, scope, groups):
    reach = Reach(query_thw=QUERY_THW, kernel=kernel, scope=scope, temporal_groups=groups)
    theta, phi, g = tables(pairwise, reach.query_count, reach.key_count)
    loop = partial(
        loop_oracle.affinity,
        pairwise=pairwise,
        scale=SCALE if pairwise in SOFTMAX else 1.0,
        query_thw=QUERY_THW,
        kernel=kernel,
        scope=scope,
        groups=groups,
    )
    expected = np.stack([loop(*pair) for pair in zip(theta.numpy(), phi.numpy(), strict=True)])
    assert (np.count_nonzero(expected, axis=2) <= reach.keys_per_query).all()

    matrix = affinity(theta, phi, pairwise=pairwise, scale=SCALE, reach=reach)
    np.testing.assert_allclose(matrix.numpy(), expected, rtol=0, atol=EXACT)

    y = respond(theta, phi, g, pairwise=pairwise, scale=SCALE, reach=reach)
    np.testing.assert_allclose(y.numpy(), expected @ g.numpy(), rtol=0, atol=EXACT)

    single = respond(theta.float(), phi.float(), g.float(), pairwise=pairwise, scale=SCALE, reach=reach)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), expected @ g.numpy(), rtol=0, atol=SINGLE)


@pytest.mark.parametrize("pairwise", PAIRWISE)
@pytest.mark.parametrize("summed", [COMPARED, SUMMED], ids=["one width", "two widths"])
def test_without_a_reach_every_query_attends_to_every_key(pairwise, summed):
    theta, phi, g = tables(pairwise, 31, 13, summed=summed)
    y = respond(theta, phi, g, pairwise=pairwise, scale=SCALE)
    matrix = affinity(theta, phi, pairwise=pairwise, scale=SCALE)
    assert matrix.count_nonzero() > matrix.numel() / 3
    torch.testing.assert_close(y, matrix @ g, rtol=0, atol=EXACT)


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


@pytest.mark.parametrize(("queries", "keys"), [(90, 70), (7, 5)], ids=["theta (phi g)", "(theta phi) g"])
def test_both_orders_of_the_dot_product(queries, keys):
    theta, phi, g = tables("dot_product", queries, keys)
    matrix = affinity(theta, phi, pairwise="dot_product")
    torch.testing.assert_close(respond(theta, phi, g, pairwise="dot_product"), matrix @ g, rtol=0, atol=EXACT)


def test_concatenation_at_its_edges():
    """Nothing above zero, all above zero, ties, and exactly zero; more channels than one round takes."""
    a = torch.tensor([[-9.0, 9.0, -2.0, 2.0, 0.0]], dtype=torch.float64)[..., None]
    b = torch.tensor([[2.0, -2.0, 2.0, 0.5, -2.0, 2.0]], dtype=torch.float64)[..., None]
    g = torch.randn(1, 6, 131, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = (a + b.mT).clamp(min=0) @ g / 6
    y = respond(a, b, g, pairwise="concatenation")
    assert (y[0, 0] == 0).all()
    assert (y[0, 2] == 0).all()
    torch.testing.assert_close(y, expected, rtol=0, atol=EXACT)


def test_concatenation_survives_cancellation():
    """a_i S0 + S1 subtracts sums of about 1e6 to leave about 1: float32 sums would leave only noise."""
    generator = torch.Generator().manual_seed(4)
    b = 1000 + torch.rand(1, 700, 1, generator=generator, dtype=torch.float64)
    a = -b[:, 100:400]
    g = torch.randn(1, 700, 5, generator=generator, dtype=torch.float64)
    expected = (a + b.mT).clamp(min=0) @ g / 700
    worst = (respond(a, b, g, pairwise="concatenation") - expected).abs().max() / expected.abs().max()
    assert worst < 1e-9  # seen 2e-12; with float32 sums 1e-1


def test_large_products_leave_no_slow_or_missing_weights():
    """Raw features with products in the thousands: a softmax that is nearly one-hot, in chunks and fused."""
    theta, phi, g = (50 * table for table in tables("gaussian", 61, 43, dtype=torch.float32))
    expected = affinity(theta.double(), phi.double(), pairwise="gaussian") @ g.double()
    assert expected.isfinite().all()
    for values in (g, g[..., :COMPARED]):
        y = respond(theta, phi, values, pairwise="gaussian")
        torch.testing.assert_close(y.double(), expected[..., : values.shape[2]], rtol=1e-4, atol=1e-3)
