"""torch's attention layer: tables of each head, against the weights that the layer itself returns."""

import pytest
import torch
from torch import nn

from nonlocal_core.capture.adapters.tokens.torch_attention import torch_attention
from nonlocal_core.capture.reading import NotReadable

HEADS, D, N, KEYS = 3, 4, 5, 7
C = HEADS * D
CLOSE = 1e-5  # worst seen 4e-7


def tokens(count=N, width=C, seed=0):
    return torch.randn(2, count, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("widths", [{}, {"kdim": 6, "vdim": 9}])
@pytest.mark.parametrize("bias", [True, False])
def test_scores_and_output_of_the_tables_are_those_of_the_layer(batch_first, widths, bias):
    layer = nn.MultiheadAttention(C, HEADS, batch_first=batch_first, bias=bias, **widths).eval()
    given = [tokens(), tokens(KEYS, widths.get("kdim", C), 1), tokens(KEYS, widths.get("vdim", C), 2)]
    if not batch_first:
        given = [part.transpose(0, 1) for part in given]
    mask = torch.rand(N, KEYS, generator=torch.Generator().manual_seed(3)) > 0.7
    with torch.no_grad():
        output, weights = layer(*given, attn_mask=mask, average_attn_weights=False)
        found = torch_attention(layer)
        made = found.embed(found.inputs((given[0],), {"key": given[1], "value": given[2], "attn_mask": mask}))
        own = (found.scale * made.q @ made.k.mT + made.bias).softmax(-1)
        torch.testing.assert_close(own, weights, atol=CLOSE, rtol=0)
        y = (own @ made.v).transpose(1, 2).flatten(2)
        rebuilt = torch.cat([found.project(each[None]) for each in y])
        torch.testing.assert_close(rebuilt, found.batch_first(output), atol=CLOSE, rtol=0)
    assert made.are_a_list


def test_queries_that_are_the_keys_are_no_list():
    layer = nn.MultiheadAttention(C, HEADS, batch_first=True).eval()
    found, x = torch_attention(layer), tokens()
    for key, are_a_list in ((x, False), (x.clone(), False), (x + 1, True), (tokens(KEYS), True)):
        assert found.embed(found.inputs((x, key, key), {})).are_a_list == are_a_list
    assert found.scale == pytest.approx(0.5)


def test_tokens_without_a_batch_get_one():
    for batch_first in (True, False):
        found = torch_attention(nn.MultiheadAttention(C, HEADS, batch_first=batch_first))
        assert found.batch_first(tokens()[0]).shape == (1, N, C)
        assert found.batch_first(tokens()).shape == ((2, N, C) if batch_first else (N, 2, C))


def test_keys_that_are_no_tokens_are_refused_and_other_modules_are_none():
    assert torch_attention(nn.Linear(C, C)) is None
    for more in ({"add_bias_kv": True}, {"add_zero_attn": True}):
        said = torch_attention(nn.MultiheadAttention(C, HEADS, **more))
        assert said == NotReadable("adds keys that are no tokens (add_bias_kv or add_zero_attn)")
