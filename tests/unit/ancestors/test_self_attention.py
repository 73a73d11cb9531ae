"""Self-attention is the embedded Gaussian with scale C'^-1/2: formula, block and module of torch agree."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core import NonlocalBlock, ShapeError
from nonlocal_core.ancestors.self_attention import both_formulas
from nonlocal_core.models import NonlocalConfig

TOLERANCE = 1e-6


def test_both_formulas_are_the_same_numbers_and_those_of_loops():
    torch.manual_seed(0)
    theta, phi, g = torch.randn(2, 30, 7), torch.randn(2, 12, 7), torch.randn(2, 12, 5)
    found = both_formulas(theta, phi, g)
    assert found.difference < TOLERANCE
    for clip in range(2):
        for i in range(30):
            scores = [
                math.exp(float(theta[clip, i].double() @ phi[clip, j].double()) / math.sqrt(7)) for j in range(12)
            ]
            mean = sum(s * g[clip, j].double() for j, s in enumerate(scores)) / sum(scores)
            torch.testing.assert_close(found.embedded_gaussian[clip, i].double(), mean, atol=TOLERANCE, rtol=0)
            torch.testing.assert_close(found.attention[clip, i].double(), mean, atol=TOLERANCE, rtol=0)


def test_without_the_scale_they_differ():
    torch.manual_seed(1)
    theta, phi, g = torch.randn(1, 30, 16), torch.randn(1, 12, 16), torch.randn(1, 12, 16)
    found = both_formulas(theta, phi, g)
    again = both_formulas(theta * 16**0.5, phi, g).embedded_gaussian  # the paper's, which has no scale
    assert (again - found.attention).abs().max() > 0.1


def test_a_block_of_ours_is_an_attention_layer_of_torch_with_one_head():
    """The residual, W_z and the scale included; without it the two are no longer the same."""
    torch.manual_seed(2)
    channels, inner = 14, 14
    block = NonlocalBlock(channels, config=NonlocalConfig(inner_channels=inner, scale="inner", norm="none")).eval()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.4)
    layer = nn.MultiheadAttention(channels, 1, batch_first=True).eval()
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([block.theta.weight, block.phi.weight, block.g.weight]))
        layer.in_proj_bias.copy_(torch.cat([block.theta.bias, block.phi.bias, block.g.bias]))
        layer.out_proj.weight.copy_(block.out.weight)
        layer.out_proj.bias.copy_(block.out.bias)
        x = torch.randn(1, channels, 3, 4, 5)
        rows = x.flatten(2).mT
        added, _ = layer(rows, rows, rows)
        torch.testing.assert_close(block(x), x + added.mT.reshape(x.shape), atol=2e-5, rtol=0)


@pytest.mark.usefixtures("unchecked")
def test_the_public_formula_of_torch_is_what_is_compared():
    tables = torch.randn(3, 1, 6, 4, generator=torch.Generator().manual_seed(3)).unbind()
    torch.testing.assert_close(both_formulas(*tables).attention, scaled_dot_product_attention(*tables))
    with pytest.raises(ShapeError):
        both_formulas(tables[0], tables[1][:, :, :3], tables[2])
