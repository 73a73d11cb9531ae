"""The mean over heads and rollout, beside products of whole matrices in float64."""

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core import InputSpec, ModelSpec, SelectionError, Session, UnknownNameError
from nonlocal_core.capture import rows

CLIP = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
SPEC = ModelSpec(
    status="untrained", input_spec=InputSpec(short_side=64, multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
)
C, HEADS, T, H, W, EXTRA = 24, 3, 3, 4, 6, 2
CLOSE = 1e-5  # of weights that sum to 1; measured 2e-7
SAW = []  # weights (B, heads, tokens, tokens) of the layers of each run


class Layers(nn.Module):
    """Two layers of attention over patches and two tokens before them."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, C, 16, 16)
        self.one, self.two = (nn.MultiheadAttention(C, HEADS, batch_first=True) for _ in range(2))
        self.first = nn.Parameter(torch.zeros(1, EXTRA, C))

    def forward(self, x):
        tokens = torch.cat([self.first.expand(len(x), -1, -1), self.patches(x).flatten(2).mT], dim=1)
        for layer in (self.one, self.two):
            y, weights = layer(tokens, tokens, tokens, average_attn_weights=False)
            SAW.append(weights.double().detach().numpy())
            tokens = tokens + y
        return tokens


def opened():
    SAW.clear()
    network = Layers()
    torch.manual_seed(6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=parameter[0].numel() ** -0.5 if parameter.ndim == 2 else 0.7)
    return Session.from_model(network.eval(), CLIP, spec=SPEC)


def test_the_mean_over_heads_is_that_of_the_layer():
    session = opened()
    one, _ = (weights.mean(axis=1) for weights in SAW[:2])
    row = session.mean_over_heads("one", frame=1, x=0.6, y=0.6)
    index = EXTRA + row.query.y * W + row.query.x
    np.testing.assert_allclose(row.heat[1].reshape(-1), one[1, index, EXTRA:], atol=CLOSE)
    np.testing.assert_allclose([*row.off_grid.values()], one[1, index, :EXTRA], atol=CLOSE)
    token = session.mean_over_heads("one", frame=2, asker="token 2")
    np.testing.assert_allclose(token.heat[2].reshape(-1), one[2, 1, EXTRA:], atol=CLOSE)
    assert token.block == "one"
    assert token.note.startswith("Mean over 3 heads: no head has these weights.")
    with pytest.raises(UnknownNameError, match="one, two"):
        session.mean_over_heads("three", frame=0)


@pytest.mark.parametrize("residual", [0.5, 0.2])
def test_rollout_is_the_product_of_the_layers(residual, monkeypatch):
    monkeypatch.setattr(rows, "_CHUNK_ELEMENTS", 5 * (T * (H * W + EXTRA)))  # several chunks
    session = opened()
    eye = np.eye(EXTRA + H * W)
    one, two = ((1 - residual) * weights.mean(axis=1) + residual * eye for weights in SAW[:2])
    product = two @ one
    for frame in range(T):
        row = session.rollout(frame=frame, x=0.6, y=0.6, residual=residual)
        index = EXTRA + row.query.y * W + row.query.x
        np.testing.assert_allclose(row.heat[frame].reshape(-1), product[frame, index, EXTRA:], atol=CLOSE)
        np.testing.assert_allclose([*row.off_grid.values()], product[frame, index, :EXTRA], atol=CLOSE)
        assert np.delete(row.heat, frame, axis=0).max() == 0
        token = session.rollout(frame=frame, asker="token 1", residual=residual)
        np.testing.assert_allclose(token.heat[frame].reshape(-1), product[frame, 0, EXTRA:], atol=CLOSE)
    assert row.block == "rollout"
    assert f"Rollout: the product of 2 layers, each {1 - residual:g} of the mean" in row.note
    alone = session.rollout(frame=1, x=0.6, y=0.6, layers=["one"], residual=residual)
    np.testing.assert_allclose(alone.heat[1].reshape(-1), one[1, index, EXTRA:], atol=CLOSE)


def test_rollout_refuses_what_is_no_chain_of_tokens():
    class Pooling(Layers):
        def forward(self, x):
            maps = self.patches(x)
            tokens, fewer = maps.flatten(2).mT, nn.functional.avg_pool2d(maps, 2).flatten(2).mT
            tokens = tokens + self.one(tokens, tokens, tokens)[0]
            return self.two(fewer, fewer, fewer)[0], tokens

    torch.manual_seed(6)
    session = Session.from_model(Pooling().eval(), CLIP, spec=SPEC)
    with pytest.raises(SelectionError, match="one set of tokens; 'two · head 1' has others than 'one · head 1'"):
        session.rollout(frame=0)
    assert session.rollout(frame=0, layers=["one"]).values.sum() == pytest.approx(1, abs=CLOSE)
    with pytest.raises(SelectionError, match="from 0 to 1; got 2"):
        session.rollout(frame=0, layers=["one"], residual=2)
