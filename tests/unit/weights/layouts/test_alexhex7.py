"""AlexHex7's blocks, alone in a file, against the formula written out."""

from dataclasses import replace

import pytest
import torch
from block_files import assert_computes, block_file

from nonlocal_core.errors import WeightsError
from nonlocal_core.models.presets.common import ALEXHEX7_BLOCKS
from nonlocal_core.vocabulary import PAIRWISE
from nonlocal_core.weights.filling import load_block
from nonlocal_core.weights.identify import identify
from nonlocal_core.weights.layouts import ALEXHEX7


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_alexhex7(pairwise, pooled):
    sequence = ".0" if pooled else ""
    names = {"theta": "theta", "phi": f"phi{sequence}", "g": f"g{sequence}", "out": "W.0", "norm": "W.1"}
    names["concat"] = "concat_project.0"
    state = block_file(names, pairwise)
    config = replace(ALEXHEX7_BLOCKS, subsample=(1, 2, 2) if pooled else None)
    block = load_block(state, layout=ALEXHEX7, pairwise=pairwise, config=config)
    assert_computes(block, state, names, pairwise, pooled=pooled)
    assert identify(state).layout is ALEXHEX7


def test_a_block_without_norm_keeps_the_bias_of_its_last_layer():
    names = {"theta": "theta", "phi": "phi.0", "g": "g.0", "out": "W", "norm": "gone"}
    state = {name: value for name, value in block_file(names, "dot_product").items() if not name.startswith("gone")}
    config = replace(ALEXHEX7_BLOCKS, norm="none")
    block = load_block(state, layout=ALEXHEX7, pairwise="dot_product", config=config)
    assert torch.equal(block.out.bias, state["W.bias"])
    with pytest.raises(WeightsError, match=r"left empty: norm\.bias"):
        load_block(state, layout=ALEXHEX7, pairwise="dot_product", config=ALEXHEX7_BLOCKS)


def test_images_have_the_same_blocks():
    names = {"theta": "theta", "phi": "phi.0", "g": "g.0", "out": "W.0", "norm": "W.1"}
    clips = block_file(names, "embedded_gaussian")
    images = {name: value[..., 0] if value.ndim == 5 else value for name, value in clips.items()}
    first, second = (
        load_block(state, layout=ALEXHEX7, pairwise="embedded_gaussian", config=ALEXHEX7_BLOCKS)
        for state in (clips, images)
    )
    assert all(torch.equal(left, right) for left, right in zip(first.parameters(), second.parameters(), strict=True))
