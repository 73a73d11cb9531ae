"""Reading of a layer by its products: tables in the order of the grid, names of what is no position, and refusals."""

import pytest
import torch
from foreign_attention import randomise
from hand_written.keys import ExtraKey
from hand_written.layers import ChannelsOfTokens, ColumnsOfTokens, OwnClassToken, OwnQueries
from hand_written.parts import COLS, HEAD, HEADS, ROWS, TOKENS, C, Projected, merge, split
from torch import nn

from nonlocal_core.capture.adapters.by_hand import Tables
from nonlocal_core.capture.adapters.seen.places import SeenPlaces
from nonlocal_core.capture.adapters.seen.reader import SeenReader
from nonlocal_core.capture.adapters.seen.windows import Around, divided
from nonlocal_core.capture.adapters.tokens.masks import BLOCKED
from nonlocal_core.capture.adapters.tokens.places import TokenLayout
from nonlocal_core.errors import CaptureError

T = 2
CLOSE = {"atol": 1e-4, "rtol": 0}  # numbers of about 10 in float32; worst seen 4e-6


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X = drawn(T, TOKENS, C)


def reader_of(layer, extra=(), say=None, **more):
    layout = TokenLayout(frames=T, rows=ROWS, cols=COLS, scope="space", extra=extra)
    places = SeenPlaces(**{"layout": layout, "is_given": False, "fed": None, "around": Around(())} | more)
    return SeenReader(module=randomise(layer), places=places, say=say)


def called(reader, *args, **kwargs):
    with torch.no_grad():
        return reader.read(reader.inputs(args, kwargs))


def scores(reading, t, keys=TOKENS):
    """Scores of the queries of a frame on the positions of that frame, (heads, n, keys)."""
    own, asked = slice(t * TOKENS, (t + 1) * TOKENS), slice(t * keys, (t + 1) * keys)
    return reading.scale * reading.theta[:, own] @ reading.phi[:, asked].mT


class Plain(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge((q @ k.mT * 0.5).softmax(-1) @ v))


class Caching(Plain):
    """A layer that puts its keys behind those of the calls before."""

    def forward(self, x, past_key_values=None):
        q, k, v = self.parts(x)
        if past_key_values is not None:
            past_key_values.append((k, v))
            k, v = (torch.cat(parts, dim=2) for parts in zip(*past_key_values, strict=True))
        return self.d(merge((q @ k.mT * 0.5).softmax(-1) @ v))


def test_a_cache_of_keys_does_not_grow_with_every_run():
    reader, cache = reader_of(Caching()), []
    assert called(reader, X, past_key_values=cache).query_thw == (T, ROWS, COLS)
    assert cache == []


