"""Gradients of attention in panels, several of them a clip, against the explicit form."""

import pytest
import torch
from torch.autograd import gradcheck

from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.ops import Reach, affinity, panel_gradients, panels, respond

AGREES = 1e-11  # float64; worst seen 2e-14


@pytest.fixture(autouse=True)
def small_panels(monkeypatch):
    monkeypatch.setattr(panels, "SCORES_AT_ONCE", 2100)


def tables(*, batch=3, queries=75, keys=52, compared=7, summed=5):
    generator = torch.Generator().manual_seed(0)
    shapes = ((batch, queries, compared), (batch, keys, compared), (batch, keys, summed))
    return [torch.randn(shape, generator=generator, dtype=torch.float64).mul_(0.8).requires_grad_() for shape in shapes]


def agree(lean, explicit, leaves):
    toward = torch.randn(lean.shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    ours, expected = (torch.autograd.grad(y, leaves, toward) for y in (lean, explicit))
    for gradient, truth in zip(ours, expected, strict=True):
        assert truth.abs().max() > 1e-2
        torch.testing.assert_close(gradient, truth, rtol=0, atol=AGREES)


@pytest.mark.parametrize("sizes", [{}, {"queries": 26, "keys": 27}, {"queries": 3}, {"keys": 2}, {"batch": 37}])
def test_two_tables(sizes):
    theta, phi, g = tables(**sizes)
    expected = affinity(theta, phi, pairwise="gaussian", scale=0.7) @ g
    agree(respond(theta, phi, g, pairwise="gaussian", scale=0.7), expected, (theta, phi, g))


@pytest.mark.parametrize(("batch", "positions"), [(3, 75), (2, 10), (1, 26), (1, 1)])
def test_one_table_seen_twice(batch, positions):
    """The symmetric way: theta's gradient is that of both its uses."""
    theta, _, g = tables(batch=batch, queries=positions, keys=positions)
    x = theta if positions > 1 else theta.detach()
    expected = affinity(x, x, pairwise="gaussian", scale=0.7) @ g
    agree(respond(x, x, g, pairwise="gaussian", scale=0.7), expected, (theta, g) if positions > 1 else (g,))


def test_one_table_whose_second_use_has_no_gradient():
    """The same memory is not the same table: only what autograd follows as one may be added up as one."""
    theta, _, g = tables(queries=75, keys=75)
    rest = theta.detach()
    expected = affinity(theta, rest, pairwise="gaussian", scale=0.7) @ g
    agree(respond(theta, rest, g, pairwise="gaussian", scale=0.7), expected, (theta, g))


def test_one_table_within_a_scope():
    reach = Reach(query_thw=(5, 3, 4), scope="time")
    theta, _, g = tables(queries=60, keys=60)
    expected = affinity(theta, theta, pairwise="gaussian", reach=reach) @ g
    agree(respond(theta, theta, g, pairwise="gaussian", reach=reach), expected, (theta, g))


def test_against_finite_differences():
    theta, _, g = tables(batch=2, queries=41, keys=41)
    assert gradcheck(lambda x, g: respond(x, x, g, pairwise="gaussian", scale=0.6), (theta, g), fast_mode=True)


def test_scores_that_overflow():
    """exp(2700) is no number; every query of these looks at the largest only, so that g's gradient is a count."""
    theta = torch.linspace(1, 52, 75, dtype=torch.float64)[None, :, None]
    g = torch.zeros(1, 75, 3, dtype=torch.float64, requires_grad=True)
    respond(theta, theta, g, pairwise="gaussian").sum().backward()
    torch.testing.assert_close(g.grad, affinity(theta, theta, pairwise="gaussian").sum(1)[..., None].expand(1, 75, 3))


def test_the_block_goes_the_symmetric_way(monkeypatch):
    """A copy of the features in between would lose it in silence, and with it a third of the products."""
    ways = []
    for name in ("_one_table", "_two_tables"):
        way = getattr(panel_gradients, name)
        monkeypatch.setattr(panel_gradients, name, lambda *a, way=way, name=name: (ways.append(name), way(*a)))
    x = torch.randn(2, 14, 5, 6, 8, generator=torch.Generator().manual_seed(1), requires_grad=True)
    NonlocalBlock(14, "gaussian").eval()(x).sum().backward()
    assert set(ways) == {"_one_table"}
