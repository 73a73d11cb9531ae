"""Places of the queries and the keys of a call, by tokens whose numbers say where they belong."""

import pytest
import torch
from torch import nn

from nonlocal_core.capture.adapters.seen.places import SeenPlaces, inside
from nonlocal_core.capture.adapters.seen.windows import Around, GivenMap, divided
from nonlocal_core.capture.adapters.tokens.places import Fed, TokenLayout
from nonlocal_core.capture.adapters.tokens.shapes import nowhere
from nonlocal_core.capture.reading import NotReadable

T, H, W = 2, 3, 5
CELLS = H * W
SEQUENCES = {"spacetime": (1, T * CELLS), "space": (T, CELLS), "time": (CELLS, T)}
FED = Fed(frames=4, hw=(96, 160))
FINE, COARSE = 60, 15  # cells of 16 and of 32 pixels in a frame of that size


def layout(scope="space", extra=(), order="thw", frames=T):
    return TokenLayout(frames=frames, rows=H, cols=W, scope=scope, extra=extra, order=order)


def places(stated=None, *, fed=None, given=False, names=(), around=()):
    return SeenPlaces(layout=stated, is_given=given, fed=fed, around=Around(around), token_names=names)


def placed(where, *sizes, sinks=()):
    return where.placed(nn.Identity(), None, sizes, sinks)


def numbered(batch, tokens):
    """Tokens (B, N, 1) that hold their number, the sequence before the point."""
    return (100.0 * torch.arange(batch)[:, None] + torch.arange(tokens))[..., None]


@pytest.mark.parametrize("scope", ["spacetime", "space"])
def test_other_tokens_of_every_sequence_are_asked_last_and_ask_by_themselves(scope):
    batch, cells = SEQUENCES[scope]
    made = placed(places(layout(scope, ("class token",))), batch, 1 + cells, 1 + cells)
    tokens = numbered(batch, 1 + cells)
    grid = [100.0 * b + 1 + n for b in range(batch) for n in range(cells)]
    first = [100.0 * b for b in range(batch)]
    assert made.rows(tokens)[:, 0].tolist() == grid
    assert made.keys(tokens)[:, 0].tolist() == grid + first
    assert made.others(tokens)[:, 0].tolist() == first
    assert (made.thw, made.scope, made.subsample) == ((T, H, W), scope, (1, 1, 1))
    assert (made.extra, made.askers, made.has_key_grid) == (("class token",), ("class token",), True)


def test_sequences_along_time_are_put_in_the_order_of_frames():
    made = placed(places(layout("time")), CELLS, T, T)
    expected = [100.0 * cell + t for t in range(T) for cell in range(CELLS)]
    assert made.rows(numbered(CELLS, T))[:, 0].tolist() == expected
    assert made.keys(numbered(CELLS, T))[:, 0].tolist() == expected
    assert made.scope == "time"


def test_every_head_has_its_rows():
    made = placed(places(layout()), T, CELLS, CELLS)
    table = torch.stack([numbered(T, CELLS), -numbered(T, CELLS)], dim=1)
    assert torch.equal(made.each(table), torch.stack([made.rows(table[:, 0]), -made.rows(table[:, 0])]))


def test_sinks_come_before_the_other_tokens_of_a_sequence():
    made = placed(places(layout(extra=("class token",))), T, 1 + CELLS, 1 + CELLS, sinks=("sink 1", "sink 2"))
    assert made.extra == ("sink 1", "sink 2", "class token")
    assert made.askers == ("class token",)
    keys = made.keys(numbered(T, 3 + CELLS))[:, 0].tolist()
    assert keys == [100.0 * t + 3 + n for t in range(T) for n in range(CELLS)] + [0, 1, 2, 100, 101, 102]
    assert made.rows(numbered(T, 1 + CELLS))[:2, 0].tolist() == [1, 2], "queries have no sinks"


@pytest.mark.parametrize(
    ("scope", "keys", "extra", "subsample"),
    [
        ("space", 1 * 2, 1, (1, 2, 2)),
        ("space", 1, 0, (1, 3, 3)),
        ("space", 1, 1, (1, 3, 3)),  # two keys, rather with the class token than without it and pooled less
        ("spacetime", T * 2, 0, (1, 2, 2)),
        ("spacetime", T * 2, 1, (1, 2, 2)),
        ("spacetime", T * 1, 1, (1, 3, 3)),
        ("spacetime", CELLS, 0, (2, 1, 1)),
        ("spacetime", CELLS, 1, (2, 1, 1)),
        ("spacetime", 1, 0, (2, 3, 3)),
        ("spacetime", 1, 1, (2, 3, 3)),
    ],
)
def test_fewer_keys_are_cells_that_are_pooled_by_whole_numbers(scope, keys, extra, subsample):
    names = ("class token",)
    batch, cells = SEQUENCES[scope]
    made = placed(places(layout(scope, names)), batch, 1 + cells, keys + extra)
    assert made.subsample == subsample
    assert made.thw == (T, H, W), "of the queries"
    assert (made.extra, made.askers) == (names[:extra], names)
    tokens = numbered(batch, keys + extra)
    grid = [100.0 * b + extra + n for b in range(batch) for n in range(keys)]
    assert made.keys(tokens)[:, 0].tolist() == grid + [100.0 * b for b in range(batch)][: batch * extra]


