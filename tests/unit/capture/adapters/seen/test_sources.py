"""Sources of queries and keys, for layers whose orders a test has chosen."""

import pytest
import torch
from torch import nn

from nonlocal_core.capture.adapters.seen.sources import (
    arranged,
    channels_first,
    parted,
    sources_of,
    tokens_of,
    why_too_many,
)
from nonlocal_core.capture.adapters.seen.windows import GivenMap
from nonlocal_core.capture.reading import NotReadable

B, N, C = 2, 5, 4
X = torch.randn(B, N, C, generator=torch.Generator().manual_seed(0))


def heads(table):
    return torch.stack([table, 2 * table], dim=1)


def test_axes_say_sequences_and_tokens():
    for shape, sizes in (((2, 5, 4), (2, 5)), ((3, 4, 5, 7), (3, 35)), ((1, 4, 2, 5, 7), (1, 70))):
        assert tokens_of(torch.zeros(shape)) == sizes
    for shape in ((2, 4, 2, 5, 7), (5, 4), (5,)):
        assert tokens_of(torch.zeros(shape)) is None
    assert tokens_of(torch.zeros(2, 5, 4, dtype=torch.long)) is None


def test_every_query_and_key_is_traced_to_its_token_or_to_none():
    order = torch.tensor([3, 0, 4, 1, 2])

    def tables(x):
        own = torch.ones(B, 2, C)
        return heads(x[:, order]), heads(torch.cat([own, x.flip(1)], dim=1))

    queries, keys = sources_of(tables, X)
    offsets = N * torch.arange(B)[:, None]
    assert (queries == order + offsets).all()
    assert (keys[:, :2] == -1).all()
    assert (keys[:, 2:] == torch.arange(N).flip(0) + offsets).all()


def test_cells_of_maps_are_traced_too():
    x = torch.randn(3, C, 2, 3, generator=torch.Generator().manual_seed(1))

    def tables(maps):
        rows = maps.permute(0, 2, 3, 1).flatten(0, 1)  # each row of each frame
        return heads(rows), heads(rows)

    queries, _ = sources_of(tables, x)
    assert queries.tolist() == torch.arange(18).reshape(6, 3).tolist()


def test_tables_of_other_sizes_and_sums_of_tokens_are_none():
    calls = iter(range(100))
    assert sources_of(lambda x: (heads(x[:, : N - next(calls) % 2]), heads(x)), X) is None
    mixed = X.clone()
    assert sources_of(lambda x: (heads(x + x.roll(1, 1)), heads(x)), mixed) is None


def test_tokens_that_a_layer_adds_come_first_and_must_be_alike_in_all_sequences():
    queries = torch.tensor([[-1, 1, 0, 2], [-1, 4, 3, 5]])
    keys = torch.tensor([[2, -1, 0, -1, 1], [5, -1, 3, -1, 4]])
    made = arranged((queries, keys), 3)
    assert (made.inner_queries, made.inner_keys) == (1, 2)
    assert made.queries.tolist() == [0, 2, 1, 3]
    assert made.keys.tolist() == [1, 3, 2, 4, 0]
    other = queries.clone()
    other[1, 1:3] = torch.tensor([3, 4])
    assert arranged((other, keys), 3) is None
    assert arranged((queries, torch.tensor([[0, 1], [3, 4]])), 3) is None, "a token is missing"
    assert arranged((torch.tensor([[0, 1, 1, 2], [3, 4, 4, 5]]), keys), 3) is None


@pytest.mark.parametrize("within", [False, True])
def test_rows_of_a_map_are_windows_with_walls_along_one_axis(within):
    cells = torch.arange(24).reshape(8, 3)  # two frames of four rows
    made = parted((cells, cells), GivenMap((2, 4, 3), within))
    assert (made.thw, made.within_frames) == ((2, 4, 3), within)
    assert made.order.tolist() == list(range(24))
    assert len(made.walls) == (1 if within else 2)
    columns = torch.stack([frame.T for frame in torch.arange(24).reshape(2, 4, 3)]).reshape(6, 4)
    turned = parted((columns, columns), GivenMap((2, 4, 3), True))
    assert turned.walls[0].reshape(2, 4, 3)[0].tolist() == [[0, 1, 2]] * 4


def test_sequences_that_share_cells_or_keys_of_others_are_no_windows():
    cells = torch.arange(12).reshape(4, 3)
    assert parted((cells, cells.flip(0)), GivenMap((1, 4, 3), True)) is None
    twice = cells.clone()
    twice[0, 0] = 5
    assert parted((twice, twice), GivenMap((1, 4, 3), True)) is None
    crooked = torch.tensor([[0, 1, 2, 3], [4, 5, 6, 11], [8, 9, 10, 7]])
    said = parted((crooked, crooked), GivenMap((1, 3, 4), True))
    assert isinstance(said, NotReadable)
    assert "walls do not run along rows and columns" in said.reason


def test_a_map_with_its_channels_last_is_turned_and_turned_back():
    last = torch.arange(2.0 * 4 * 6 * 5).reshape(2, 4, 6, 5)
    turned, back = channels_first(last, 2 * 4 * 6, nn.Linear(5, 5))
    assert turned.shape == (2, 5, 4, 6)
    assert torch.equal(back(turned), last)
    first = last.movedim(-1, 1)
    assert channels_first(first, 2 * 4 * 6, nn.Linear(5, 5))[0] is first
    assert channels_first(last, 7, nn.Linear(5, 5))[0] is last


def test_sequences_that_hold_more_than_the_map_are_refused_with_what_to_feed():
    last = torch.zeros(2, 5, 7, 3)
    assert "(2, 5, 7, 3) into 8 sequences of 12 tokens, which hold padding" in why_too_many(last, 8, 12).reason
    assert why_too_many(last, 10, 7) is None
    assert why_too_many(last, 2, 99) is None, "whole maps with other tokens"
    assert why_too_many(last[0], 8, 12) is None


def test_windows_of_tokens_in_another_order_lie_where_their_cells_are():
    tokens = torch.arange(12).reshape(2, 6).T.flatten()  # the token of each cell: two units, one after the other
    sequences = torch.arange(12).reshape(2, 6)
    made = parted((sequences, sequences), GivenMap((1, 3, 4), True, tokens))
    assert made.walls[0].tolist() == [0, 1] * 6, "every second column"
    halves = torch.arange(12).reshape(3, 4).flip(0).flatten()  # rows upside down
    made = parted((torch.arange(12).reshape(3, 4),) * 2, GivenMap((1, 3, 4), True, halves))
    assert made.cells.tolist() == [[8, 9, 10, 11], [4, 5, 6, 7], [0, 1, 2, 3]]
    assert made.tokens.tolist() == torch.arange(12).reshape(3, 4).tolist()
    assert made.order.tolist() == [8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3]


def test_a_map_with_as_many_rows_as_channels_has_them_where_its_layer_takes_them():
    """DaViT at 512 pixels: 128 x 128 cells of 128 channels."""
    square = torch.zeros(2, 5, 4, 5)
    assert channels_first(square, 2 * 5 * 4, nn.Sequential(nn.Linear(5, 15)))[0].shape == (2, 5, 5, 4)
    for layer in (nn.Conv2d(5, 5, 1), nn.Identity(), nn.Sequential(nn.Conv2d(5, 5, 1), nn.Linear(5, 5))):
        assert channels_first(square, 2 * 5 * 4, layer)[0] is square
