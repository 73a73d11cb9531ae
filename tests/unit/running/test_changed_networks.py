"""One network object that changes between two sessions: what was proved of it before does not count."""

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Session

C = 12
CLIP = np.random.default_rng(2).integers(0, 256, (3, 32, 48, 3), np.uint8)
SPEC = ModelSpec(
    status="untrained", input_spec=InputSpec(short_side=32, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3)
)


class Ordered(nn.Module):
    """Tokens of all frames, in the order that an attribute names."""

    def __init__(self):
        super().__init__()
        self.stem, self.attention = nn.Conv2d(3, C, 8, 8), nn.MultiheadAttention(C, 2, batch_first=True)
        self.order = "plain"

    def forward(self, frames):
        x = self.stem(frames)
        x = {"plain": x, "mirrored": x.flip(-1), "back": x.flip(0)}[self.order]
        x = x.flatten(2).mT.reshape(1, -1, C)
        return x + self.attention(x, x, x)[0]


def opened(network):
    return Session.from_model(network, CLIP, spec=SPEC)


@pytest.mark.parametrize("order", ["mirrored", "back"])
def test_places_are_proved_again_where_an_attribute_changed(order):
    torch.manual_seed(0)
    network = Ordered().eval()
    assert opened(network).unreadable == ()
    network.order = order
    with pytest.raises(CaptureError, match="cannot be placed"):
        opened(network)
    network.order = "plain"
    assert opened(network).unreadable == ()


def test_places_are_proved_again_where_the_forward_pass_was_replaced():
    torch.manual_seed(0)
    network = Ordered().eval()
    assert opened(network).unreadable == ()
    plain = network.forward
    network.forward = lambda frames: plain(frames.flip(-1))
    with pytest.raises(CaptureError, match="cannot be placed"):
        opened(network)


class TwoBeside(nn.Module):
    """A token before the cells of each frame, and one behind them."""

    def __init__(self):
        super().__init__()
        self.stem, self.attention = nn.Conv2d(3, C, 8, 8), nn.MultiheadAttention(C, 2, batch_first=True)
        self.first, self.last = nn.Parameter(torch.rand(1, 1, C)), nn.Parameter(torch.rand(1, 1, C))

    def forward(self, frames):
        x = self.stem(frames).flatten(2).mT
        x = torch.cat([self.first.expand(len(x), 1, C), x, self.last.expand(len(x), 1, C)], dim=1)
        return x + self.attention(x, x, x)[0]


def test_places_are_proved_again_for_other_class_tokens():
    torch.manual_seed(0)
    network = TwoBeside().eval()
    right = opened(network).capture.blocks[0]
    for class_tokens in (2, 1):
        again = Session.from_model(network, CLIP, spec=SPEC, class_tokens=class_tokens).capture.blocks[0]
        np.testing.assert_array_equal(again.theta, right.theta)
