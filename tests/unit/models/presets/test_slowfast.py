"""PySlowFast and PyTorchVideo, against their sources: geometry, blocks, places, colours, head."""

import pytest
from preset_facts import BEFORE, GREY, ODD, PADDED, POOL2, block_facts, geometry, input_and_head, places

# stem kernel and stride in time, pool1, pool2, frames and stride of the clip
GEOMETRY = {
    "pyslowfast-c2-i3d-r50-nl5-8x8": (5, 1, PADDED, POOL2, 8, 8),
    "pyslowfast-i3d-r101-nl5-8x8": (5, 1, PADDED, POOL2, 8, 8),
    "pyslowfast-slow-r50-nl5-4x16": (1, 1, PADDED, None, 4, 16),
    "pytorchvideo-c2d-r50-8x8": (1, 1, PADDED, POOL2, 8, 8),
}

# pairwise, scale, key pooling, order, bias of the last convolution, its norm
BLOCKS = {
    "pyslowfast-i3d-r50-nl5-8x8": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "batch"),
    "pyslowfast-slow-r50-nl5-8x8": ("dot_product", "none", (1, 2, 2), BEFORE, True, "batch"),
}

# after which blocks of res3 and res4; groups in time of res3
PLACES = {
    "pyslowfast-i3d-r101-nl5-8x8": (ODD, 1),
}

# short side, mean and std on which scale, window, and whether the softmax comes first
INPUT_AND_HEAD = {
    "pyslowfast-i3d-r50-nl5-8x8": (256, *GREY, (4, 7, 7), True),
    "pyslowfast-slow-r50-nl5-8x8": (256, *GREY, (8, 7, 7), True),
    "pytorchvideo-i3d-r50-8x8": (256, *GREY, (4, 7, 7), False),
}


@pytest.mark.parametrize("arch", GEOMETRY)
def test_geometry(arch):
    assert geometry(arch) == GEOMETRY[arch]


@pytest.mark.parametrize("arch", BLOCKS)
def test_how_the_blocks_compute(arch):
    assert block_facts(arch) == BLOCKS[arch]


@pytest.mark.parametrize("arch", PLACES)
def test_where_the_blocks_sit(arch):
    assert places(arch) == PLACES[arch]


@pytest.mark.parametrize("arch", INPUT_AND_HEAD)
def test_what_goes_in_and_comes_out(arch):
    assert input_and_head(arch) == INPUT_AND_HEAD[arch]
