"""tea1528's blocks, whose concatenation has a bias, against the formula written out."""

import pytest
from block_files import assert_computes, block_file

from nonlocal_core.models.presets.common import TEA1528_BLOCKS
from nonlocal_core.vocabulary import PAIRWISE
from nonlocal_core.weights.filling import load_block
from nonlocal_core.weights.layouts import TEA1528


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_tea1528(pairwise):
    names = {"theta": "theta", "phi": "phi", "g": "g", "out": "W_z.0", "norm": "W_z.1", "concat": "W_f.0"}
    state = block_file(names, pairwise, concat_bias=True)
    block = load_block(state, layout=TEA1528, pairwise=pairwise, config=TEA1528_BLOCKS)
    assert_computes(block, state, names, pairwise, pooled=False)
