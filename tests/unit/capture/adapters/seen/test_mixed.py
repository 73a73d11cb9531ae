"""A softmax that is not what weighs the values: multiplied by something first, or one of several on the same values."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Session
from nonlocal_core.capture import many_row_weights

C, ROWS, COLS = 12, 4, 6
CLIP = np.random.default_rng(2).integers(0, 256, (2, 8 * ROWS, 8 * COLS, 3), np.uint8)
SPEC = ModelSpec(
    status="untrained", input_spec=InputSpec(short_side=8 * ROWS, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3)
)


class Layer(nn.Module):
    """One head of ``width`` values, whose softmax ``mix`` makes into the output."""

    def __init__(self, mix, width):
        super().__init__()
        self.mix, self.table = mix, nn.Parameter(torch.rand(ROWS * COLS, ROWS * COLS))
        self.q, self.k, self.v, self.out = nn.Linear(C, C), nn.Linear(C, C), nn.Linear(C, width), nn.Linear(width, C)

    def forward(self, x):
        weights = (self.q(x) @ self.k(x).mT).softmax(-1)
        return self.out(self.mix(self, weights, self.v(x)))


class Network(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.stem, self.layer = nn.Conv2d(3, C, 8, 8), layer

    def forward(self, frames):
        x = self.stem(frames).flatten(2).mT
        return x + self.layer(x)


def opened(layer):
    torch.manual_seed(0)
    return Session.from_model(Network(layer).eval(), CLIP, spec=SPEC)


@pytest.mark.parametrize(
    "mix",
    [
        lambda layer, weights, v: (weights @ layer.table) @ v,
        lambda layer, weights, v: (weights @ weights) @ v,
        lambda layer, weights, v: torch.bmm(weights, weights) @ v,
    ],
    ids=["by a table", "by itself", "by itself in a batch"],
)
def test_a_softmax_that_is_multiplied_before_it_meets_the_values_is_refused(mix):
    with pytest.raises(CaptureError, match="multiplies its softmax by another matrix of positions before it meets"):
        opened(Layer(mix, C))


def test_a_projection_of_as_many_channels_as_keys_mixes_nothing():
    layer = Layer(lambda layer, weights, v: (weights @ v) @ layer.table, ROWS * COLS)
    session = opened(layer)
    (block,) = session.capture.blocks
    rows = many_row_weights(block, np.arange(block.query_grid.size))
    assert session.unreadable == ()
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)


class Differential(nn.Module):
    """Two softmaxes on the same values, of which one is taken from the other (Ye et al., 2025)."""

    def __init__(self):
        super().__init__()
        self.parts, self.out = nn.ModuleList(nn.Linear(C, C) for _ in range(5)), nn.Linear(C, C)

    def forward(self, x):
        first, second, k, other, v = (part(x).unflatten(-1, (3, 4)).transpose(1, 2) for part in self.parts)
        one, two = scaled_dot_product_attention(first, k, v), scaled_dot_product_attention(second, other, v)
        return self.out((one - 0.3 * two).transpose(1, 2).flatten(2))


def test_differential_attention_is_refused_when_torch_fuses_it_too():
    with pytest.raises(CaptureError, match="weighs the same values by 2 softmaxes and adds or subtracts"):
        opened(Differential())
