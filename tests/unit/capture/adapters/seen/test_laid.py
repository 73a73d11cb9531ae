"""Axes of tables and outputs, by tensors whose numbers say where they belong."""

import pytest
import torch

from nonlocal_core.capture.adapters.seen.laid import Laid, Lead, tensors_in
from nonlocal_core.capture.adapters.seen.products import Unclear

B, HEADS, N, D, C = 2, 3, 8, 4, 7
TABLE = torch.arange(B * HEADS * N * D, dtype=torch.float32).reshape(B, HEADS, N, D)


@pytest.mark.parametrize(
    ("lead", "stated", "laid"),
    [
        ((B, HEADS), None, TABLE),
        ((B * HEADS,), HEADS, TABLE.flatten(0, 1)),
        ((HEADS, B), HEADS, TABLE.transpose(0, 1)),
        ((B, HEADS), HEADS, TABLE),
        ((1, B, HEADS), HEADS, TABLE[None]),
        ((B, HEADS, 1), HEADS, TABLE[:, :, None]),
    ],
)
def test_tables_are_parted_into_sequences_and_heads_and_joined_again(lead, stated, laid):
    axes = Lead(lead, stated)
    if lead == (HEADS, B):  # the first axis is never that of the heads
        assert axes.heads == B
        assert (axes.parted(laid) == laid).all()
        return
    assert axes.heads == HEADS
    assert (axes.parted(laid) == TABLE).all()
    assert (axes.joined(TABLE) == laid).all()


def test_a_single_table_and_one_for_each_sequence_have_one_head():
    assert (Lead((), None).parted(TABLE[0, 0]) == TABLE[:1, :1]).all()
    assert (Lead((B,), None).parted(TABLE[:, 0]) == TABLE[:, :1]).all()
    assert (Lead((), None).joined(TABLE[:1, :1]) == TABLE[0, 0]).all()
    with pytest.raises(Unclear, match="multiplies 5 tables, which are no number of 3 heads"):
        Lead((5,), HEADS).parted(torch.zeros(5, N, D))


Z = torch.arange(B * N * C, dtype=torch.float32).reshape(B, N, C)
H, W = 2, 4


@pytest.mark.parametrize(
    ("z", "sizes", "scope"),
    [
        (Z, (B, N), "space"),
        (Z.transpose(0, 1), (B, N), "spacetime"),
        (Z.reshape(B, H, W, C), (B, N), "space"),
        (Z.mT.reshape(B, C, H, W), (B, N), "space"),
        (Z.reshape(1, B, H, W, C), (B, N), "space"),
        (Z.reshape(1, B * N, C), (B, N), "space"),
        (Z.reshape(B, N, C, 1), (B, N), "space"),
        (Z[:1].reshape(2, N // 2, C), (1, N), "spacetime"),
        (Z[:1].reshape(2, H, W // 2, C).movedim(-1, 1), (1, N), "spacetime"),
        (Z.transpose(0, 1)[None], (B, N), "time"),
        (Z.mT.reshape(B, C, H, W).transpose(0, 1)[None], (B, N), "space"),
        (Z.transpose(0, 1).reshape(N, 1, B, C), (B, N), "time"),
        (Z.transpose(0, 1).mT.reshape(N, C, 1, B), (B, N), "time"),
        (Z.transpose(0, 1).reshape(1, N, 1, B, C), (B, N), "time"),
        (Z.permute(2, 1, 0).reshape(1, C, N, 1, B), (B, N), "time"),
        (Z[0], (1, N), "spacetime"),
    ],
)
def test_an_output_is_read_sequence_by_sequence(z, sizes, scope):
    expected = Z[: sizes[0]]
    assert (Laid(z, sizes, scope).rows(z) == expected).all()


def test_tokens_that_a_layer_drops_are_zeros_and_an_order_is_followed():
    laid = Laid(Z[:, 2:], (B, N), "space", first=2)
    assert laid.dropped == 2
    assert (laid.rows(Z[:, 2:])[:, :2] == 0).all()
    assert (laid.rows(Z[:, 2:])[:, 2:] == Z[:, 2:]).all()
    order = torch.tensor([3, 0, 4, 1, 2, 7, 5, 6])
    assert (Laid(Z, (B, N), "space", order=order).rows(Z) == Z[:, order]).all()


def test_queries_may_be_cells_of_a_map():
    cells = torch.tensor([[4, 0, 13, 10], [9, 5, 15, 11], [2, 7, 14, 12], [1, 3, 6, 8]])
    flat = Z.reshape(-1, C)
    laid = Laid.of_cells(Z, cells)
    assert (laid.rows(Z) == flat[cells]).all()
    maps = Z.mT.reshape(B, C, H, W)
    assert (Laid.of_cells(maps, cells).rows(maps) == flat[cells]).all()


def test_an_order_that_nobody_knows_is_refused_with_its_sizes():
    with pytest.raises(Unclear, match=r"returns \(2, 9, 7\) for 2 sequences of 8 queries: it pools or drops"):
        Laid(torch.zeros(B, N + 1, C), (B, N), "space", first=2)


def test_tensors_are_found_with_their_places():
    one, other = torch.zeros(1), torch.ones(1)
    assert list(tensors_in(one)) == [(0, one)]
    assert list(tensors_in((None, one, "a", other))) == [(1, one), (3, other)]
    assert list(tensors_in({"a": one, "b": 3, "c": other})) == [("a", one), ("c", other)]
    assert list(tensors_in("a")) == []


def test_a_map_with_as_many_channels_as_columns_is_laid_out_as_it_is_said():
    square = torch.arange(B * N * W, dtype=torch.float32).reshape(B, N, W)
    first, last = square.mT.reshape(B, W, H, W), square.reshape(B, H, W, W)
    assert (Laid(first, (B, N), "space", are_maps=True).rows(first) == square).all()
    assert (Laid(last, (B, N), "space").rows(last) == square).all()
