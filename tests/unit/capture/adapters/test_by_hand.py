"""Tables that are handed over: proved like any others, and refused with what is wrong about them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from foreign_attention import randomise
from hand_written import formulas, maps
from hand_written.network import CLIP, ROW_PRECISION, SPEC, Around, expected, opened, own_rows
from hand_written.parts import TOKENS, merge
from torch import nn
from torch.nn import functional
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Session, Tables, UnknownNameError
from nonlocal_core.capture import many_row_weights


def softmax_by_hand(layer, x):
    q, k, v = layer.parts(x)
    return Tables(theta=q, phi=k, g=v, out=lambda y: layer.d(merge(y)), scale=0.5)


def linear(layer, x):
    """Weights of kernels are plain products, the sum below divided into the queries."""
    q, k, v = layer.parts(x)
    q, k = functional.elu(q) + 1, functional.elu(k) + 1
    q = TOKENS * q / (q * k.sum(2, keepdim=True)).sum(-1, keepdim=True)
    return Tables(theta=q, phi=k, g=v, out=lambda y: layer.d(merge(y)), pairwise="dot_product")


def divided(layer, x):
    a, b, content = (part(x).flatten(2).mT[:, None] for part in (layer.embed_a, layer.embed_b, layer.content))

    def out(y):
        return x + layer.restore(y[:, 0].mT.reshape(len(x), -1, *x.shape[2:]))

    return Tables(theta=a, phi=b, g=content, out=out, pairwise="dot_product")


BY_HAND = {
    "softmax": (formulas.SoftmaxByHand, "tokens", softmax_by_hand),
    "divided afterwards": (formulas.DividedAfterwards, "tokens", softmax_by_hand),
    "dot product": (maps.DividedNonlocal, "clip", divided),
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_tables_that_are_handed_over_are_proved_and_give_the_forms_rows(kind):
    form, fed, say = BY_HAND[kind]
    model, session = opened(fed, form, by_hand={form.__name__: say})
    own = own_rows(model, session, form.__name__)
    for head, block in enumerate(session.capture.blocks):
        assert block.rebuild_error < 1e-4
        rows = many_row_weights(block, np.arange(block.query_grid.size))
        np.testing.assert_allclose(rows, expected(block, own[:, head]), atol=ROW_PRECISION)


def test_weights_of_kernels_are_handed_over_as_products():
    _, session = opened("tokens", formulas.Linear, by_hand={"Linear": linear})
    block = session.capture.blocks[0]
    rows = many_row_weights(block, np.arange(block.query_grid.size))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=ROW_PRECISION)
    assert block.pairwise == "dot_product"
    assert block.rebuild_error < 1e-4


def test_wrong_tables_are_refused_and_right_ones_of_the_same_network_are_not():
    def turned(layer, x):
        right = softmax_by_hand(layer, x)
        return replace(right, theta=right.phi, phi=right.theta)

    model = randomise(Around("tokens", formulas.SoftmaxByHand)).eval()
    with pytest.raises(CaptureError, match=r"SoftmaxByHand cannot be proved: its output, rebuilt .* is off by"):
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"SoftmaxByHand": turned}))
    assert (
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"SoftmaxByHand": softmax_by_hand})).unreadable == ()
    )


class Pair(nn.Module):
    """Two layers behind each other, which return their weights too."""

    def __init__(self):
        super().__init__()
        self.patches, self.layers = nn.Conv2d(3, 12, 8, 8), nn.ModuleList(Returns() for _ in range(2))

    def forward(self, frames):
        RUNS.append(len(frames))
        x = self.patches(frames).flatten(2).mT
        for layer in self.layers:
            x = x + layer(x)[0]
        return x


class Returns(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Linear(12, 12) for _ in range(4))

    def parts(self, x):
        return (part(x).unflatten(-1, (3, 4)).transpose(1, 2) for part in (self.a, self.b, self.c))

    def forward(self, x):
        q, k, v = self.parts(x)
        weights = (0.5 * q @ k.mT).softmax(-1)
        return self.d((weights @ v).transpose(1, 2).flatten(2)), weights


RUNS = []


def test_layers_behind_one_that_is_told_are_placed_in_one_run_by_what_it_gathered():
    """If it gathered nothing there, every position behind it would move, whatever of the clip is changed."""

    def told(layer, x):
        q, k, v = layer.parts(x)
        return Tables(theta=q, phi=k, g=v, out=lambda y: layer.d(y.transpose(1, 2).flatten(2)), scale=0.5)

    torch.manual_seed(0)
    network = Pair().eval()
    RUNS.clear()
    clip = np.random.default_rng(3).integers(0, 256, (2, 64, 96, 3), np.uint8)
    spec = ModelSpec(
        status="untrained",
        input_spec=InputSpec(short_side=64, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3),
        by_hand={"layers.0": told, "layers.1": told},
    )
    session = Session.from_model(network, clip, spec=spec)
    assert session.unreadable == ()
    assert len(session.capture.blocks) == 6
    assert RUNS == [2, 2]  # the recorded run, and one that proves the places


def test_what_is_handed_over_wrongly_is_said():
    model = randomise(Around("tokens", formulas.SoftmaxByHand)).eval()
    with pytest.raises(CaptureError, match="by_hand names a layer 'blok', which Around has not"):
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"blok": softmax_by_hand}))
    with pytest.raises(CaptureError, match="what by_hand names for it returned a tuple, where Tables are expected"):
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"SoftmaxByHand": lambda layer, x: layer.parts(x)}))


@pytest.mark.usefixtures("unchecked")
def test_tables_that_do_not_belong_together_are_said():
    some = torch.rand(1, 2, 3, 4)
    with pytest.raises(CaptureError, match=r"got \(1, 2, 3, 4\), \(1, 2, 3, 4\), \(1, 2, 2, 4\)"):
        Tables(theta=some, phi=some, g=some[:, :, :2], out=torch.relu)
    with pytest.raises(CaptureError, match=r"theta \(B, heads, n, Ci\)"):
        Tables(theta=some[0], phi=some[0], g=some[0], out=torch.relu)
    with pytest.raises(UnknownNameError, match="embedded_gaussian"):
        Tables(theta=some, phi=some, g=some, out=torch.relu, pairwise="cosine")
    with pytest.raises(CaptureError, match=r"multiply theta by 0\.5"):
        Tables(theta=some, phi=some, g=some, out=torch.relu, pairwise="dot_product", scale=0.5)


def test_tables_that_hang_on_a_failure_are_refused_in_a_sentence():
    def broken(layer, x):
        raise IndexError("too far")

    model = randomise(Around("tokens", formulas.SoftmaxByHand)).eval()
    with pytest.raises(CaptureError, match="SoftmaxByHand could not be read: too far"):
        Session.from_model(model, CLIP, spec=replace(SPEC, by_hand={"SoftmaxByHand": broken}))
