"""mmcv's blocks: which modules are one, and which readings their attributes leave."""

import pytest
from foreign_blocks import INNER, AlexHexBlock, MmcvBlock, TeaBlock
from named_parts import module_of
from torch import nn

from nonlocal_core.capture.adapters.maps.mmcv import is_mmcv, read_mmcv
from nonlocal_core.vocabulary import PAIRWISE


@pytest.mark.parametrize("mode", PAIRWISE)
def test_a_block_is_one_by_its_mode_and_its_output(mode):
    assert is_mmcv(MmcvBlock(mode))
    g, out = nn.Conv3d(2, 2, 1), nn.Conv3d(2, 2, 1)
    assert is_mmcv(module_of(mode=mode, g=g, conv_out=out))
    assert not is_mmcv(module_of(mode=mode, g=g))
    assert not is_mmcv(module_of(mode="cosine", g=g, conv_out=out))
    assert not is_mmcv(module_of(g=g, conv_out=out))
    for other in (AlexHexBlock(mode), TeaBlock(), nn.Conv3d(2, 2, 1)):
        assert not is_mmcv(other)


@pytest.mark.parametrize("mode", PAIRWISE)
def test_the_mode_says_the_function_and_only_a_scaled_one_is_in_doubt(mode):
    for use_scale in (True, False):
        block = MmcvBlock(mode, use_scale=use_scale)
        readings = read_mmcv(block)
        doubtful = mode == "embedded_gaussian" and use_scale
        assert [reading.scale for reading in readings] == ([INNER**-0.5, INNER**0.5] if doubtful else [1.0])
        for reading in readings:
            assert (reading.block, reading.pairwise, reading.g, reading.out) == (
                block,
                mode,
                block.g,
                (block.conv_out,),
            )
            assert (reading.theta is None) == (mode == "gaussian")
            assert (reading.concat is not None) == (mode == "concatenation")
            assert reading.phi is block.phi, "a pool alone, where a Gaussian's keys are pooled"
            assert reading.pool_first is None
