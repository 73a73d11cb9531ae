"""Runs of a network of one's own: as many as are needed, and every layer that attends is found, whatever its name."""

from collections import Counter

import numpy as np
import torch
from torch import nn

from nonlocal_core import InputSpec, ModelSpec, NonlocalBlock, Session

CLIP = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), np.uint8)
SEEN = InputSpec(short_side=32, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3)
C = 12


class Mixer(nn.Module):
    """A layer that attends, of which no name says so."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three, self.last = (nn.Linear(C, C) for _ in range(4))

    def forward(self, x):
        weights = (self.one(x) @ self.two(x).mT).softmax(-1)
        return self.last(weights @ self.three(x))


class InDouble(Mixer):
    """The same with a softmax in double precision, which is cast before it weighs."""

    def forward(self, x):
        weights = (self.one(x) @ self.two(x).mT).softmax(-1, dtype=torch.float64)
        return self.last(weights.to(x) @ self.three(x))


class Chooser(nn.Module):
    """A softmax and a product that have nothing to do with each other: nothing attends here."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(C, C), nn.Linear(C, C)

    def forward(self, x):
        return self.one(x).softmax(-1) + x @ self.two.weight.mT


class Network(nn.Module):
    """Patches, and layers on their tokens; counts its runs."""

    def __init__(self, **layers):
        super().__init__()
        self.patches = nn.Conv2d(3, C, 8, 8)
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.names = list(layers)

    def forward(self, x):
        RUNS["all"] += 1
        x = self.patches(x)
        for name in self.names:
            layer = getattr(self, name)
            if isinstance(layer, NonlocalBlock):
                x = layer(x[None].transpose(1, 2))[0].transpose(0, 1)
            else:
                x = x + layer(x.flatten(2).mT).mT.unflatten(2, x.shape[2:])
        return x


RUNS = Counter()


def opened(**layers):
    torch.manual_seed(3)
    network = Network(**layers)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3)
    RUNS.clear()
    return Session.from_model(network.eval(), CLIP, spec=ModelSpec(status="untrained", input_spec=SEEN))


def layers_of(session):
    return list(dict.fromkeys(block.layer for block in session.capture.blocks))


def test_layers_of_telling_and_of_other_names_are_both_found():
    session = opened(block=NonlocalBlock(C), stage=Mixer(), late=InDouble())
    assert layers_of(session) == ["block", "stage", "late"]
    assert session.unreadable == ()


def test_a_softmax_beside_a_product_is_no_layer_that_attends():
    session = opened(block=NonlocalBlock(C), stage=Chooser())
    assert layers_of(session) == ["block"]
    assert session.unreadable == ()


def test_a_network_runs_no_more_often_than_it_must():
    assert layers_of(opened(stage=Mixer())) == ["stage"]
    assert RUNS["all"] == 3  # once to see what attends, once to be shown, once for its places
