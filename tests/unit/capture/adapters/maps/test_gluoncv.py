"""GluonCV's block: which modules are one, and the reading that its attributes state."""

import pytest
from foreign_blocks import INNER, C, GluonBlock, TusharBlock, conv
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.maps.gluoncv import is_gluoncv, read_gluoncv


def test_a_block_is_one_by_its_type_and_its_output():
    assert is_gluoncv(GluonBlock())
    assert not is_gluoncv(TusharBlock())
    g, out = conv(3, C, INNER), conv(3, INNER, C)
    assert is_gluoncv(module_of(nonlocal_type="gaussian", g=g, W=out))
    assert not is_gluoncv(module_of(nonlocal_type="dot", g=g, W=out)), "it raises when it runs"
    assert not is_gluoncv(module_of(nonlocal_type="gaussian", g=g))


@pytest.mark.parametrize("use_bn", [True, False])
@pytest.mark.parametrize("sub_sample", [True, False])
def test_keys_are_the_pooled_ones_and_a_norm_follows_where_the_block_has_them(use_bn, sub_sample):
    block = GluonBlock(use_bn=use_bn)
    block.sub_sample = sub_sample
    block.sub_phi, block.sub_g = (nn.Sequential(part, nn.MaxPool3d((1, 2, 2))) for part in (block.phi, block.g))
    (reading,) = read_gluoncv(block)
    assert (reading.pairwise, reading.scale) == ("embedded_gaussian", pytest.approx(INNER**-0.5))
    assert reading.theta is block.theta
    assert (reading.phi, reading.g) == ((block.sub_phi, block.sub_g) if sub_sample else (block.phi, block.g))
    assert reading.out == ((block.W, block.bn) if use_bn else (block.W,))