@pytest.mark.parametrize(
    ("scope", "keys", "said"),
    [
        ("space", 7, "has 7 keys for 15 queries on a grid of 2x3x5 cells, which are no cells of it pooled"),
        ("spacetime", 7, "has 7 keys for 30 queries on a grid of 2x3x5 cells"),
        ("time", 1, "has 1 keys for 2 queries on a grid of 2x3x5 cells"),
    ],
)
def test_keys_that_are_no_pooled_cells_are_refused_with_all_sizes(scope, keys, said):
    batch, cells = SEQUENCES[scope]
    assert placed(places(layout(scope)), batch, cells, keys).reason.startswith(said)


def test_sinks_that_cannot_be_shown_say_beside_which_keys():
    along_time = placed(places(layout("time")), CELLS, T, T, sinks=("sink 1",))
    assert along_time.reason.startswith("has sinks beside keys along time")
    assert placed(places(layout()), T, 7, 7, sinks=("sink 1",)).reason.startswith("has sinks beside keys that are no")


def test_queries_that_are_no_grid_are_refused_by_what_may_have_become_of_them():
    pooled = placed(places(layout()), T, 4, CELLS)
    assert pooled.reason.startswith("has 2 sequences of 4 queries for 15 keys each: it pools its queries")
    assert placed(places(layout()), T, CELLS + 2, CELLS) == nowhere(None, T, CELLS + 2)
    assert placed(places(layout(), given=True), T, 4, 4) == nowhere(None, T, 4), "no windows beside what is given"


def test_a_grid_follows_from_the_input_where_nothing_else_states_it():
    assert placed(places(fed=FED), 4, FINE, FINE).thw == (4, 6, 10)
    assert placed(places(layout(), fed=FED), 4, FINE, FINE).thw == (4, 6, 10)
    assert isinstance(placed(places(layout(), fed=FED, given=True), 4, FINE, FINE), NotReadable)
    named = places(layout(extra=("class token",)), fed=FED)
    assert placed(named, 4, 1 + FINE, 1 + FINE).extra == ("class token",)


@pytest.mark.parametrize(("frames", "fits"), [(4, True), (5, False)])
def test_a_network_cannot_state_more_frames_than_it_is_fed_but_its_user_can(frames, fits):
    stated = layout(frames=frames)
    assert places(stated, fed=FED).are_grid(frames, CELLS) == fits
    assert places(stated, fed=FED, given=True).are_grid(frames, CELLS)


def test_places_are_possible_where_anything_tells_them():
    assert not places().is_possible
    assert places(layout()).is_possible
    assert places(fed=FED).is_possible


class Halved(nn.Module):
    """Cuts the columns of a map (T, 4, 6, C) into halves that attend by themselves."""

    def __init__(self):
        super().__init__()
        self.attends = nn.Identity()

    def forward(self, x):
        return self.attends(x.unflatten(2, (2, 3)).transpose(1, 2).reshape(-1, 12, x.shape[-1]))


def test_windows_are_learned_at_the_first_call_of_a_size_and_remembered():
    block, made = Halved(), []
    where = places(around=(block,))
    stop = where.around.watch()
    hook = block.attends.register_forward_hook(
        lambda layer, given, _: made.append(where.placed(layer, given[0], (4, 12, 12)))
    )
    block(torch.randn(T, 4, 6, 5, generator=torch.Generator().manual_seed(0)))
    hook.remove()
    stop()
    (first,) = made
    assert (first.thw, first.scope, first.askers) == ((T, 4, 6), "space", ())
    assert first.walls[0].reshape(T, 4, 6)[0, 0].tolist() == [0, 0, 0, 1, 1, 1]
    again = where.placed(block.attends, None, (4, 12, 12))  # which the network around is not asked for
    assert torch.equal(again.walls[0], first.walls[0])
    assert isinstance(where.placed(block.attends, None, (2, 24, 24)), NotReadable)


@pytest.mark.parametrize(
    ("thw", "within", "scope"),
    [((2, 2, 3), True, "space"), ((2, 2, 3), False, "spacetime"), ((1, 4, 3), False, "space")],
)
def test_keys_within_windows_are_those_of_the_frame_where_each_is_cut_or_there_is_one(thw, within, scope):
    cells = torch.arange(12).reshape(2, 6)
    made = inside(divided(cells, thw, within))
    assert (made.thw, made.scope, made.extra, made.padding) == (thw, scope, (), None)
    tokens = cells[..., None].float()
    assert made.rows(tokens)[:, 0].tolist() == made.keys(tokens)[:, 0].tolist() == list(range(12))


