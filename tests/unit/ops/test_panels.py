"""Attention in panels, with a running maximum and sum between them, against the whole softmax."""

import pytest
import torch

from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig
from nonlocal_core.ops import affinity, panel_gradients, panels, respond

EXACT = 1e-12  # float64; worst seen 2e-15


@pytest.fixture(autouse=True)
def small_panels(monkeypatch):
    monkeypatch.setattr(panels, "SCORES_AT_ONCE", 700)


def tables(*, batch=3, queries=75, keys=52, compared=7, summed=5):
    generator = torch.Generator().manual_seed(0)
    shapes = ((batch, queries, compared), (batch, keys, compared), (batch, keys, summed))
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


@pytest.mark.parametrize(
    "sizes", [{}, {"queries": 26, "keys": 27}, {"queries": 1}, {"keys": 1}, {"batch": 37, "keys": 2}]
)
def test_two_tables(sizes):
    theta, phi, g = tables(**sizes)
    expected = affinity(theta, phi, pairwise="gaussian", scale=0.7) @ g
    y = respond(theta, phi, g, pairwise="gaussian", scale=0.7)
    torch.testing.assert_close(y, expected, rtol=0, atol=EXACT)


def test_one_table_seen_twice():
    """The symmetric way: each panel serves its rows and its columns."""
    theta, _, g = tables(queries=75, keys=75)
    expected = affinity(theta, theta, pairwise="gaussian", scale=0.7) @ g
    for phi in (theta, theta.view(3, 75, 7), theta.clone()):
        y = respond(theta, phi, g, pairwise="gaussian", scale=0.7)
        torch.testing.assert_close(y, expected, rtol=0, atol=EXACT)


@pytest.mark.parametrize("falling", [False, True])
def test_the_largest_score_may_come_in_any_panel(falling):
    """Scores from 0 to 2700, of one table with itself: without the running maximum they overflow."""
    theta = torch.linspace(1, 52, 75, dtype=torch.float64)[None, :, None]
    g = torch.arange(75, dtype=torch.float64)[None, :, None].repeat(1, 1, 3)
    if falling:
        theta, g = theta.flip(1), g.flip(1)
    y = respond(theta, theta, g, pairwise="gaussian")
    torch.testing.assert_close(y, affinity(theta, theta, pairwise="gaussian") @ g, rtol=0, atol=EXACT)
    assert y.min() > 70  # every query looks at the largest


def test_the_block_shows_its_raw_features_as_one_table(monkeypatch):
    """What makes the symmetric way possible; a copy in between would lose it in silence."""
    shared = []
    attend = panel_gradients.softmax_in_panels

    def spy(theta, phi, g, scale):
        shared.append(theta.is_set_to(phi))
        return attend(theta, phi, g, scale)

    monkeypatch.setattr(panel_gradients, "softmax_in_panels", spy)
    x = torch.randn(2, 14, 5, 6, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        NonlocalBlock(14, "gaussian").eval()(x)
        NonlocalBlock(14, "gaussian", NonlocalConfig(subsample=(1, 2, 2))).eval()(x)
    assert shared == [True, False]
