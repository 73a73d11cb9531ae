"""Cells of a frame in squares: which order a network states, and the way back to rows."""

import pytest
import torch
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.tokens.nesting import BY_ROWS, Nesting, nesting_of, unroll_count


@pytest.mark.parametrize(
    ("stated", "times"),
    [
        ({"window_size": 64, "q_stride": 1}, 3),
        ({"window_size": 16, "query_stride": 4}, 3),
        ({"window_size": 1, "q_stride": 4}, 1),
        ({"window_size": 4}, 1),
        ({"window_size": 1}, 0),
        ({"window_size": 8}, 0),
        ({"window_size": 0}, 0),
        ({"window_size": (7, 7)}, 0),
        ({"window_size": 4, "q_stride": (2, 2)}, 0),
        ({}, 0),
    ],
)
def test_tokens_are_unrolled_once_for_every_pooling_that_a_mask_unit_has_left(stated, times):
    for within in (True, False):
        assert unroll_count(module_of(use_mask_unit_attn=within, **stated)) == times
    assert unroll_count(module_of(**stated)) == 0
    assert unroll_count(module_of(use_mask_unit_attn=None, **stated)) == 0


@pytest.mark.parametrize(("side", "thw"), [(2, (3, 4, 6)), (3, (1, 6, 3)), (2, (2, 2, 2))])
def test_cells_of_squares_that_follow_each_other_are_put_in_rows(side, thw):
    steps, height, width = thw
    order = [
        (t, top + y, left + x)
        for t in range(steps)
        for top in range(0, height, side)
        for left in range(0, width, side)
        for y in range(side)
        for x in range(side)
    ]
    tokens = torch.tensor(order).float()[None]
    found = Nesting(merged=side).by_rows(tokens, thw)
    assert [tuple(place) for place in found[0].int().tolist()] == sorted(order)


@pytest.mark.parametrize(("side", "across", "thw"), [(2, 2, (2, 8, 12)), (2, 2, (1, 6, 10)), (3, 1, (1, 6, 9))])
def test_squares_of_windows_that_follow_each_other_are_put_in_rows(side, across, thw):
    """Windows at the end hold what is left of the grid."""
    steps, height, width = thw
    window = side * across
    order = [
        (t, top + y, left + x)
        for t in range(steps)
        for above in range(0, height, window)
        for before in range(0, width, window)
        for top in range(above, min(above + window, height), side)
        for left in range(before, min(before + window, width), side)
        for y in range(side)
        for x in range(side)
    ]
    tokens = torch.tensor(order).float()[None]
    found = Nesting(merged=side, windows=across).by_rows(tokens, thw)
    assert [tuple(place) for place in found[0].int().tolist()] == sorted(order)


def test_a_grid_must_consist_of_such_squares():
    assert [Nesting(merged=2).fits(*sides) for sides in ((4, 6), (3, 6), (4, 5))] == [True, False, False]
    assert [Nesting(unrolled=2).fits(*sides) for sides in ((4, 8), (2, 8))] == [True, False]
    assert not BY_ROWS
    assert BY_ROWS.fits(3, 5)


class ToldItsGrid(nn.Module):
    def __init__(self, side):
        super().__init__()
        self.spatial_merge_size = side

    def forward(self, patches, grid_thw):
        return patches


class MergesBehind(ToldItsGrid):
    """A projector, as Mistral's: its squares are formed from rows."""

    def forward(self, features):
        return features


def test_squares_are_stated_by_the_network_around_that_is_told_its_grid():
    layer = module_of(num_heads=2)
    assert nesting_of(layer, [module_of(), ToldItsGrid(2), ToldItsGrid(3)]) == Nesting(merged=2)
    for around in ([], [MergesBehind(2)], [ToldItsGrid(1)], [ToldItsGrid(None)], [ToldItsGrid(True)]):
        assert nesting_of(layer, around) == BY_ROWS
    cut = ToldItsGrid(2)
    cut.window_size, cut.patch_size = 112, 14
    assert nesting_of(layer, [cut]) == Nesting(merged=2, windows=4)
    hiera = module_of(use_mask_unit_attn=True, window_size=16, q_stride=4)
    assert nesting_of(hiera, [module_of()]) == Nesting(unrolled=3)
