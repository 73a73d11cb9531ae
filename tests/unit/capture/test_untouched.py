"""Somebody's network between two training steps: a look changes no loss, no random number, and nothing it holds."""

import functools
import io
import random
import threading
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from foreign_blocks import C, SaganBlock
from PIL import Image
from torch import nn

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Session

SMALL = InputSpec(short_side=24, multiple_of=8, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
SPEC = ModelSpec(input_spec=SMALL, status="untrained")  # made once: checking its types draws random numbers
STEPS = 3


def picture():
    out = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(out, "png")
    return out.getvalue()


PICTURE = picture()


class Network(nn.Module):
    """A stem, an attention on maps, a head; ``extra`` is what a look could spoil."""

    def __init__(self, extra=None, **block):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, C, 4, 4), nn.BatchNorm2d(C)
        self.attend = SaganBlock(**block)
        nn.init.constant_(self.attend.gamma, 0.5)
        self.extra = nn.Identity() if extra is None else extra
        self.drop, self.head = nn.Dropout(0.3), nn.Linear(C, 5)

    def forward(self, x):
        x = self.attend(self.norm(self.stem(x)))
        return self.head(self.drop(self.extra(x).mean((2, 3))))


class CacheBySize(nn.Module):
    """Adds a table that it makes once for each size."""

    def __init__(self):
        super().__init__()
        self.tables, self.gain = {}, nn.Parameter(torch.ones(1))

    def forward(self, x):
        size = tuple(x.shape[-2:])
        if size not in self.tables:
            self.tables[size] = torch.linspace(-1, 1, size[0] * size[1]).reshape(size)
        return x + self.gain * self.tables[size]


class CacheOfParameters(nn.Module):
    """Keeps a table that follows from its parameters until the next training step; the objects hold it."""

    def __init__(self):
        super().__init__()
        self.position, self.kept = nn.Parameter(torch.randn(1, C, 2, 2)), SimpleNamespace(tables=[])

    def forward(self, x):
        if not self.kept.tables:
            self.kept.tables.append(nn.functional.interpolate(self.position, x.shape[-2:]))
        made = x + self.kept.tables[0]
        if self.training:
            self.kept.tables.clear()
        return made


class Remembering(nn.Module):
    """Takes its table from a function that remembers what it made, which no module holds."""

    def __init__(self):
        super().__init__()
        self.table, self.gain = functools.lru_cache(lambda n: torch.linspace(-1, 1, n)), nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x + self.gain * self.table(x.shape[-1])


class LazyBuffer(nn.Module):
    """Registers its table when it first runs; a second size changes it."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, x):
        if not hasattr(self, "table"):
            self.register_buffer("table", torch.linspace(-1, 1, x.shape[-1]) * len(x))
        return x + self.gain * self.table.mean()


class Counting(nn.Module):
    """Counts its calls in a buffer, a number and a list, and computes with them."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("paces", torch.zeros(()))
        self.calls, self.sizes = 0, []

    def forward(self, x):
        self.seen.add_(1)
        self.paces.data = self.paces.data + 1
        self.calls += 1
        self.sizes.append(len(x))
        return x * (1 + 0.1 * self.seen + 0.01 * self.calls + 0.02 * self.paces + 0.001 * sum(self.sizes))


class Noisy(nn.Module):
    """Draws from every generator in every mode, and from some of its own."""

    def __init__(self):
        super().__init__()
        self.torchs, self.numpys = torch.Generator().manual_seed(5), np.random.default_rng(5)
        self.pythons = random.Random(5)

    def forward(self, x):
        drawn = [random.random(), np.random.rand(), self.pythons.random(), self.numpys.random()]  # noqa: NPY002
        noise = torch.randn_like(x) + torch.randn(x.shape, generator=self.torchs)
        return x + 0.1 * noise + sum(drawn)


class NotForCopying(SaganBlock):
    """Holds a lock, a generator and a hook that counts."""

    def __init__(self):
        super().__init__(keeps_map=True)
        self.lock, self.generator, self.looks = threading.Lock(), torch.Generator().manual_seed(3), []
        self.value_conv.register_forward_hook(lambda *_: self.looks.append(torch.rand(1, generator=self.generator)))


def old(norm):
    def wrapped(layer):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return norm(layer)

    return wrapped


