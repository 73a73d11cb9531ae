"""The mean over heads and rollout, beside products of whole matrices in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Pin, SelectionError, Session, UnknownNameError
from nonlocal_core.capture import rows
from nonlocal_core.running.snapshots import as_film

CLIP = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
SPEC = ModelSpec(
    status="untrained", input_spec=InputSpec(short_side=64, multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
)
C, HEADS, T, H, W, EXTRA = 24, 3, 3, 4, 6, 2
CLOSE = 1e-5  # of weights that sum to 1; measured 2e-7
MEAN = {"frame": 2, "x": 0.3, "y": 0.7, "block": "two.mean"}
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
            sizes = {2: 1.0, 4: 2.0}  # of weights and of patches, over the root of what they sum
            size = sizes[parameter.ndim] * parameter[0].numel() ** -0.5 if parameter.ndim in sizes else 0.7
            parameter.normal_(std=size)
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
    assert token.block == "one.mean"
    assert "Mean over 3 heads: no head has these weights." in token.note
    with pytest.raises(UnknownNameError, match="one, two"):
        session.mean_over_heads("three", frame=0)


def test_the_mean_over_heads_is_asked_by_its_name_in_both_directions_and_at_a_temperature(tmp_path):
    session = opened()
    tables = [block for block in session.capture.blocks if block.layer == "two"]
    scores = [(block.theta.astype(float) @ block.phi.astype(float).T) * block.scale for block in tables]
    asked = session.query(frame=2, x=0.3, y=0.7, block="two.mean")
    query, key, extra = asked.query, session.column(frame=1, x=0.6, y=0.2, block="two.mean").key, T * H * W
    for temperature in (1.0, 0.25):
        expected = np.zeros((T, H, W))
        for one in scores:  # each frame attends to itself, and to its own tokens
            index = (query.t * H + query.y) * W + query.x
            seen = np.append(one[index, query.t * H * W :][: H * W], one[index, extra + query.t * EXTRA :][:EXTRA])
            weights = np.exp(seen / temperature - (seen / temperature).max())
            expected[query.t] += (weights / weights.sum())[: H * W].reshape(H, W) / HEADS
        row = session.answer(Pin(frame=2, x=0.3, y=0.7, block="two.mean", temperature=temperature))
        np.testing.assert_allclose(row.heat, expected, atol=CLOSE)
    np.testing.assert_allclose(
        asked.heat[2].reshape(-1), SAW[1].mean(axis=1)[2, EXTRA + query.y * W + query.x, EXTRA:], atol=CLOSE
    )
    column = session.column(frame=1, x=0.6, y=0.2, block="two.mean")
    looks = SAW[1].mean(axis=1)[key.t, EXTRA:, EXTRA + key.y * W + key.x]
    np.testing.assert_allclose(column.heat[key.t].reshape(-1), looks, atol=CLOSE)
    assert not np.delete(column.heat, key.t, axis=0).any()
    saved = np.load(session.save(tmp_path / "mean.npz", frame=2, x=0.3, y=0.7, block="two.mean"))
    np.testing.assert_allclose(saved["heat"], asked.heat, atol=1e-7)
    assert "Mean over 3 heads" in session.save(tmp_path / "mean.svg", **MEAN).read_text()


def test_hops_go_on_from_the_mean_over_heads_as_from_one_of_them():
    session = opened()
    one, two = (weights.mean(axis=1) for weights in SAW[:2])
    row = session.follow(frame=1, x=0.6, y=0.6, block="two.mean", stays=0.5)
    start = two[1, EXTRA + row.query.y * W + row.query.x]
    expected = 0.5 * start[EXTRA:] + 0.5 * start[EXTRA:] @ one[1, EXTRA:, EXTRA:]
    np.testing.assert_allclose(row.heat[1].reshape(-1), expected, atol=CLOSE)
    again = session.follow(frame=1, x=0.6, y=0.6, block="one.mean")
    assert "one again" in again.note


def test_only_a_whole_layer_has_a_mean_and_no_film():
    session = opened()
    assert [block.name for block in session.capture.means] == ["one.mean", "two.mean"]
    some = replace(session.capture, blocks=session.capture.blocks[1:])
    assert [block.name for block in some.means] == ["two.mean"]
    with pytest.raises(UnknownNameError, match=r"one\.head1, .*two\.mean"):
        some.block("one.mean")
    with pytest.raises(CaptureError, match="a mean over heads"):
        as_film({"early": session.capture}, "two.mean")


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
