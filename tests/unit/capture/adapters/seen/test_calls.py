"""One call of a layer: what is seen inside, what the layer returns for another y or other tokens, what is refused."""

from contextvars import ContextVar

import pytest
import torch
from foreign_attention import randomise
from hand_written.parts import HEAD, HEADS, TOKENS, C, Projected, merge, split
from torch import nn

from nonlocal_core.capture.adapters.by_hand import Tables
from nonlocal_core.capture.adapters.seen.calls import WholeCall, told, watched
from nonlocal_core.capture.adapters.seen.products import Unclear

B = 2
EXACT = {"atol": 1e-5, "rtol": 0}  # numbers of about 1 in float32; worst seen 5e-7


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X = drawn(B, TOKENS, C)


def call_of(*args, **kwargs):
    return WholeCall(args[0], args, kwargs)


class Beside(Projected):
    """An attention beside which the layer adds its input."""

    def forward(self, x, times=1.0):
        q, k, v = self.parts(x)
        return x + times * self.d(merge((q @ k.mT * 0.5).softmax(-1) @ v))


class Heads(Projected):
    """One attention for each head, in a loop."""

    def forward(self, x):
        parts = [[head.squeeze(1) for head in part.split(1, dim=1)] for part in self.parts(x)]
        return self.d(torch.cat([(q @ k.mT * 0.5).softmax(-1) @ v for q, k, v in zip(*parts, strict=True)], dim=-1))


class InTurn(Projected):
    """Two attentions of one size; the first changes what the second asks, is asked or gives."""

    def __init__(self, changes):
        super().__init__()
        self.changes = changes

    def forward(self, x):
        parts = list(self.parts(x))
        first = torch.softmax(parts[0] @ parts[1].mT * 0.5, -1) @ parts[2]
        parts[self.changes] = parts[self.changes] + first
        q, k, v = parts
        return self.d(merge(torch.softmax(q @ k.mT * 0.5, -1) @ v))


class OfTwoSizes(Projected):
    """Two attentions of other sizes, neither of which hears of the other."""

    def forward(self, x):
        q, k, v = self.parts(x)
        fewer = torch.softmax(q @ k[:, :, ::2].mT, -1) @ v[:, :, ::2]
        return self.d(merge(torch.softmax(q @ k.mT, -1) @ v) + merge(fewer))


class Rooted(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(torch.softmax(q @ k.mT, -1).sqrt() @ v))


class Bent(Projected):
    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(merge(torch.softmax(torch.tanh(q @ k.mT), -1) @ v))


class Viewed(Projected):
    """A layer that asks its product for a view, which only a tensor of its own order has."""

    def forward(self, x):
        q, k, v = self.parts(x)
        return self.d(((q @ k.mT).softmax(-1) @ v).view(len(x), TOKENS, C))


def test_other_tokens_stand_wherever_the_call_brings_them():
    twin, mask, other = X.clone(), torch.ones(3), X + 1
    made = WholeCall(X, (X, mask, X), {"key": X, "memory": twin}).with_tokens(other)
    assert made.tokens is other
    assert [value is other for value in made.args] == [True, False, True]
    assert made.args[1] is mask
    assert made.kwargs["key"] is other
    assert made.kwargs["memory"] is twin, "equal numbers are other tokens"


def test_the_attention_of_a_call_is_what_the_layer_multiplied():
    layer = randomise(Beside())
    seen = watched(layer, call_of(X, times=3.0))
    q, k, v = layer.parts(X)
    for found, own in ((seen.attended.q, q), (seen.attended.k, k), (seen.attended.v, v)):
        weight = (found * own).sum() / (own * own).sum()
        torch.testing.assert_close(found, weight * own, **EXACT)
    weights = (q @ k.mT * 0.5).softmax(-1)
    scores = seen.attended.factor * seen.attended.q @ seen.attended.k.mT
    torch.testing.assert_close(scores.softmax(-1), weights, **EXACT)
    torch.testing.assert_close(seen.attended.y, weights @ v, **EXACT)
    torch.testing.assert_close(seen.output, layer(X, times=3.0), **EXACT)
    assert seen.pairwise == "embedded_gaussian"


