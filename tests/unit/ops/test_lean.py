"""The lean form where its ways differ from the matrix: order of products, sorted sums, cancellation, large scores."""

import pytest
import torch
from position_tables import COMPARED, tables

from nonlocal_core.ops import affinity, respond

EXACT = 1e-12  # float64 against float64; worst seen 5e-15


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
