"""PySlowFast's and PyTorchVideo's block: which modules are one, the stated reading, and the groups of its stage."""

import pytest
from foreign_blocks import INNER, MmcvBlock, SlowFastBlock, SlowFastStage
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.maps.pyslowfast import groups_of, is_pyslowfast, read_pyslowfast


def test_a_block_is_one_by_its_projections_and_its_instantiation():
    block = SlowFastBlock()
    assert is_pyslowfast(block)
    assert not is_pyslowfast(MmcvBlock())
    block.instantiation = "gaussian"
    assert not is_pyslowfast(block)
    block.instantiation, block.conv_out = "softmax", None
    del block.conv_out
    assert not is_pyslowfast(block)


@pytest.mark.parametrize(("kind", "pairwise"), [("softmax", "embedded_gaussian"), ("dot_product", "dot_product")])
@pytest.mark.parametrize("norm_name", ["bn", "norm", None])
def test_the_instantiation_says_the_function_and_its_scale(kind, pairwise, norm_name):
    block = SlowFastBlock(kind, norm_name=norm_name)
    (reading,) = read_pyslowfast(block, temporal_groups=3)
    assert (reading.pairwise, reading.temporal_groups) == (pairwise, 3)
    assert reading.scale == pytest.approx(INNER**-0.5 if kind == "softmax" else 1.0)
    assert (reading.theta, reading.phi, reading.g) == (block.conv_theta, block.conv_phi, block.conv_g)
    assert reading.out == ((block.conv_out, getattr(block, norm_name)) if norm_name else (block.conv_out,))
    assert reading.pool_first is block.pool
    assert read_pyslowfast(SlowFastBlock(kernel=None))[0].pool_first is None


def test_groups_are_those_that_the_stage_keeps_for_the_pathway():
    assert groups_of(SlowFastStage(SlowFastBlock(), 4), "pathway0_nonlocal1") == 4
    stage = module_of(nonlocal_group=(2, 3))
    assert [groups_of(stage, f"pathway{number}_nonlocal1") for number in range(2)] == [2, 3]
    assert groups_of(stage, "res4") == 1
    assert groups_of(module_of(nonlocal_group=5), "pathway0_nonlocal1") == 1
    assert groups_of(nn.Module(), "pathway0_nonlocal1") == 1