NETWORKS = {
    "batch norm and dropout": Network,
    "cache by size": lambda: Network(CacheBySize()),
    "cache of parameters": lambda: Network(CacheOfParameters()),
    "cache in a function": lambda: Network(Remembering()),
    "lazy buffer": lambda: Network(LazyBuffer()),
    "counting": lambda: Network(Counting()),
    "random in every mode": lambda: Network(Noisy()),
    "keeps its last map": lambda: Network(keeps_map=True),
    "old weight norm": lambda: Network(layer=old(nn.utils.weight_norm)),
    "weight norm": lambda: Network(layer=nn.utils.parametrizations.weight_norm),
    "old spectral norm": lambda: Network(layer=old(nn.utils.spectral_norm)),
    "spectral norm": lambda: Network(layer=nn.utils.parametrizations.spectral_norm),
}


def look(network, frozen):
    network.eval()
    if frozen:
        network.drop.train()  # left otherwise on purpose
    modes = {name: module.training for name, module in network.named_modules()}
    session = Session.from_model(network, PICTURE, spec=SPEC)
    assert [block.name for block in session.capture.blocks] == ["attend"]
    assert {name: module.training for name, module in network.named_modules()} == modes
    network.train()
    if frozen:
        network.norm.eval()


def blink(network, frozen):
    """The same change of modes without a look."""
    network.eval().train()
    if frozen:
        network.norm.eval()


def training(make, between, *, frozen=False):
    """Train a few steps with something between any two parts of them; return all that follows from it."""
    random.seed(2), np.random.seed(2), torch.manual_seed(2)  # noqa: NPY002
    network = make()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    clips, losses = torch.randn(STEPS, 3, 3, 24, 40), []
    for clip in clips:
        between(network, frozen)
        loss = network(clip).square().mean()
        between(network, frozen)
        optimiser.zero_grad()
        loss.backward()
        between(network, frozen)
        optimiser.step()
        losses.append(loss.item())
    drawn = [random.random(), float(np.random.rand()), float(torch.rand(1))]  # noqa: NPY002
    return losses, drawn, {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("case", NETWORKS)
@pytest.mark.parametrize("frozen", [False, True])
def test_training_goes_on_as_without_a_look(case, frozen):
    losses, drawn, state = training(NETWORKS[case], look, frozen=frozen)
    plain_losses, plain_drawn, plain_state = training(NETWORKS[case], blink, frozen=frozen)
    assert losses == plain_losses
    assert drawn == plain_drawn
    assert state.keys() == plain_state.keys()
    assert all(torch.equal(value, plain_state[name]) for name, value in state.items())
    assert len(set(losses)) == STEPS  # the steps do change something


def held(network):
    """Identity and content of everything that the modules hold."""
    found = {}
    for name, module in network.named_modules():
        for key, value in vars(module).items():
            found[name, key] = (id(value), repr(value))
    flags = {name: (value.requires_grad, value.grad) for name, value in network.named_parameters()}
    return found, flags


def test_a_run_that_fails_leaves_the_network_as_it_was_too():
    network = Network(Noisy(), keeps_map=True).eval()
    network.later = Counting()
    network.head = nn.Linear(C + 1, 5)
    network.stem.weight.requires_grad_(False)
    before, drawn = held(network), torch.get_rng_state()
    with pytest.raises(CaptureError, match="Network failed on an input of"):
        Session.from_model(network, PICTURE, spec=SPEC)
    assert held(network) == before
    assert torch.equal(torch.get_rng_state(), drawn)


def test_a_block_that_cannot_be_copied_whole_is_read_and_its_hooks_stay_silent_for_the_copy():
    torch.manual_seed(0)
    network = Network()
    network.attend = NotForCopying()
    nn.init.constant_(network.attend.gamma, 0.5)
    network(torch.randn(2, 3, 24, 40)).sum().backward()  # leaves a map with a history
    state, looks = network.attend.generator.get_state(), len(network.attend.looks)
    session = Session.from_model(network.eval(), PICTURE, spec=SPEC)
    assert len(session.capture.blocks) == 1
    assert torch.equal(network.attend.generator.get_state(), state)
    assert len(network.attend.looks) == looks
    assert network.attend.last_map.grad_fn is not None


def test_a_look_inside_inference_mode_leaves_nothing_that_cannot_be_trained_with():
    network = Network(CacheBySize())
    with torch.inference_mode():
        Session.from_model(network.eval(), PICTURE, spec=SPEC)
    network.train()(torch.randn(2, 3, 24, 40)).sum().backward()


def test_layers_without_weights_are_refused_before_they_make_some():
    network = Network(nn.LazyConv2d(C, 1)).eval()
    with pytest.raises(CaptureError, match=r"'extra\.weight' has no values yet"):
        Session.from_model(network, PICTURE, spec=SPEC)
    assert nn.parameter.is_lazy(network.extra.weight)
