"""video-nonlocal-net, long-term feature banks and Tushar-N, against their sources: geometry, blocks, colours, head."""

import pytest
from preset_facts import (
    BEFORE,
    CONFIGS,
    GREY,
    HALVING,
    ODD,
    PADDED,
    POOL2,
    SEVENTH,
    UNPADDED,
    WHOLE,
    block_facts,
    geometry,
    input_and_head,
    places,
)

# stem kernel and stride in time, pool1, pool2, frames and stride of the clip
GEOMETRY = {
    "caffe2-c2d-r50-nl5-8x8": (1, 1, UNPADDED, POOL2, 8, 8),
    "caffe2-i3d-r50-nl5-8x8": (5, 1, UNPADDED, POOL2, 8, 8),
    "caffe2-i3d-r50-nl5-32x2": (5, 2, HALVING, POOL2, 32, 2),
    "caffe2-i3d-r50-nl5-32x4": (5, 1, UNPADDED, POOL2, 32, 4),
    "caffe2-i3d-r50-nl5-128x1": (5, 2, HALVING, POOL2, 128, 1),
    "lfb-i3d-r101-nl5-kinetics": (5, 1, PADDED, POOL2, 32, 2),
    "lfb-i3d-r50-nl5-charades": (5, 1, PADDED, POOL2, 32, 4),
    "tushar-i3d-r50-nl5-32x2": (5, 2, HALVING, POOL2, 32, 2),
}

# pairwise, scale, key pooling, order, bias of the last convolution, its norm
BLOCKS = {
    "caffe2-i3d-r50-nl5-32x2": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "batch"),
    "caffe2-i3d-r50-nl5-128x1": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "none"),
    "lfb-i3d-r50-nl5-ava": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "affine"),
    "tushar-i3d-r50-nl5-32x2": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "batch"),
}

# after which blocks of res3 and res4; groups in time of res3
PLACES = {
    "caffe2-i3d-r50-nl5-8x8": (ODD, 1),
    "caffe2-i3d-r50-nl5-32x4": (ODD, 4),
    "caffe2-i3d-r50-nl5-128x1": (ODD, 4),
    "caffe2-c2d-r101-nl5-8x8": (SEVENTH, 1),
    "lfb-i3d-r101-nl5-ava": (SEVENTH, 4),
}

# short side, mean and std on which scale, window, and whether the softmax comes first
INPUT_AND_HEAD = {
    "caffe2-i3d-r50-nl5-8x8": (256, *GREY, (4, 7, 7), True),
    "caffe2-i3d-r50-nl5-128x1": (256, *GREY, (16, 7, 7), True),
    "tushar-i3d-r50-nl5-32x2": (256, *GREY, WHOLE, False),
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


def test_res5_of_feature_banks():
    found = {
        arch: (config.stages[3].spatial_stride, config.stages[3].dilation)
        for arch, config in CONFIGS.items()
        if arch.startswith("lfb-") and arch.endswith(("-ava", "-charades", "-epic"))
    }
    feature_banks = {f"lfb-i3d-r{depth}-nl5-{task}": (1, 2) for depth in (50, 101) for task in ("ava", "charades")}
    feature_banks |= {f"lfb-i3d-r{depth}-nl5-epic": (1, 1) for depth in (50, 101)}
    assert found == feature_banks
