"""mmaction2, GluonCV and MIT's TSM, against their sources: geometry, blocks, places, colours, head."""

import pytest
from preset_facts import (
    AFTER,
    BEFORE,
    BYTES,
    CONFIGS,
    DROPPING,
    EVEN,
    ODD,
    PADDED,
    POOL2,
    SEVENTH,
    UNIT,
    WHOLE,
    block_facts,
    geometry,
    input_and_head,
    places,
)

# stem kernel and stride in time, pool1, pool2, frames and stride of the clip
GEOMETRY = {
    "mmaction2-i3d-r50-nl5-dot-product-32x2": (5, 2, DROPPING, POOL2, 32, 2),
    "mmaction2-slowonly-r50-nl5-8x8": (1, 1, PADDED, None, 8, 8),
    "mmaction2-tsm-r50-nl5-gaussian-1x1x8": (1, 1, PADDED, None, 8, None),
    "gluoncv-i3d-r101-nl10-32x2": (5, 2, DROPPING, POOL2, 32, 2),
    "mit-tsm-r50-nl5-8f": (1, 1, PADDED, None, 8, 8),
}

# pairwise, scale, key pooling, order, bias of the last convolution, its norm
BLOCKS = {
    "mmaction2-i3d-r50-nl5-embedded-gaussian-32x2": ("embedded_gaussian", "none", (1, 2, 2), AFTER, False, "batch"),
    "mmaction2-i3d-r50-nl5-gaussian-32x2": ("gaussian", "none", (1, 2, 2), AFTER, False, "batch"),
    "mmaction2-slowonly-r50-nl5-4x16": ("embedded_gaussian", "inner", (1, 2, 2), AFTER, False, "batch"),
    "mmaction2-tsm-r50-nl5-embedded-gaussian-1x1x8": ("embedded_gaussian", "none", (1, 2, 2), AFTER, False, "batch"),
    "gluoncv-i3d-r50-nl5-32x2": ("embedded_gaussian", "inner", None, BEFORE, True, "batch"),
    "mit-tsm-r50-nl5-8f": ("embedded_gaussian", "none", (1, 2, 2), AFTER, True, "batch"),
}

# after which blocks of res3 and res4; groups in time of res3
PLACES = {
    "mmaction2-i3d-r50-nl5-dot-product-32x2": (ODD, 1),
    "mmaction2-slowonly-r50-nl5-8x8": (EVEN, 1),
    "mmaction2-tsm-r50-nl5-dot-product-1x1x8": (EVEN, 1),
    "mit-tsm-r50-nl5-8f": (EVEN, 1),
    "gluoncv-i3d-r101-nl5-32x2": (SEVENTH, 1),
    "gluoncv-i3d-r50-nl10-32x2": (
        (*(f"res3.{index}" for index in range(4)), *(f"res4.{index}" for index in range(6))),
        1,
    ),
    "gluoncv-i3d-r101-nl10-32x2": (
        (*(f"res3.{index}" for index in range(4)), *(f"res4.{index}" for index in (2, 6, 10, 14, 18, 22))),
        1,
    ),
}

# short side, mean and std on which scale, window, and whether the softmax comes first
INPUT_AND_HEAD = {
    "mmaction2-i3d-r50-nl5-gaussian-32x2": (256, *BYTES, WHOLE, False),
    "mmaction2-slowonly-r50-nl5-4x16": (256, *BYTES, WHOLE, False),
    "mmaction2-tsm-r50-nl5-gaussian-1x1x8": (224, *BYTES, (1, None, None), False),
    "gluoncv-i3d-r50-nl5-32x2": (224, *UNIT, WHOLE, False),
    "mit-tsm-r50-nl5-8f": (224, *UNIT, (1, None, None), False),
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


def test_res5_of_detectors():
    found = {
        arch: (config.stages[3].spatial_stride, config.stages[3].dilation)
        for arch, config in CONFIGS.items()
        if arch.endswith("-ava") and not arch.startswith("lfb-")
    }
    assert found == {f"mmaction2-slowonly-r50-nl5-{clip}-ava": (1, 1) for clip in ("4x16", "8x8")}


def test_only_tsm_shifts_and_in_every_block():
    assert {arch.split("-r50")[0]: config.shift_every for arch, config in CONFIGS.items() if config.shift_every} == {
        "mmaction2-tsm": 1,
        "mit-tsm": 1,
    }
