"""Reading of token attention: what asks, what is looked at, where masks go, and what is refused."""

import numpy as np
import pytest
import torch
from foreign_attention import WIDTH, FusedLayer, randomise
from torch import nn

from nonlocal_core.capture.adapters.tokens.fused_qkv import fused_attention
from nonlocal_core.capture.adapters.tokens.places import TokenLayout
from nonlocal_core.capture.adapters.tokens.reader import TokenReader
from nonlocal_core.capture.adapters.tokens.torch_attention import torch_attention
from nonlocal_core.capture.reading import NotReadable
from nonlocal_core.errors import CaptureError

HEADS, T, H, W = 3, 2, 3, 5
FRAMES = TokenLayout(frames=None, rows=H, cols=W, scope="space", extra=("class token",))
CLOSE = {"atol": 1e-5, "rtol": 0}  # worst seen 5e-7


def tokens(count, batch=T, seed=0):
    return torch.randn(batch, count, WIDTH, generator=torch.Generator().manual_seed(seed))


def reader_of(layer, layout=FRAMES, **more):
    attention = torch_attention(layer) or fused_attention(layer)
    return TokenReader(attention=attention, layout=layout, **more)


def torch_layer():
    return randomise(nn.MultiheadAttention(WIDTH, HEADS, batch_first=True))


def called(reader, *args, **kwargs):
    with torch.no_grad():
        return reader.read(reader.inputs(args, kwargs))


def test_cells_come_first_and_the_class_token_of_each_frame_behind_them():
    layer = torch_layer()
    x = tokens(1 + H * W)
    reading = called(reader_of(layer), x, x, x)
    assert (reading.query_thw, reading.scope, reading.off_grid_keys) == ((T, H, W), "space", ("class token",))
    assert (reading.askers, reading.residual, reading.features) == (("class token",), False, WIDTH // HEADS)
    q = x @ layer.in_proj_weight[:WIDTH].T + layer.in_proj_bias[:WIDTH]
    k = x @ layer.in_proj_weight[WIDTH : 2 * WIDTH].T + layer.in_proj_bias[WIDTH : 2 * WIDTH]
    head = slice(WIDTH // HEADS, 2 * WIDTH // HEADS)
    torch.testing.assert_close(reading.theta[1], q[:, 1:, head].flatten(0, 1), **CLOSE)
    torch.testing.assert_close(reading.phi[1], torch.cat([k[:, 1:, head].flatten(0, 1), k[:, 0, head]]), **CLOSE)
    torch.testing.assert_close(reading.asker_theta[1], q[:, 0, head], **CLOSE)


def test_a_mask_is_channels_behind_those_of_the_tokens():
    layer = torch_layer()
    x = tokens(1 + H * W)
    mask = torch.rand(1 + H * W, 1 + H * W, generator=torch.Generator().manual_seed(1))
    plain, masked = called(reader_of(layer), x, x, x), called(reader_of(layer), x, x, x, attn_mask=mask)
    assert masked.features == plain.theta.shape[-1] < masked.theta.shape[-1]
    before, after = (made.theta.double() @ made.phi.double().mT for made in (plain, masked))
    added = masked.scale * (after - before)
    for t in range(T):
        cells = slice(t * H * W, (t + 1) * H * W)
        np.testing.assert_allclose(added[0, cells, cells], mask[1:, 1:], atol=1e-4)
        np.testing.assert_allclose(added[0, cells, T * H * W + t], mask[1:, 0], atol=1e-4)


def test_a_list_of_queries_asks_and_a_list_of_keys_is_looked_at_by_its_names():
    layer = torch_layer()
    cells, words = tokens(1 + H * W), tokens(4, seed=1)
    asking = called(reader_of(layer, token_names=tuple("abcd")), words, cells, cells)
    assert (asking.askers, asking.off_grid_keys, asking.has_key_grid) == (tuple("abcd"), ("class token",), True)
    assert asking.theta.shape[1] == 0
    assert asking.asker_theta.shape == (HEADS, T * 4, WIDTH // HEADS)
    asked = called(reader_of(layer, token_names=("a", "dog", "a", "")), cells, words, words)
    assert asked.off_grid_keys == ("a (token 1)", "dog", "a (token 3)", "(token 4)")
    assert (asked.has_key_grid, asked.phi.shape[1]) == (False, T * 4)
    assert called(reader_of(layer), words, cells, cells).askers == ("query 1", "query 2", "query 3", "query 4")


def test_what_is_no_sequence_or_no_grid_is_refused_with_its_shape():
    layer = randomise(FusedLayer())
    said = called(reader_of(layer), tokens(H * W)[None])
    assert said == NotReadable("was not called with sequences of tokens (B, N, C), but with (1, 2, 15, 12)")
    assert "which are no grid of Tx3x5 cells with 1 tokens before it" in called(reader_of(layer), tokens(7)).reason
    time = TokenLayout(frames=T, rows=H, cols=W, scope="time")
    x = tokens(T, batch=H * W)
    said = called(reader_of(torch_layer(), time), x + 1, x, x)
    assert said.reason.startswith("attends between a list and positions along time alone")


def test_training_mode_is_refused():
    layer = torch_layer().train()
    x = tokens(1 + H * W)
    with pytest.raises(CaptureError, match=r"dropout changes its weights. Call model.eval\(\) first"):
        called(reader_of(layer), x, x, x)
