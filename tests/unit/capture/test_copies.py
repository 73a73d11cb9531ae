"""Copies of a block: they compute the same, and nothing that is done to them reaches the block."""

import threading
from collections import deque

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm
from torch.nn.utils.prune import random_unstructured

from nonlocal_core.capture.copies import cast, copied_apart, settle_weight_norms

X = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def used(layer):
    """Leave on a layer what a run and a step of training leave: a gradient, and tensors with a history."""
    layer.kept = layer(X)
    layer.kept.sum().backward(retain_graph=True)
    layer.many = {"seen": [layer(X)], "last": deque([layer(X)])}
    return layer


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "made",
    [
        lambda: nn.Linear(3, 5),
        lambda: weight_norm(nn.Linear(3, 5)),
        lambda: spectral_norm(nn.Linear(3, 5)),
        lambda: parametrizations.weight_norm(nn.Linear(3, 5)),
        lambda: parametrizations.spectral_norm(nn.Linear(3, 5)),
        lambda: random_unstructured(nn.Linear(3, 5), "weight", 0.5),
    ],
    ids=["plain", "weight norm", "spectral norm", "its parametrization", "that of spectral norm", "pruned"],
)
def test_a_copy_of_a_layer_in_use_computes_the_same_and_shares_no_tensor(made):
    torch.manual_seed(0)
    layer = used(made()).eval()
    (twin,) = copied_apart((layer,))
    assert torch.equal(twin(X), layer(X))
    assert torch.equal(twin.kept, layer.kept)
    assert not twin.kept.requires_grad
    assert torch.equal(twin.many["last"][0], layer.many["last"][0])
    before = layer(X).detach().clone()
    with torch.no_grad():
        for tensor in (*twin.parameters(), *twin.buffers(), twin.kept, twin.many["seen"][0]):
            tensor.fill_(7.0)
    assert torch.equal(layer(X), before)
    assert not (layer.kept == 7).any()
    assert not (layer.many["seen"][0] == 7).any()


def test_hooks_of_others_stay_behind():
    layer, calls = nn.Linear(3, 5), []
    layer.register_forward_pre_hook(lambda *seen: calls.append(seen))
    layer.register_forward_hook(lambda *seen: calls.append(seen))
    layer.register_full_backward_hook(lambda *seen: calls.append(seen))
    (twin,) = copied_apart((layer,))
    twin(X).sum().backward()
    assert calls == []
    assert len(layer._forward_hooks) == len(layer._forward_pre_hooks) == 1


def test_what_refers_to_a_layer_refers_to_its_copy_and_a_lock_is_shared():
    layer, lock = nn.Linear(3, 5), threading.Lock()
    layer.lock = lock
    twin, readers = copied_apart((layer, [layer, lock]))
    assert readers[0] is twin is not layer
    assert twin.lock is readers[1] is lock


def test_random_numbers_of_a_copy_are_its_own():
    layer = nn.Linear(3, 5)
    layer.drawn = torch.Generator().manual_seed(3)
    state = layer.drawn.get_state()
    (twin,) = copied_apart((layer,))
    assert torch.equal(twin.drawn.get_state(), state)
    torch.rand(1, generator=twin.drawn)
    assert torch.equal(layer.drawn.get_state(), state)


def test_a_copy_is_cast_with_the_tensors_that_lie_beside_its_parameters():
    layer = nn.BatchNorm1d(3).eval()
    layer.table, layer.index = torch.ones(2, dtype=torch.float16), torch.arange(3)
    layer.parts = {"a": [torch.ones(2), (torch.ones(1), "word")]}
    cast(layer, "cpu", torch.float64)
    listed, (paired, word) = layer.parts["a"]
    found = [layer.weight, layer.running_mean, layer.table, listed, paired]
    assert {tensor.dtype for tensor in found} == {torch.float64}
    assert (layer.index.dtype, word) == (torch.int64, "word")


@pytest.mark.parametrize("norm", [spectral_norm, parametrizations.spectral_norm])
def test_a_spectral_norm_follows_weights_that_were_just_drawn(norm):
    torch.manual_seed(0)
    layer = norm(nn.Linear(6, 6, bias=False)).eval()
    own = dict(layer.named_parameters())
    drawn = next(value for name, value in own.items() if "orig" in name)
    with torch.no_grad():
        drawn.copy_(torch.diag(torch.tensor([9.0, 4.0, 3.0, 2.0, 1.0, 0.5])))
        settle_weight_norms(layer)
        largest = torch.linalg.matrix_norm(layer(torch.eye(6)), 2)
    assert not layer.training
    assert abs(float(largest) - 1) < 1e-3


def test_a_layer_without_a_norm_stays_in_its_mode():
    layer = nn.Dropout().train()
    settle_weight_norms(layer)
    assert layer.training


def test_a_spectral_norm_settles_in_as_many_steps_as_torch_takes_for_a_new_one():
    weight = torch.diag(torch.tensor([1.0, 0.95, 0.9, 0.8]))  # so alike that each step is seen
    layer = parametrizations.spectral_norm(nn.Linear(4, 4, bias=False))
    own = layer.parametrizations.weight
    torch.manual_seed(2)
    new = type(own[0])(weight)
    torch.manual_seed(2)
    drawn = [nn.functional.normalize(torch.randn(4), dim=0) for _ in range(2)]  # as torch does before its steps
    with torch.no_grad():
        own.original.copy_(weight)
        own[0]._u.copy_(drawn[0])
        own[0]._v.copy_(drawn[1])
        settle_weight_norms(layer)
    torch.testing.assert_close(own[0]._u, new._u, rtol=0, atol=1e-6)
    torch.testing.assert_close(own[0]._v, new._v, rtol=0, atol=1e-6)
