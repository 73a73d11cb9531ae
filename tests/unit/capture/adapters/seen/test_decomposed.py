"""Biases by rows and by columns: SAM's layers, read by their parts, in windows with padding and over whole frames."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nonlocal_core import InputSpec, ModelSpec, Session
from nonlocal_core.capture import many_row_weights
from nonlocal_core.capture.adapters.search import find_sites
from nonlocal_core.capture.adapters.seen import reader
from nonlocal_core.capture.adapters.seen.calls import watched
from nonlocal_core.capture.adapters.tokens.places import Fed

ROWS, COLS, C, HEADS, WINDOW = 5, 7, 12, 3, 3
CLIP = np.random.default_rng(1).integers(0, 256, (2, 8 * ROWS, 8 * COLS, 3), np.uint8)
SPEC = ModelSpec(
    status="untrained", input_spec=InputSpec(short_side=8 * ROWS, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3)
)
ROW_PRECISION = 1e-5  # float32; worst seen 2e-7


class Attention(nn.Module):
    """A layer on a map (B, H, W, C), by its scores of every pair; its tables are for ``sizes`` cells."""

    def __init__(self, sizes, *, asks_scaled=False, norms=False):
        super().__init__()
        self.num_heads, self.scale, self.asks_scaled = HEADS, (C // HEADS) ** -0.5, asks_scaled
        self.qkv, self.proj = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.rel_pos_h, self.rel_pos_w = (nn.Parameter(torch.randn(2 * size - 1, C // HEADS)) for size in sizes)
        if norms:
            self.q_norm, self.k_norm = nn.LayerNorm(C // HEADS), nn.LayerNorm(C // HEADS)

    def weights(self, x):
        batch, rows, cols, _ = x.shape
        q, k, v = self.qkv(x).reshape(batch, rows * cols, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        if hasattr(self, "q_norm"):
            q, k = self.q_norm(q), self.k_norm(k)
        asked = q * self.scale if self.asks_scaled else q
        row, col = torch.arange(rows * cols) // cols, torch.arange(rows * cols) % cols
        bias = 0
        for table, size, place in ((self.rel_pos_h, rows, row), (self.rel_pos_w, cols, col)):
            table = functional.interpolate(table.mT[None], size=2 * size - 1, mode="linear")[0].mT
            bias = bias + (asked[..., :, None, :] * table[place[:, None] - place + size - 1]).sum(-1)
        return (self.scale * q @ k.mT + bias).softmax(-1), v

    def forward(self, x):
        weights, v = self.weights(x)
        return self.proj((weights @ v).transpose(1, 2).reshape(x.shape)), None


class Encoder(nn.Module):
    """Patches, a layer in windows, which need padding, and one over each frame, whose tables are interpolated."""

    def __init__(self, **kind):
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, C, 8, 8), nn.LayerNorm(C)
        self.within, self.whole = Attention((WINDOW, WINDOW), **kind), Attention((4, 4), **kind)

    def cut(self, x):
        x = functional.pad(x, (0, 0, 0, -COLS % WINDOW, 0, -ROWS % WINDOW))
        parts = x.unflatten(1, (-1, WINDOW)).unflatten(3, (-1, WINDOW)).transpose(2, 3)
        return parts.flatten(0, 2), parts.shape

    def forward(self, frames):
        x = self.patches(frames).movedim(1, -1)
        windows, shape = self.cut(self.norm(x))
        made = self.within(windows)[0].reshape(shape).transpose(2, 3).flatten(3, 4).flatten(1, 2)
        x = x + made[:, :ROWS, :COLS]
        return x + self.whole(self.norm(x))[0]


def opened(**kind):
    torch.manual_seed(4)
    network = Encoder(**kind).eval()
    return network, Session.from_model(network, CLIP, spec=SPEC)


def own_rows(network, layer, head):
    """The rows of a layer over all cells, and of padding in one column more, by its own weights."""
    made = []
    hook = getattr(network, layer).register_forward_pre_hook(lambda _, args: made.append(args[0].detach()))
    Session.from_model(network, CLIP, spec=SPEC)
    hook.remove()
    with torch.no_grad():
        weights = getattr(network, layer).weights(made[0])[0][:, head].double().numpy()
    cells = torch.arange(1.0, 2 * ROWS * COLS + 1).reshape(2, ROWS, COLS, 1)
    windows = network.cut(cells)[0] if layer == "within" else cells
    tokens = windows.reshape(len(weights), -1).long().numpy() - 1  # -1: padding
    rows = np.zeros((2 * ROWS * COLS, 2 * ROWS * COLS + 1))
    for sequence, here in zip(weights, tokens, strict=True):
        for query in np.flatnonzero(here >= 0):
            np.add.at(rows[here[query]], here, sequence[query])
    return rows


@pytest.mark.parametrize("kind", [{}, {"norms": True}], ids=["plain", "with norms"])
@pytest.mark.parametrize("layer", ["within", "whole"])
def test_rows_are_the_layers_own(layer, kind):
    network, session = opened(**kind)
    assert session.unreadable == ()
    for head in range(HEADS):
        block = session.block(f"{layer}.head{head}")
        assert (block.query_grid.shape, block.scope) == ((2, ROWS, COLS), "space")
        assert block.is_walled == (layer == "within")
        rows = many_row_weights(block, np.arange(block.query_grid.size))
        expected = own_rows(network, layer, head)
        np.testing.assert_allclose(rows[:, : expected.shape[1] - 1], expected[:, :-1], atol=ROW_PRECISION)


@pytest.mark.parametrize(("kind", "by_products"), [({}, False), ({"asks_scaled": True}, True)])
def test_they_are_read_by_their_parts_and_another_kind_by_its_products(monkeypatch, kind, by_products):
    """A bias of scaled queries is not what the parts are known for: the proof refuses that, and the products tell."""
    calls = []
    monkeypatch.setattr(reader, "watched", lambda *given: calls.append(given) or watched(*given))
    network, session = opened(**kind)
    assert session.unreadable == ()
    assert bool(calls) == by_products
    block = session.block("whole.head1")
    rows = many_row_weights(block, np.arange(block.query_grid.size))
    np.testing.assert_allclose(rows, own_rows(network, "whole", 1)[:, :-1], atol=ROW_PRECISION)


def test_a_layer_that_pools_its_queries_is_another_kind():
    """MViT has such tables too, for sequences that hold a class token."""
    layer = Attention((4, 4))
    with pytest.raises(ValueError, match="not enough values"):
        layer(torch.rand(1, 6, C))
    network = nn.Sequential(layer).eval()
    (site,) = find_sites(network, fed=Fed(frames=1, hw=(16, 16))).sites
    call = site.inputs((torch.rand(1, 6, C),), {})
    assert site.reader.read(call).reason == "was not called with a map whose channels come last"
