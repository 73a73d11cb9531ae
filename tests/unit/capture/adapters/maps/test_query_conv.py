"""Self-attention on maps with a gain: which modules are one, and which readings their parts leave."""

import pytest
import torch
from foreign_blocks import INNER, AlexHexBlock, C, FastaiBlock, SaganBlock, conv
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.maps.query_conv import is_query_conv, read_query_conv


def parts(**more):
    return {"query_conv": conv(2, C, INNER), "key_conv": conv(2, C, INNER), "value_conv": conv(2, C, C)} | more


class Scale(nn.Module):
    def __init__(self, numbers):
        super().__init__()
        self.scale = nn.Parameter(torch.full((numbers,), 0.5))

    def forward(self, x):
        return self.scale * x


def test_a_block_is_one_by_three_convolutions_and_one_number():
    assert is_query_conv(SaganBlock())
    assert is_query_conv(FastaiBlock())
    assert not is_query_conv(AlexHexBlock())
    gain = nn.Parameter(torch.zeros(1))
    assert is_query_conv(module_of(**parts(alpha=gain)))
    assert is_query_conv(module_of(**parts(gamma=Scale(1))))
    assert not is_query_conv(module_of(**parts())), "no gain"
    assert not is_query_conv(module_of(**parts(gamma=nn.Parameter(torch.zeros(2)))))
    assert not is_query_conv(module_of(**parts(gamma=Scale(2))))
    assert not is_query_conv(module_of(**parts(gamma=0.5)))
    assert not is_query_conv(module_of(**parts(gamma=gain, key_conv=nn.Linear(C, INNER))))
    two = nn.Sequential(conv(2, C, C), conv(2, C, INNER))
    assert not is_query_conv(module_of(**parts(gamma=gain, key_conv=two)))


def test_readings_are_sagans_a_scaled_one_and_the_turned_one():
    block = module_of(**parts(gamma=nn.Parameter(torch.zeros(1))))
    query, key = block.query_conv, block.key_conv
    readings = read_query_conv(block)
    assert [(one.theta, one.phi) for one in readings] == [(query, key), (query, key), (key, query)]
    assert [one.scale for one in readings] == [1.0, pytest.approx(INNER**-0.5), 1.0]
    assert all((one.g, one.pairwise) == (block.value_conv, "embedded_gaussian") for one in readings)


@pytest.mark.parametrize("gain", [nn.Parameter(torch.tensor([0.5])), Scale(1)])
def test_the_gain_is_the_one_that_the_block_has_when_it_is_asked(gain):
    block = module_of(**parts(gamma=gain))
    (out,) = read_query_conv(block)[0].out
    y = torch.randn(1, C, 3, 5)
    torch.testing.assert_close(out(y), 0.5 * y)
    with torch.no_grad():
        (gain.scale if isinstance(gain, Scale) else gain).fill_(-2)
    torch.testing.assert_close(out(y), -2 * y)
