"""Twins of a block: bound to themselves, in their own precision, with weights and input that hide nothing."""

from collections import namedtuple

import torch
from torch import nn

from nonlocal_core.capture.reading import BlockSite, Call
from nonlocal_core.capture.twin import randomise, run_twin, twin_of, with_noise

Named = namedtuple("Named", "value")
X = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(1))


class Block(nn.Module):
    """A block whose last layer is still zero, as it begins, and which normalises what it adds."""

    def __init__(self):
        super().__init__()
        self.inner, self.norm, self.out = nn.Linear(6, 6), nn.BatchNorm1d(4), nn.Linear(6, 6)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x, other=None, mask=None, named=None):
        kept = 0 if named is None else named.value
        assert mask is None or mask.dtype == torch.bool
        return x + self.out(self.norm(self.inner(x if other is None else x + other[0]))) + kept


class Reader:
    """A reader that holds its block."""

    def __init__(self, block):
        self.block = block

    def read(self, x):
        raise NotImplementedError

    def first(self, args, kwargs):
        return args[0]


def site_of(block):
    reader = Reader(block)
    return BlockSite(name="a", title="a", module=block, reader=reader, status="trained", inputs=reader.first)


def test_a_twin_is_bound_to_its_own_reader_and_free_of_the_network():
    block = Block().eval()
    twin = twin_of(site_of(block))
    assert twin.reader.block is twin.module is not block
    assert twin.inputs.__self__ is twin.reader
    randomise(twin.module)
    assert not block.out.weight.any()


def test_a_twin_runs_the_same_call_in_its_own_precision_without_autocast():
    block = Block().eval()
    twin = twin_of(site_of(block))
    randomise(twin.module)
    mask, step = torch.ones(4, dtype=torch.bool), torch.tensor(3)
    arguments = {"other": [X.half()], "mask": mask, "named": Named(0.25)}
    with torch.autocast("cpu", torch.bfloat16):
        call = run_twin(twin, Call(args=(X,), kwargs=arguments, output=X), torch.float64)
    assert call.output.dtype == call.args[0].dtype == call.kwargs["other"][0].dtype == torch.float64
    assert call.kwargs["mask"] is mask or call.kwargs["mask"].dtype == torch.bool
    assert call.kwargs["named"] == Named(0.25)
    assert step.dtype == torch.int64
    expected = twin.module(X.double(), other=[X.half().double()], mask=mask, named=Named(0.25))
    assert torch.equal(call.output, expected)


def test_random_weights_show_every_part_and_are_the_same_each_time():
    first, second = Block(), Block()
    for block in (first, second):
        randomise(block)
    assert not first.training
    for (name, value), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(value, other), name
        if value.is_floating_point():
            assert value.dtype == torch.float64
            assert value.abs().min() > 0, name
            assert value.std() > 0.05, name
    assert (first.norm.running_var >= 0.5).all()
    assert (first.norm.running_mean < 0).any()


def test_noise_takes_the_place_of_the_inputs_and_of_nothing_else():
    key, mask = X.clone(), torch.zeros(1, 4, 6, dtype=torch.bool)
    bias = torch.zeros(4, 4)
    call = with_noise(Call(args=(X, key), kwargs={"value": X, "mask": mask, "bias": bias}, output=X), (X, key, mask))
    query, keys, value = *call.args, call.kwargs["value"]
    assert query is value, "equal tensors stay equal"
    assert not torch.equal(query, keys)
    assert query.shape == keys.shape == X.shape
    assert 0.3 < float(query.std()) * 6**0.25 < 3
    assert call.kwargs["mask"] is mask
    assert call.kwargs["bias"] is bias
    assert call.output is X


def test_noise_of_a_map_is_as_large_as_its_channels_ask():
    x = torch.zeros(1, 256, 2, 8, 8)
    (noise,) = with_noise(Call(args=(x,), kwargs={}, output=x), x).args
    assert abs(float(noise.std()) * 256**0.25 - 1) < 0.05
    (again,) = with_noise(Call(args=(x,), kwargs={}, output=x), x).args
    assert torch.equal(noise, again)


class Silent(nn.Linear):
    """A layer whose own ``train``, and with it ``eval``, returns nothing, as LeViT's in timm 1.0.31."""

    def train(self, mode=True):
        super().train(mode)


def test_a_copy_of_a_layer_whose_eval_returns_nothing_gets_its_weights():
    layer = Silent(3, 5)
    nn.init.zeros_(layer.weight)
    randomise(layer)
    assert layer.weight.dtype == torch.float64
    assert bool(layer.weight.std() > 0)
