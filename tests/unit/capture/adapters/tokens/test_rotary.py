"""Rotary embeddings against rotations of complex numbers."""

from types import SimpleNamespace

import pytest
import torch

from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.adapters.tokens.rotary import is_rotary, rotated

B, HEADS, N, D, FIRST = 2, 3, 5, 6, 2
Q, K = torch.randn(2, B, HEADS, N + FIRST, D, generator=torch.Generator().manual_seed(0)).unbind(0)
ANGLES = torch.linspace(0.1, 3, N * D // 2).reshape(N, D // 2)


def call(**arguments):
    return LayerCall(Q, Q, Q, arguments)


def oracle(table, angles, *, half):
    """Each pair of channels as a complex number, turned by its angle; the first tokens stay."""
    made = table.clone()
    for token in range(N):
        for pair in range(D // 2):
            low, high = (pair, pair + D // 2) if half else (2 * pair, 2 * pair + 1)
            value = torch.complex(table[..., FIRST + token, low], table[..., FIRST + token, high])
            value = value * torch.exp(1j * angles[..., token, pair])[..., None]
            made[..., FIRST + token, low], made[..., FIRST + token, high] = value.real, value.imag
    return made


@pytest.mark.parametrize("batched", [False, True])
def test_a_cosine_and_a_sine_turn_pairs_half_a_head_apart(batched):
    angles = torch.stack([ANGLES, -2 * ANGLES]) if batched else ANGLES
    spread = torch.cat([angles, angles], dim=-1)
    made = rotated(SimpleNamespace(), call(position_embeddings=(spread.cos(), spread.sin())), Q, K)
    for table, turned in zip((Q, K), made, strict=True):
        each = [oracle(table[b], angles[b] if batched else angles, half=True) for b in range(B)]
        torch.testing.assert_close(turned, torch.stack(each))


@pytest.mark.parametrize("half", [False, True])
def test_timms_tensor_holds_the_sine_first_and_turns_neighbours_unless_the_layer_says_otherwise(half):
    spread = torch.cat([ANGLES, ANGLES], dim=-1) if half else ANGLES.repeat_interleave(2, dim=-1)
    rope = torch.cat([spread.sin(), spread.cos()], dim=-1)
    layer = SimpleNamespace(rotate_half=True) if half else SimpleNamespace()
    for table, turned in zip((Q, K), rotated(layer, call(rope=rope), Q, K), strict=True):
        torch.testing.assert_close(turned, oracle(table, ANGLES, half=half))


def test_without_an_embedding_nothing_turns_and_others_are_none():
    assert rotated(SimpleNamespace(), call(mask=ANGLES), Q, K) == (Q, K)
    assert is_rotary([ANGLES, ANGLES])
    for other in (ANGLES, (ANGLES,), (ANGLES, ANGLES, ANGLES), (ANGLES, 1.0), None):
        assert not is_rotary(other)
