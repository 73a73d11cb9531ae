"""Attention with one projection for all three, against its formula."""

import pytest
import torch
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.tokens.family import DoesMore
from nonlocal_core.capture.adapters.tokens.fused_qkv import fused_attention

HEADS, D, N = 3, 4, 5
C = HEADS * D
TOKENS = torch.randn(2, N, C, generator=torch.Generator().manual_seed(0))


def layer_of(name="qkv", **parts):
    return module_of(**{name: nn.Linear(C, 3 * C), "num_heads": HEADS} | parts).eval()


def tables(layer, name, tokens):
    """Queries, keys and values of each head, by slices of the projection."""
    made = tokens @ getattr(layer, name).weight.T + getattr(layer, name).bias
    return [
        torch.stack([made[..., part * C + head * D : part * C + (head + 1) * D] for head in range(HEADS)], dim=1)
        for part in range(3)
    ]


@pytest.mark.parametrize("name", ["qkv", "to_qkv"])
def test_the_projection_holds_queries_then_keys_then_values(name):
    layer = layer_of(name)
    found = fused_attention(layer)
    made = found.embed(found.inputs((TOKENS,), {}))
    torch.testing.assert_close(list(made[:3]), tables(layer, name, TOKENS))
    assert not made.are_a_list


def test_a_norm_of_the_input_belongs_to_to_qkv_alone():
    norm = nn.LayerNorm(C)
    nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
    for name, tokens in (("to_qkv", norm(TOKENS)), ("qkv", TOKENS)):
        layer = layer_of(name, norm=norm)
        found = fused_attention(layer)
        torch.testing.assert_close(list(found.embed(found.inputs((TOKENS,), {}))[:3]), tables(layer, name, tokens))


def test_biases_beside_the_projection_are_added_to_queries_and_values():
    layer = layer_of(q_bias=nn.Parameter(torch.linspace(0, 1, C)), v_bias=nn.Parameter(torch.linspace(2, 3, C)))
    found = fused_attention(layer)
    q, k, v = found.embed(found.inputs((TOKENS,), {}))[:3]
    plain = tables(layer, "qkv", TOKENS)
    by_heads = [torch.linspace(start, start + 1, C).reshape(HEADS, 1, D) for start in (0, 2)]
    torch.testing.assert_close([q, k, v], [plain[0] + by_heads[0], plain[1], plain[2] + by_heads[1]])


def test_the_scale_is_the_stated_one_but_the_fused_kernel_has_its_own():
    assert fused_attention(layer_of(scale=0.9)).scale == 0.9
    assert fused_attention(layer_of(scale=0.9, fused_attn=True)).scale == pytest.approx(0.5)
    assert fused_attention(layer_of()).scale == pytest.approx(0.5)


def test_the_output_goes_through_the_layers_own_last_parts():
    y = torch.randn(1, N, C)
    norm, last = nn.LayerNorm(C), nn.Linear(C, 7)
    assert torch.equal(fused_attention(layer_of(norm=norm, proj=last)).project(y), last(norm(y)))
    own = fused_attention(layer_of("to_qkv", norm=norm, to_out=nn.Sequential(last)))
    assert torch.equal(own.project(y), last(y)), "the norm came before"
    assert fused_attention(layer_of()).project(y) is y


def test_other_modules_are_none_and_one_that_does_more_says_so():
    assert fused_attention(nn.Linear(C, C)) is None
    assert fused_attention(module_of(qkv=nn.Linear(C, 3 * C))) is None, "no number of heads"
    assert fused_attention(layer_of(qkv=nn.Conv2d(C, 3 * C, 1))) is None
    assert isinstance(fused_attention(layer_of(rel_pos=nn.Linear(1, 1))), DoesMore)
