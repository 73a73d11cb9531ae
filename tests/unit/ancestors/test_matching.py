"""Tables of a matching: whole numbers, exact in every precision that they travel in, and the stacks that they spell."""

import itertools

import numpy as np
import pytest
import torch

from nonlocal_core.ancestors import matching as room
from nonlocal_core.ancestors.matching import (
    LEVELS,
    SIDE,
    block_levels,
    framed,
    matched_tables,
    mean_of_matched,
    square_distances,
)

MOST = 5


def pixels(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def matrix_by_loops(levels, most):
    """Which block each one takes, with integers of Python."""
    rows = [[int(value) for value in block] for block in levels]
    squares = [[sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) for b in rows] for a in rows]
    limits = [sorted(row)[min(most, len(row)) - 1] for row in squares]
    return np.array([[square <= limit for square in row] for row, limit in zip(squares, limits, strict=True)])


@pytest.mark.parametrize("at_once", [1, 2**23])
def test_the_tables_spell_the_stacks_of_loops(monkeypatch, at_once):
    monkeypatch.setattr(room, "_PAIRS_AT_ONCE", at_once)
    clips = pixels(2, 3, 2, 5, 4)
    levels = block_levels(clips)
    assert levels.shape == (2, 40, 3 * SIDE**2)
    theta, phi = matched_tables(levels, most=MOST)
    y = mean_of_matched(theta, phi, clips.flatten(2).mT)
    for number in range(2):
        expected = matrix_by_loops(levels[number], MOST)
        np.testing.assert_array_equal((theta[number] @ phi[number].T >= 0).numpy(), expected)
        means = expected / expected.sum(axis=1, keepdims=True) @ clips[number].flatten(1).T.double().numpy()
        np.testing.assert_allclose(y[number], means, atol=1e-6)


def test_the_block_of_a_pixel_has_four_pixels_before_it():
    clip = pixels(1, 3, 2, 9, 11)
    block = block_levels(clip).view(2, 9, 11, 3, SIDE, SIDE)[1, 5, 4]
    own = (clip[0, :, 1, 1:9, 0:8] * LEVELS).round() - LEVELS / 2
    torch.testing.assert_close(block, own, rtol=0, atol=0)
    torch.testing.assert_close(framed(clip)[..., 4:13, 4:15], clip, rtol=0, atol=0)


def test_equally_far_blocks_are_in_the_stack_together():
    theta, phi = matched_tables(torch.zeros(1, 30, 192), most=MOST)
    assert (theta[0] @ phi[0].T >= 0).all()


def extremes():
    """Black, white and in between: the largest distances, limits of both signs."""
    rng = np.random.default_rng(1)
    half = LEVELS // 2
    rows = [np.full(192, value) for value in (-half, half, 0, 1)] + [rng.choice([-half, half], 192) for _ in range(9)]
    return torch.from_numpy(np.array(rows, np.float32))


@pytest.mark.parametrize("most", [1, 2, 6, 13, 99])
def test_numbers_are_whole_and_their_sums_exact_in_any_order(most):
    """In float32 as in float64: no sum of a score, of whatever terms, leaves what single precision counts."""
    levels = extremes()
    theta, phi = (table[0].double() for table in matched_tables(levels[None], most=most))
    assert torch.equal(theta, theta.round())
    largest = max(float((a * b).abs().sum()) for a, b in itertools.product(theta, phi))
    assert largest < 2**24
    np.testing.assert_array_equal((theta @ phi.T >= 0).numpy(), matrix_by_loops(levels, most))
    whole = levels.numpy().astype(int)
    np.testing.assert_array_equal(square_distances(levels, levels), ((whole[:, None] - whole) ** 2).sum(axis=2))


def test_the_tables_are_exact_in_half_precision():
    for table in matched_tables(extremes()[None], most=2):
        torch.testing.assert_close(table.half().float(), table, rtol=0, atol=0)