def test_another_y_goes_the_way_of_the_layers_own_and_other_tokens_go_beside_it():
    layer = randomise(Beside())
    call = call_of(X, times=3.0)
    seen, y, other = watched(layer, call), drawn(B, HEADS, TOKENS, HEAD, seed=1), drawn(B, TOKENS, C, seed=2)
    torch.testing.assert_close(seen.run(y), X + 3 * layer.d(merge(y)), **EXACT)
    rested = seen.resting(call.with_tokens(other), seen.attended.y)
    torch.testing.assert_close(rested, other + 3 * layer.d(merge(seen.attended.y)), **EXACT)


def test_y_of_any_order_in_memory_can_be_viewed_by_the_layer():
    layer = randomise(Viewed())
    y = drawn(B, TOKENS, HEADS, HEAD, seed=1).transpose(1, 2)
    assert not y.is_contiguous()
    seen = watched(layer, call_of(X))
    torch.testing.assert_close(seen.run(y), layer.d(y.reshape(B, TOKENS, C)), **EXACT)


def test_a_loop_over_heads_is_one_attention():
    layer = randomise(Heads())
    seen, (_, _, v) = watched(layer, call_of(X)), layer.parts(X)
    torch.testing.assert_close(seen.attended.v, v, **EXACT)
    y = drawn(B, HEADS, TOKENS, HEAD, seed=1)
    torch.testing.assert_close(seen.run(y), layer.d(merge(y)), **EXACT)


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_two_attentions_that_follow_each_other_are_not_one(changes):
    with pytest.raises(Unclear, match="is a InTurn, in which this viewer saw 2 softmaxes of products, where"):
        watched(randomise(InTurn(changes)), call_of(X))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (OfTwoSizes, "saw 2 softmaxes of products"),
        (nn.Identity, "is a Identity, in which this viewer saw no softmax of products, where it can show one"),
        (Rooted, "is a Rooted, which changes its softmax of products before it meets the values"),
        (Bent, "is a Bent, whose softmax is taken over other scores than those of one product"),
    ],
)
def test_what_is_not_one_attention_is_refused_by_what_it_is(layer, said):
    with pytest.raises(Unclear, match=said):
        watched(layer(), call_of(X))


def test_the_call_is_repeated_outside_of_what_surrounds_it():
    recording = ContextVar("recording", default=False)
    during = []

    class Told(Beside):
        def forward(self, x):
            during.append(recording.get())
            return super().forward(x)

    layer = Told()
    token = recording.set(True)
    layer(X)
    seen = watched(layer, call_of(X))
    seen.run(seen.attended.y)
    seen.resting(call_of(X), seen.attended.y)
    recording.reset(token)
    assert during == [True, False, False, False]


def test_tables_that_were_handed_over_are_the_attention_of_the_call():
    layer = randomise(Projected())

    def say(layer, x, *, memory):
        q, k, v = split(layer.a(x)), split(layer.b(memory)), split(layer.c(memory))
        return Tables(theta=q, phi=k, g=v[..., :2], out=lambda y: (x + 1, merge(y)), pairwise="dot_product")

    memory, other = drawn(B, 5, C, seed=1), drawn(B, TOKENS, C, seed=2)
    seen = told(say, layer, call_of(X, memory=memory))
    torch.testing.assert_close(seen.attended.k, split(layer.b(memory)), **EXACT)
    assert (seen.attended.factor, seen.attended.bias, seen.pairwise) == (1.0, None, "dot_product")
    assert seen.attended.y.shape == (B, HEADS, TOKENS, 2), "as many queries, as wide as the values"
    y = drawn(B, HEADS, TOKENS, 2, seed=3)
    assert torch.equal(seen.run(y)[1], merge(y))
    assert not seen.output[1].any()
    rested = seen.resting(call_of(other, memory=memory), seen.attended.y)
    assert torch.equal(rested[0], other + 1)
    assert not rested[1].any()