class Biased(Plain):
    """A layer that adds a number for each pair of tokens."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(TOKENS, TOKENS))

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge((q @ k.mT * 0.5 + self.table).softmax(-1) @ v))


class HeadsInBatch(Projected):
    """Heads and sequences in one axis, and no word of how many there are."""

    def __init__(self):
        super().__init__()
        del self.num_heads

    def forward(self, x):
        q, k, v = (part.flatten(0, 1) for part in self.parts(x))
        return self.d(merge(((q @ k.mT * 0.5).softmax(-1) @ v).unflatten(0, (len(x), HEADS))))


class Cross(Projected):
    def forward(self, x, memory):
        weights = (split(self.a(x)) @ split(self.b(memory)).mT * 0.5).softmax(-1)
        return self.d(merge(weights @ split(self.c(memory))))


class Registers(Projected):
    """Two learned keys before those of the tokens."""

    def __init__(self):
        super().__init__()
        self.own, self.runs = nn.Parameter(torch.zeros(1, 2, C)), 0

    def forward(self, x):
        self.runs += 1
        asked = torch.cat([self.own.expand(len(x), -1, -1), x], dim=1)
        weights = (split(self.a(x)) @ split(self.b(asked)).mT * 0.5).softmax(-1)
        return self.d(merge(weights @ split(self.c(asked))))


class RegistersAndSink(Registers):
    def forward(self, x):
        asked = torch.cat([self.own.expand(len(x), -1, -1), x], dim=1)
        table = split(self.a(x)) @ split(self.b(asked)).mT * 0.5
        weights = torch.cat([table, torch.zeros_like(table[..., :1])], dim=-1).softmax(-1)[..., :-1]
        return self.d(merge(weights @ split(self.c(asked))))


@pytest.mark.parametrize("form", [Plain, HeadsInBatch])
def test_tables_are_the_layers_own_by_head_and_frame_with_other_tokens_last(form):
    x = drawn(T, 1 + TOKENS, C)
    reader = reader_of(form(), extra=("class token",))
    reading = called(reader, x)
    q, k, v = reader.module.parts(x)
    for t in range(T):
        torch.testing.assert_close(scores(reading, t), 0.5 * q[t, :, 1:] @ k[t, :, 1:].mT, **CLOSE)
        cells = slice(t * TOKENS, (t + 1) * TOKENS)
        torch.testing.assert_close(reading.g[:, cells], v[t, :, 1:], **CLOSE)
        torch.testing.assert_close(reading.g[:, T * TOKENS + t], v[t, :, 0], **CLOSE)
        asked = reading.scale * reading.asker_theta[:, t : t + 1] @ reading.phi[:, cells].mT
        torch.testing.assert_close(asked, 0.5 * q[t, :, :1] @ k[t, :, 1:].mT, **CLOSE)
    assert (reading.query_thw, reading.scope, reading.subsample) == ((T, ROWS, COLS), "space", (1, 1, 1))
    assert (reading.off_grid_keys, reading.askers) == (("class token",), ("class token",))
    assert (reading.features, reading.is_walled, reading.residual) == (HEAD, False, False)


def test_what_a_layer_makes_of_its_sums_is_its_output_without_its_biases():
    x = drawn(T, 1 + TOKENS, C)
    reader = reader_of(Plain(), extra=("class token",))
    reading, layer = called(reader, x), reader.module
    made = layer(x) - layer.d.bias
    torch.testing.assert_close(reading.rows(layer(x)), made[:, 1:].flatten(0, 1), **CLOSE)
    torch.testing.assert_close(reading.asker_rows(layer(x)), made[:, 0], **CLOSE)
    y = drawn(1, 5, C, seed=1)
    torch.testing.assert_close(reading.project(y), y @ layer.d.weight.T, **CLOSE)


def test_what_is_added_to_the_scores_is_channels_behind_those_of_the_tokens():
    reader = reader_of(Biased())
    reading = called(reader, X)
    q, k, _ = reader.module.parts(X)
    assert reading.features == HEAD < reading.theta.shape[-1] == reading.phi.shape[-1]
    for t in range(T):
        torch.testing.assert_close(scores(reading, t), 0.5 * q[t] @ k[t].mT + reader.module.table, **CLOSE)


def test_columns_that_a_layer_cuts_out_itself_are_behind_walls():
    reader = reader_of(ColumnsOfTokens())
    reading = called(reader, X)
    q, k, _ = reader.module.parts(X)
    assert reading.is_walled
    column = torch.arange(TOKENS) % COLS
    same = column == column[:, None]
    for t in range(T):
        found = scores(reading, t)
        torch.testing.assert_close(found[:, same], (0.5 * q[t] @ k[t].mT)[:, same], **CLOSE)
        assert found[:, ~same].max() < BLOCKED / 2


def test_keys_that_a_layer_puts_before_its_tokens_are_found_once_for_a_size():
    reader = reader_of(Registers())
    first = called(reader, X)
    runs = reader.module.runs
    again = called(reader, X + 1)
    assert reader.module.runs - runs < runs, "the layer is not taken apart again"
    for reading, x in ((first, X), (again, X + 1)):
        assert (reading.off_grid_keys, reading.askers) == (("memory 1", "memory 2"), ())
        q, k = (split(part(x)) for part in (reader.module.a, reader.module.b))
        torch.testing.assert_close(scores(reading, 1), 0.5 * q[1] @ k[1].mT, **CLOSE)
    named = called(reader_of(Registers(), token_names=("a", "dog")), X)
    assert named.off_grid_keys == ("a", "dog")


def test_a_token_that_a_layer_takes_off_again_is_looked_at_and_does_not_ask():
    reading = called(reader_of(OwnClassToken()), X)
    assert (reading.off_grid_keys, reading.askers, reading.asker_theta) == (("memory 1",), (), None)
    assert reading.theta.shape[1] == T * TOKENS


def test_sinks_are_keys_without_a_place():
    reading = called(reader_of(ExtraKey()), X)
    assert reading.off_grid_keys == ("sink 1",)
    assert not reading.g[:, T * TOKENS :].any()
    said = called(reader_of(RegistersAndSink()), X)
    assert said.reason.startswith("has sinks beside other keys of its own")


def test_a_list_asks_or_is_asked_and_whose_it_is_follows_from_the_call():
    words = drawn(T, 5, C, seed=1)
    asking = called(reader_of(Cross()), words, X)
    assert (asking.askers, asking.has_key_grid, asking.are_inner) == (
        tuple(f"query {n}" for n in range(1, 6)),
        True,
        False,
    )
    assert asking.theta.shape[1] == 0
    asked = called(reader_of(Cross(), token_names=tuple("abcde")), X, memory=words)
    assert (asked.off_grid_keys, asked.has_key_grid, asked.askers) == (tuple("abcde"), False, ())
    inner = called(reader_of(OwnQueries()), X)
    assert (inner.askers, inner.are_inner) == (asking.askers, True)


def test_what_is_handed_over_is_read_as_it_is():
    def say(layer, x):
        q, k, v = layer.parts(x)
        return Tables(theta=q, phi=k, g=v, out=lambda y: layer.d(merge(y)), pairwise="dot_product")

    reader = reader_of(Plain(), say=say)
    reading = called(reader, X)
    q, k, _ = reader.module.parts(X)
    assert reading.pairwise == "dot_product"
    torch.testing.assert_close(reading.theta, q.transpose(0, 1).flatten(1, 2))
    torch.testing.assert_close(reading.phi, k.transpose(0, 1).flatten(1, 2))
    halves = divided(torch.arange(T * TOKENS).reshape(2 * T, -1), (T, ROWS, COLS), within=True)
    walled = reader_of(Plain(), say=say, layout=None, learned={(2 * T, TOKENS // 2): halves})
    said = called(walled, X.reshape(2 * T, TOKENS // 2, C))
    assert said.reason.startswith("attends within windows by weights that are no softmax")


def test_attention_over_channels_lies_nowhere():
    said = called(reader_of(ChannelsOfTokens()), X)
    assert said.reason == f"attends over its {HEAD} channels, which lie at no place of the clip"


def test_a_layer_without_attention_is_refused_in_words_and_training_mode_by_an_error():
    reader = reader_of(nn.Identity())
    assert called(reader, X).reason.startswith("is a Identity, in which this viewer saw no softmax of products")
    reader.module.train()
    with pytest.raises(CaptureError, match=r"Call model.eval\(\) first"):
        called(reader, X)