def test_padding_of_windows_is_a_key_of_its_own():
    made = inside(divided(torch.tensor([[0, 1, -1], [2, 3, -1]]), (1, 2, 2), True))
    assert made.extra == ("padding",)
    assert made.padding.tolist() == [[False, False, True]] * 2
    assert made.rows(numbered(2, 3))[:, 0].tolist() == [0, 1, 100, 101]


def test_queries_put_beside_the_input_ask_and_are_asked_before_its_other_tokens():
    made = places(layout(extra=("class token",))).joined(T, 1 + CELLS, (("token 1",), ("memory 1", "memory 2")))
    assert made.askers == ("token 1", "class token")
    assert made.extra == ("memory 1", "memory 2", "class token")
    assert made.rows(numbered(T, 2 + CELLS))[[0, -1], 0].tolist() == [2, 101.0 + CELLS]
    keys = made.keys(numbered(T, 3 + CELLS))[:, 0].tolist()
    assert keys[:2] == [3, 4]
    assert keys[T * CELLS :] == [0, 1, 2, 100, 101, 102]
    assert places(layout("time")).joined(CELLS, T, ((), ())) == nowhere(None, CELLS, T)
    assert places(layout()).joined(T, 7, ((), ())) == nowhere(None, T, 7)


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((T, 8, H, W), ((T, H, W), True)),
        ((1, 8, T, H, W), ((T, H, W), False)),
        ((T, CELLS, 8), ((T, H, W), True)),
        ((T, CELLS + 1, 8), None),
    ],
)
def test_an_input_is_a_map_by_its_axes_or_by_what_is_stated(shape, found):
    made = places(layout()).map_of(torch.zeros(shape))
    assert made == (None if found is None else GivenMap(*found))


def test_tokens_in_another_order_than_a_map_are_none():
    whole = torch.zeros(1, T * CELLS, 8)
    assert places(layout("spacetime")).map_of(whole) == GivenMap((T, H, W), False)
    assert places(layout("spacetime", order="hwt")).map_of(whole) is None
    assert places(layout(extra=("class token",))).map_of(torch.zeros(T, 1 + CELLS, 8)) is None
    assert places(layout("time")).map_of(torch.zeros(CELLS, T, 8)) is None


@pytest.mark.parametrize(
    ("queries", "keys", "names", "asks"),
    [
        (FINE, 5, (), "grid"),
        (5, FINE, (), "list"),
        (FINE, 1 + FINE, (), "grid"),  # a grid behind fewer other tokens is one rather
        (1 + FINE, FINE, (), "list"),
        (FINE, COARSE, (), "list"),  # both are grids alike
        (FINE, COARSE, tuple("abcdefghijklmno"), "grid"),
        (COARSE, FINE, tuple("abcdefghijklmno"), "list"),
    ],
)
def test_one_of_queries_and_keys_is_a_grid_and_the_other_a_list(queries, keys, names, asks):
    made = places(fed=FED, names=names).one_side(4, queries, keys)
    tokens = numbered(4, max(queries, keys))
    if asks == "grid":
        assert (made.thw, made.askers, made.has_key_grid) == ((4, 6, 10), (), False)
        assert made.extra == (names or tuple(f"token {n + 1}" for n in range(keys)))
        assert made.rows(tokens[:, :queries])[:, 0].tolist() == tokens[:, :queries].flatten().tolist()
        assert made.keys(tokens[:, :keys])[:, 0].tolist() == tokens[:, :keys].flatten().tolist()
    else:
        grid = (4, 6, 10) if keys == FINE else (4, 3, 5)
        assert (made.thw, made.extra, made.has_key_grid) == (grid, (), True)
        assert made.askers == (names if len(names) == queries else tuple(f"query {n + 1}" for n in range(queries)))
        assert made.rows(tokens[:, :queries]).shape == (0, 1)
        assert made.others(tokens[:, :queries])[:, 0].tolist() == tokens[:, :queries].flatten().tolist()
        assert made.keys(tokens[:, :keys])[:, 0].tolist() == tokens[:, :keys].flatten().tolist()


def test_a_list_keeps_the_other_tokens_of_its_grid():
    stated = layout(extra=("class token",))
    asked = places(stated).one_side(T, 4, 1 + CELLS)
    assert (asked.extra, asked.askers) == (("class token",), ("query 1", "query 2", "query 3", "query 4"))
    asks = places(stated).one_side(T, 1 + CELLS, 4)
    assert asks.rows(numbered(T, 1 + CELLS))[0, 0] == 1


def test_two_lists_and_lists_beside_time_are_refused_with_their_sizes():
    assert isinstance(places(fed=FED).one_side(4, 7, 5), NotReadable)
    assert places(fed=FED, names=tuple("abcde")).one_side(4, 7, 5) == nowhere(FED, 4, 7)
    along_time = places(layout("time"))
    assert isinstance(along_time.one_side(CELLS, T, 9), NotReadable)
    assert isinstance(along_time.one_side(CELLS, 9, T), NotReadable)
