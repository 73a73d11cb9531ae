"""Attention with three projections, against its formula."""

import pytest
import torch
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.tokens.family import DoesMore
from nonlocal_core.capture.adapters.tokens.separate_qkv import separate_attention

HEADS, D, N = 3, 4, 5
C = HEADS * D
TOKENS = torch.randn(2, N, C, generator=torch.Generator().manual_seed(0))
NAMES = [("query", "key", "value"), ("q_proj", "k_proj", "v_proj"), ("to_q", "to_k", "to_v")]


def layer_of(names=NAMES[0], **parts):
    return module_of(**{name: nn.Linear(C, C) for name in names} | {"num_heads": HEADS} | parts).eval()


@pytest.mark.parametrize("names", NAMES)
def test_each_table_is_made_by_its_own_projection_with_the_bias_beside_it(names):
    biases = {f"{part}_bias": nn.Parameter(torch.linspace(0, 1, C)) for part in "qv"}
    for beside in ({}, biases):
        layer = layer_of(names, **beside)
        found = separate_attention(layer)
        made = found.embed(found.inputs((TOKENS,), {}))
        for table, name, part in zip(made[:3], names, "qkv", strict=True):
            expected = getattr(layer, name)(TOKENS) + beside.get(f"{part}_bias", 0)
            for head in range(HEADS):
                torch.testing.assert_close(table[:, head], expected[..., head * D : (head + 1) * D])


def test_the_scale_is_the_stated_one_else_that_of_a_heads_width():
    assert separate_attention(layer_of()).scale == pytest.approx(0.5)
    assert separate_attention(layer_of(scaling=0.7)).scale == 0.7
    assert separate_attention(layer_of(scale=0.2)).scale == 0.2
    assert separate_attention(layer_of(scale=None)).scale == pytest.approx(0.5)


def test_the_output_goes_through_the_layers_own_last_parts():
    y, last, norm = torch.randn(1, N, C), nn.Linear(C, 7), nn.LayerNorm(C)
    for name in ("o_proj", "out_proj", "projection_layer"):
        assert torch.equal(separate_attention(layer_of(**{name: last})).project(y), last(y))
    chain = nn.ModuleList([last, nn.Hardtanh()])
    assert torch.equal(separate_attention(layer_of(to_out=chain)).project(y), last(y).clamp(-1, 1))
    assert torch.equal(separate_attention(layer_of(norm=norm, proj=last)).project(y), last(norm(y)))
    assert separate_attention(layer_of(norm=norm)).project(y) is y, "another module projects"


def test_other_modules_are_none_and_shared_or_foreign_keys_say_so():
    assert separate_attention(nn.Linear(C, C)) is None
    assert separate_attention(layer_of(value=nn.Conv1d(C, C, 1))) is None
    assert separate_attention(module_of(**{name: nn.Linear(C, C) for name in NAMES[0]})) is None
    shared = separate_attention(layer_of(key=nn.Linear(C, D), value=nn.Linear(C, D)))
    assert (type(shared), shared.reason) == (DoesMore, "shares keys among groups of heads")
    wide = separate_attention(layer_of(key=nn.Linear(7, C), value=nn.Linear(7, C)))
    assert wide.reason.startswith("makes its keys of wider or narrower tokens")
    assert isinstance(separate_attention(layer_of(sr=nn.Conv2d(C, C, 2, 2))), DoesMore)
