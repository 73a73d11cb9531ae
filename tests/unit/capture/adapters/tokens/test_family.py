"""Rules that the families of attention share: what may not be read, and what a call adds."""

from types import SimpleNamespace

import pytest
import torch
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.adapters.tokens.family import (
    DoesMore,
    by_call,
    is_there,
    padded,
    split_heads,
    why_not_own_keys,
    why_not_plain,
)
from nonlocal_core.capture.adapters.tokens.masks import BLOCKED
from nonlocal_core.capture.reading import NotReadable

B, HEADS, N, D = 2, 3, 5, 4
TOKENS = torch.randn(B, N, HEADS * D, generator=torch.Generator().manual_seed(0))
TABLE = split_heads(TOKENS, HEADS)


def asked(layer=None, **arguments):
    return by_call(layer or nn.Module(), LayerCall(TOKENS, TOKENS, TOKENS, arguments), TABLE, TABLE + 1, TABLE + 2)


def test_the_first_channels_are_the_first_heads():
    for head in range(HEADS):
        assert (TABLE[:, head] == TOKENS[..., head * D : (head + 1) * D]).all()
    assert padded(TOKENS) is TOKENS
    assert padded(TOKENS[0]).shape == (1, N, HEADS * D)


def test_a_part_that_does_more_is_named_and_one_that_does_nothing_is_none():
    plain = nn.Module()
    assert why_not_plain(plain) is None
    for name, part in (("rope", nn.Linear(1, 1)), ("pool_q", nn.MaxPool1d(2)), ("gate", nn.Parameter(torch.ones(1)))):
        layer = nn.Module()
        setattr(layer, name, part)
        said = why_not_plain(layer)
        assert isinstance(said, DoesMore)
        assert said.reason.endswith(f"({name}), which theta and phi do not hold")
    for nothing in (None, nn.Identity(), False, True, 1, 0.5):
        assert not is_there(nothing)
        assert why_not_plain(module_of(temperature=nothing)) is None
    plain.use_mask_unit_attn = False
    assert why_not_plain(plain) is None
    plain.use_mask_unit_attn = True
    assert "attends within mask units" in why_not_plain(plain).reason


@pytest.mark.parametrize("name", ["encoder_hidden_states", "key_value_states", "context"])
def test_keys_from_elsewhere_are_told_from_the_layers_own_tokens(name):
    assert why_not_own_keys(LayerCall(TOKENS, TOKENS, TOKENS, {name: TOKENS})) is None
    said = asked(**{name: TOKENS.clone()})
    assert isinstance(said, NotReadable)
    assert "keys from elsewhere (cross-attention)" in said.reason


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("freqs_cis", "a rotary position embedding that this viewer does not know (freqs_cis)"),
        (
            "past_key_values",
            "the keys of earlier calls (past_key_values), which theta and phi do not hold. Call the network with "
            "use_cache=False",
        ),
        ("head_mask", "a mask on its heads (head_mask)"),
        ("cu_seqlens", "several sequences behind each other, in an order that no grid tells (cu_seqlens)"),
        ("position_embeddings", "position_embeddings, which it may add to queries and keys in its own way"),
    ],
)
def test_an_argument_that_changes_what_is_computed_is_refused_by_its_name(name, what):
    said = asked(**{name: TOKENS})
    assert isinstance(said, NotReadable)
    assert f"was called with {what}" in said.reason


def test_tables_of_a_call_without_arguments_are_as_they_were_made():
    made = asked()
    assert made.bias is None
    assert not made.are_a_list
    assert (made.q is TABLE, (made.k == TABLE + 1).all(), (made.v == TABLE + 2).all()) == (True, True, True)


def test_a_mask_admits_where_it_is_true_and_rotation_turns_queries_and_keys_alone():
    mask = torch.ones(N, N, dtype=torch.bool)
    mask[1, 3] = False
    assert asked(attn_mask=mask).bias[0, 0].nonzero().tolist() == [[1, 3]]
    angles = torch.full((N, D), torch.pi)
    made = asked(position_embeddings=(angles.cos(), angles.sin()))
    torch.testing.assert_close((made.q, made.k, made.v), (-TABLE, -TABLE - 1, TABLE + 2))


def test_a_layer_is_causal_as_the_call_says_else_as_it_says_itself_unless_it_is_eager_or_masked():
    causal = module_of(is_causal=True)
    eager = module_of(is_causal=True, config=SimpleNamespace(_attn_implementation="eager"))
    forbidden = torch.full((N, N), BLOCKED).triu(1)
    assert (asked(causal).bias[0, 0] == forbidden).all()
    assert (asked(is_causal=True).bias[0, 0] == forbidden).all()
    assert asked(causal, is_causal=False).bias is None
    assert asked(eager).bias is None
    assert (asked(causal, attention_mask=torch.full((N, N), 0.5)).bias == 0.5).all()
