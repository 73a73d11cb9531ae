"""Tiles, with the running maximum and sum between them, against the whole softmax."""

import pytest
import torch

from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig
from nonlocal_core.ops import affinity, lean, respond, tiles

EXACT = 1e-12  # float64; worst seen 2e-15


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "TILE", 16)


def tables(*, batch=3, queries=75, keys=52, compared=7, summed=5):
    generator = torch.Generator().manual_seed(0)
    shapes = ((batch, queries, compared), (batch, keys, compared), (batch, keys, summed))
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


@pytest.mark.parametrize(
    "sizes", [{}, {"queries": 16, "keys": 17}, {"queries": 1}, {"keys": 1}, {"batch": 37, "keys": 2}]
)
def test_two_tables(sizes):
    theta, phi, g = tables(**sizes)
    expected = affinity(theta, phi, pairwise="gaussian", scale=0.7) @ g
    y = respond(theta, phi, g, pairwise="gaussian", scale=0.7)
    torch.testing.assert_close(y, expected, rtol=0, atol=EXACT)


def test_one_table_seen_twice():
    """The symmetric way: each tile serves its rows and its columns."""
    theta, _, g = tables(queries=75, keys=75)
    expected = affinity(theta, theta, pairwise="gaussian", scale=0.7) @ g
    for phi in (theta, theta.view(3, 75, 7), theta.clone()):
        y = respond(theta, phi, g, pairwise="gaussian", scale=0.7)
        torch.testing.assert_close(y, expected, rtol=0, atol=EXACT)


@pytest.mark.parametrize("falling", [False, True])
def test_the_largest_score_may_come_first_or_last(falling):
    """Scores from -2000 to 2000 over the tiles: without the running maximum they overflow."""
    theta = torch.full((1, 75, 1), 2000.0, dtype=torch.float64)
    phi = torch.linspace(-1, 1, 52, dtype=torch.float64)[None, :, None]
    g = torch.arange(52, dtype=torch.float64)[None, :, None].repeat(1, 1, 3)
    if falling:
        phi, g = phi.flip(1), g.flip(1)
    y = respond(theta, phi, g, pairwise="gaussian")
    torch.testing.assert_close(y, torch.full_like(y, 51.0), rtol=0, atol=EXACT)


def test_the_block_shows_its_raw_features_as_one_table(monkeypatch):
    """What makes the symmetric way possible; a copy in between would lose it in silence."""
    shared = []
    attend = tiles.softmax_in_tiles

    def spy(theta, phi, g, scale):
        shared.append(theta.is_set_to(phi))
        return attend(theta, phi, g, scale)

    monkeypatch.setattr(lean, "softmax_in_tiles", spy)
    x = torch.randn(2, 14, 5, 6, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        NonlocalBlock(14, "gaussian").eval()(x)
        NonlocalBlock(14, "gaussian", NonlocalConfig(subsample=(1, 2, 2))).eval()(x)
    assert shared == [True, False]
