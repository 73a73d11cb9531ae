"""Projections are computed once where a layer is recorded, and again where their table may have changed."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from nonlocal_core.capture.adapters.tokens.projected import Projections

TOKENS = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))


class Layer(nn.Module):
    """Projects its input, and does to the table what it is told to."""

    def __init__(self, after=lambda table: None):
        super().__init__()
        self.qkv, self.after = nn.Linear(6, 9), after

    def forward(self, x):
        table = self.qkv(x)
        self.after(table)
        self.seen = self.look()  # as a hook behind would look


def looked(after=lambda table: None, tokens=TOKENS, given=TOKENS):
    """Return a projection's table and how often it was computed, for a layer that runs on ``given``."""
    layer = Layer(after)
    memory, runs = Projections(layer, ("qkv",)), []
    layer.qkv.register_forward_pre_hook(lambda *_: runs.append(1))
    layer.look = lambda: memory.of("qkv", tokens)
    stop = memory.watch()
    with torch.no_grad():
        layer(given)
        inside, count = layer.seen, len(runs)
        memory.of("qkv", tokens)
    assert len(runs) == count + 1  # forgotten behind the layer
    stop()
    torch.testing.assert_close(inside, layer.qkv(tokens), rtol=0, atol=0)
    return count


def test_a_projection_is_computed_once():
    assert looked() == 1


@pytest.mark.parametrize("change", [lambda table: table.mul_(2), lambda table: table.chunk(3, dim=-1)[1].zero_()])
def test_a_table_that_was_written_into_is_computed_again(change):
    assert looked(change) == 2


def test_other_tokens_are_projected_themselves():
    assert looked(given=TOKENS.clone() + 1) == 2


def test_a_copy_remembers_nothing_and_asks_its_own_layer():
    layer = Layer()
    _, copied = deepcopy((layer, Projections(layer, ("qkv",))))
    nn.init.zeros_(layer.qkv.weight)
    assert copied.layer is not layer
    assert bool(copied.of("qkv", TOKENS).std() > 0)
