"""Gradients of `lean` and `panels` together, against finite differences and against the explicit form."""

import pytest
import torch
from torch.autograd import gradcheck

from nonlocal_core.ops import Reach, affinity, respond
from nonlocal_core.vocabulary import PAIRWISE, SCOPES

AGREES = 1e-11  # float64; worst seen 4e-14


def leaves(pairwise, reach, *, compared=5, summed=5):
    generator = torch.Generator().manual_seed(5)
    compared = 1 if pairwise == "concatenation" else compared
    shapes = ((2, reach.query_count, compared), (2, reach.key_count, compared), (2, reach.key_count, summed))
    return [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_against_finite_differences(pairwise):
    reach = Reach(query_thw=(1, 3, 5), kernel=(1, 2, 2))
    tables = leaves(pairwise, reach)
    assert gradcheck(lambda *t: respond(*t, pairwise=pairwise, scale=0.6, reach=reach), tables, fast_mode=True)


@pytest.mark.parametrize("widths", [{}, {"summed": 3}, {"summed": 9}], ids=["one width", "narrow g", "wide g"])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_against_the_explicit_form(pairwise, scope, widths):
    reach = Reach(query_thw=(8, 5, 7), kernel=(2, 2, 2), scope=scope, temporal_groups=2)
    theta, phi, g = tables = leaves(pairwise, reach, **widths)
    lean = respond(theta, phi, g, pairwise=pairwise, scale=0.6, reach=reach)
    explicit = affinity(theta, phi, pairwise=pairwise, scale=0.6, reach=reach) @ g
    toward = torch.randn(lean.shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    for ours, expected in zip(
        torch.autograd.grad(lean, tables, toward), torch.autograd.grad(explicit, tables, toward), strict=True
    ):
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(ours, expected, rtol=0, atol=AGREES)
