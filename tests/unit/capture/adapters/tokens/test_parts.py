"""Parts of attention layers under their several names."""

import pytest
import torch
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.tokens.parts import chained, head_count, normed_heads

B, N, HEADS, D = 2, 5, 3, 4
Q, K, V = torch.randn(3, B, N, HEADS * D, generator=torch.Generator().manual_seed(0)).unbind(0)


def test_heads_are_the_first_number_that_a_layer_states():
    for name in ("num_attention_heads", "num_heads", "heads", "n_heads"):
        assert head_count(module_of(**{name: 7})) == 7
    assert head_count(module_of(heads=nn.ModuleList(), n_heads=2)) == 2, "a list of heads is no number"
    assert head_count(module_of(num_heads=5, heads=2)) == 5
    assert head_count(module_of()) is None


def test_values_go_through_the_parts_that_are_there_in_their_order():
    layer = module_of(norm=None, proj=lambda x: x + 1, twice=Scaled(2), list=nn.ModuleList([Scaled(3), Plus(1)]))
    x = torch.ones(2, 3)
    assert (chained(layer, ("norm", "missing", "proj", "twice", "list"), x) == 7).all(), "a function is no part"
    assert (chained(layer, ("list", "twice"), x) == 8).all()


class Scaled(nn.Module):
    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, x):
        return self.by * x


class Plus(Scaled):
    def forward(self, x):
        return self.by + x


def layer_with(names, width):
    layer = nn.Module()
    for seed, name in enumerate(names):
        norm = nn.LayerNorm(width)
        nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(seed))
        layer.add_module(name, norm)
    return layer


def by_heads(table):
    return torch.stack([table[..., head * D : (head + 1) * D] for head in range(HEADS)], dim=1)


@pytest.mark.parametrize("names", [("q_norm", "k_norm"), ("norm_q", "norm_k"), ("query_norm", "key_norm")])
@pytest.mark.parametrize("width", [D, HEADS * D])
def test_norms_come_before_the_heads_are_parted_or_after_by_their_width(names, width):
    layer = layer_with(names, width)
    q_norm, k_norm = (getattr(layer, name) for name in names)
    q, k, v = normed_heads(layer, HEADS, Q, K, V)
    expected = (by_heads(q_norm(Q)), by_heads(k_norm(K))) if width > D else (q_norm(by_heads(Q)), k_norm(by_heads(K)))
    torch.testing.assert_close((q, k), expected)
    assert (v == by_heads(V)).all()


def test_a_norm_that_states_no_shape_is_as_wide_as_its_weight_and_an_identity_is_none():
    layer = nn.Module()
    layer.q_norm, layer.k_norm = Weighted(HEADS * D), Weighted(HEADS * D)
    q, _, _ = normed_heads(layer, HEADS, Q, K, V)
    torch.testing.assert_close(q, by_heads(Q * layer.q_norm.weight))
    layer.q_norm = layer.k_norm = nn.Identity()
    made = normed_heads(layer, HEADS, Q, K, V)
    assert all((one == by_heads(given)).all() for one, given in zip(made, (Q, K, V), strict=True))


class Weighted(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(1, 2, width))

    def forward(self, x):
        return x * self.weight
