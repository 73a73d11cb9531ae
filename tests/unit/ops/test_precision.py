"""`lean`, `panels` and the block in half precision: sums over thousands of keys neither overflow nor drown."""

import pytest
import torch

from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.ops import affinity, respond
from nonlocal_core.vocabulary import PAIRWISE

HALF = (torch.float16, torch.bfloat16)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_sums_that_overflow_half_precision(pairwise, dtype):
    """Sums of 3000 products of about 100 reach 3e5; the largest float16 is 65504."""
    generator = torch.Generator().manual_seed(9)
    compared = 1 if pairwise == "concatenation" else 24
    theta = (4 + torch.rand(2, 37, compared, generator=generator)).to(dtype)
    phi = (4 + torch.rand(2, 3000, compared, generator=generator)).to(dtype)
    g = (20 + torch.rand(2, 3000, 24, generator=generator)).to(dtype)
    y = respond(theta, phi, g, pairwise=pairwise, scale=0.5)
    expected = affinity(theta.double(), phi.double(), pairwise=pairwise, scale=0.5) @ g.double()
    assert y.dtype == dtype
    rounding = torch.finfo(dtype).eps
    torch.testing.assert_close(y.double(), expected, rtol=4 * rounding, atol=0)


@pytest.mark.parametrize("widths", [(24, 24), (24, 12)], ids=["one width", "two widths"])
def test_scores_that_overflow_half_precision(widths):
    compared, summed = widths
    generator = torch.Generator().manual_seed(10)
    theta, phi = (100 * torch.randn(1, n, compared, generator=generator).half() for n in (31, 29))
    g = torch.randn(1, 29, summed, generator=generator).half()
    expected = affinity(theta.double(), phi.double(), pairwise="gaussian") @ g.double()
    y = respond(theta, phi, g, pairwise="gaussian")
    torch.testing.assert_close(y.double(), expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_dtype_is_that_of_g_under_autocast(pairwise):
    theta, phi, g = torch.ones(2, 31, 1), torch.ones(2, 13, 1), torch.ones(2, 13, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert respond(theta, phi, g, pairwise=pairwise).dtype == torch.float32


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_block_under_autocast(pairwise):
    generator = torch.Generator().manual_seed(11)
    block = NonlocalBlock(14, pairwise).eval()
    for parameter in block.parameters():
        parameter.data.normal_(std=0.3, generator=generator)
    x = torch.randn(2, 14, 5, 6, 8, generator=generator)
    with torch.no_grad():
        expected = block(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = block(x)
            halved = block(x.bfloat16())
    assert (y.dtype, halved.dtype) == (torch.float32, torch.bfloat16)
    added = (expected - x).abs().max()
    assert (y - expected).abs().max() < 0.03 * added  # worst seen 0.011
    assert (halved - expected).abs().max() < 0.03 * expected.abs().max()


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_a_new_block_changes_nothing_under_autocast(pairwise):
    x = torch.randn(2, 14, 5, 6, 8, generator=torch.Generator().manual_seed(12))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(NonlocalBlock(14, pairwise).eval()(x), x)
