"""One key for all padding, against a softmax over every key."""

import torch

from nonlocal_core.capture.adapters.seen.padding import padded_key
from nonlocal_core.capture.reading import NotReadable

B, HEADS, N, D, DV = 2, 3, 6, 4, 5
SCALE = 0.6
CLOSE = 1e-5  # worst seen 5e-7


def tables(padding):
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, B, HEADS, N, D, generator=generator).unbind(0)
    v = torch.randn(B, HEADS, N, DV, generator=generator)
    alike = torch.randn(HEADS, DV, generator=generator)
    return q, k, torch.where(padding[:, None, :, None], alike[:, None], v), alike


def test_the_weight_of_the_key_is_that_of_all_padding():
    padding = torch.zeros(B, N, dtype=torch.bool)
    padding[0, [1, 4]] = padding[1, 5] = True
    q, k, v, alike = tables(padding)
    made = padded_key(q, k, v, padding, scale=SCALE)
    weights = (SCALE * q @ k.mT).softmax(-1)
    for b in range(B):
        own = SCALE * q[b] @ k[b][:, ~padding[b]].mT
        joined = torch.cat([own, SCALE * made.theta[b] * made.phi], dim=-1).softmax(-1)
        torch.testing.assert_close(joined[..., :-1], weights[b][..., ~padding[b]], atol=CLOSE, rtol=0)
        torch.testing.assert_close(joined[..., -1], weights[b][..., padding[b]].sum(-1), atol=CLOSE, rtol=0)
    torch.testing.assert_close(made.value, alike)


def test_a_window_without_padding_gives_the_key_no_weight():
    padding = torch.zeros(B, N, dtype=torch.bool)
    padding[0, 2] = True
    q, k, v, _ = tables(padding)
    made = padded_key(q, k, v, padding, scale=SCALE)
    joined = torch.cat([SCALE * q[1] @ k[1].mT, SCALE * made.theta[1] * made.phi], dim=-1).softmax(-1)
    assert (joined[..., -1] == 0).all()


def test_padding_of_several_values_is_no_one_key():
    padding = torch.zeros(B, N, dtype=torch.bool)
    padding[0, [1, 4]] = True
    q, k, v, _ = tables(padding)
    v[0, 1, 4, 2] += 0.1
    said = padded_key(q, k, v, padding, scale=SCALE)
    assert isinstance(said, NotReadable)
    assert said.reason.startswith("has padding in its windows whose values differ")


def test_padding_may_differ_by_rounding_of_the_largest_value():
    padding = torch.zeros(B, N, dtype=torch.bool)
    padding[0, [1, 4]] = True
    q, k, v, _ = tables(padding)
    v[1, 0, 0, 0] = 1000.0  # a hundred thousandth of it is 0.01
    v[0, 1, 4, 2] += 0.008
    assert not isinstance(padded_key(q, k, v, padding, scale=SCALE), NotReadable)
    v[0, 1, 4, 2] += 0.004
    assert isinstance(padded_key(q, k, v, padding, scale=SCALE), NotReadable)
