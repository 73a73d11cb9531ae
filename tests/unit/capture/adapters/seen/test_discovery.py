"""Discovery of modules that attend, while their network runs once."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from nonlocal_core.capture.adapters.seen.discovery import discovering

C, N = 6, 5
TOKENS = torch.randn(2, N, C, generator=torch.Generator().manual_seed(0))


def test_who_attends_is_seen_and_nothing_stays_on_the_network():
    class Product(nn.Module):
        def forward(self, q, k, v):
            return (q @ k.mT).softmax(-1) @ v

    class Parts(nn.Linear):
        def __init__(self):
            super().__init__(5, 5)
            self.product = Product()

        def forward(self, x):
            return self.product(self.weight @ x, x, x)

    network = nn.Sequential(nn.Linear(5, 5), Parts(), nn.Linear(5, 3), nn.Softmax(-1))
    with discovering(network) as watch:
        network(torch.rand(1, 5, 5))
    assert watch.attending == ("1",)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    with discovering(network[0]) as watch, pytest.raises(RuntimeError):
        network[0](torch.rand(1, 4))
    assert watch.attending == ()


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(C, 3 * C)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return (q @ k.mT).softmax(-1) @ v


class Gates(Attends):
    """A softmax over channels that meets no product."""

    def forward(self, x):
        return self.qkv(x)[..., :C].softmax(-1) * x


class Compares(Attends):
    """Two products of tables, whose weights are no softmax."""

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return (q @ k.mT) @ v / N


class Fused(Attends):
    def forward(self, x):
        return functional.scaled_dot_product_attention(*self.qkv(x).chunk(3, dim=-1))


def watched(**layers):
    network = nn.Sequential()
    for name, layer in layers.items():
        network.add_module(name, layer)
    with discovering(network) as watch:
        network(TOKENS)
    return watch


def test_modules_are_told_by_what_they_ask_of_torch():
    watch = watched(plain=nn.Linear(C, C), one=Attends(), gate=Gates(), two=Fused(), three=Compares())
    assert watch.attending == ("one", "two")
    assert watch.weighing == ("one", "two")
    assert watch.comparing == ("one", "three")
    assert watch.suspects == ("one", "two")


def test_what_may_attend_is_suspected_where_nothing_does_for_certain():
    assert watched(gate=Gates(), three=Compares()).suspects == ("three",)
    assert watched(gate=Gates()).suspects == ("gate",)
    assert watched(plain=nn.Linear(C, C)).suspects == ()


def test_only_the_outermost_of_modules_in_each_other_is_named():
    class Around(Attends):
        def __init__(self):
            super().__init__()
            self.inner = Attends()

        def forward(self, x):
            return super().forward(self.inner(x))

    assert watched(outer=Around()).weighing == ("outer",)


def test_the_network_is_left_without_hooks_even_where_it_fails():
    class Broken(Attends):
        def forward(self, x):
            raise RuntimeError("broken")

    network = nn.Sequential(Attends(), Broken())
    with pytest.raises(RuntimeError, match="broken"), discovering(network):
        network(TOKENS)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert network[0](TOKENS).shape == TOKENS.shape
