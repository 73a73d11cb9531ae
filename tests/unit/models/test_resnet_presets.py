"""What the presets say, against the sources: geometry, blocks, colours, and the published counts."""

import pytest
import torch

from nonlocal_core.errors import ShapeError
from nonlocal_core.models import presets
from nonlocal_core.models.cost import multiply_adds
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.models.resnet_config import Stage
from nonlocal_core.weights.published import published_networks

PADDED = ((1, 3, 3), (1, 2, 2), (0, 1, 1))
UNPADDED = ((1, 3, 3), (1, 2, 2), (0, 0, 0))
HALVING = ((2, 3, 3), (2, 2, 2), (0, 0, 0))
DROPPING = ((1, 3, 3), (2, 2, 2), (0, 1, 1))
POOL2 = ((2, 1, 1), (2, 1, 1), (0, 0, 0))

# stem kernel and stride in time, pool1, pool2, frames and stride of the clip
GEOMETRY = {
    "caffe2-c2d-r50-nl5-8x8": (1, 1, UNPADDED, POOL2, 8, 8),
    "caffe2-i3d-r50-nl5-8x8": (5, 1, UNPADDED, POOL2, 8, 8),
    "caffe2-i3d-r50-nl5-32x2": (5, 2, HALVING, POOL2, 32, 2),
    "caffe2-i3d-r50-nl5-32x4": (5, 1, UNPADDED, POOL2, 32, 4),
    "caffe2-i3d-r50-nl5-128x1": (5, 2, HALVING, POOL2, 128, 1),
    "lfb-i3d-r101-nl5-kinetics": (5, 1, PADDED, POOL2, 32, 2),
    "lfb-i3d-r50-nl5-charades": (5, 1, PADDED, POOL2, 32, 4),
    "pyslowfast-c2-i3d-r50-nl5-8x8": (5, 1, PADDED, POOL2, 8, 8),
    "pyslowfast-i3d-r101-nl5-8x8": (5, 1, PADDED, POOL2, 8, 8),
    "pyslowfast-slow-r50-nl5-4x16": (1, 1, PADDED, None, 4, 16),
    "pytorchvideo-c2d-r50-8x8": (1, 1, PADDED, POOL2, 8, 8),
    "mmaction2-i3d-r50-nl5-dot-product-32x2": (5, 2, DROPPING, POOL2, 32, 2),
    "mmaction2-slowonly-r50-nl5-8x8": (1, 1, PADDED, None, 8, 8),
    "mmaction2-tsm-r50-nl5-gaussian-1x1x8": (1, 1, PADDED, None, 8, None),
    "gluoncv-i3d-r101-nl10-32x2": (5, 2, DROPPING, POOL2, 32, 2),
    "tushar-i3d-r50-nl5-32x2": (5, 2, HALVING, POOL2, 32, 2),
    "mit-tsm-r50-nl5-8f": (1, 1, PADDED, None, 8, 8),
}

# pairwise, scale, key pooling, order, bias of the last convolution, its norm
BEFORE, AFTER = "pool_then_embed", "embed_then_pool"
BLOCKS = {
    "caffe2-i3d-r50-nl5-32x2": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "batch"),
    "caffe2-i3d-r50-nl5-128x1": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "none"),
    "lfb-i3d-r50-nl5-ava": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "affine"),
    "pyslowfast-i3d-r50-nl5-8x8": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "batch"),
    "pyslowfast-slow-r50-nl5-8x8": ("dot_product", "none", (1, 2, 2), BEFORE, True, "batch"),
    "mmaction2-i3d-r50-nl5-embedded-gaussian-32x2": ("embedded_gaussian", "none", (1, 2, 2), AFTER, False, "batch"),
    "mmaction2-i3d-r50-nl5-gaussian-32x2": ("gaussian", "none", (1, 2, 2), AFTER, False, "batch"),
    "mmaction2-slowonly-r50-nl5-4x16": ("embedded_gaussian", "inner", (1, 2, 2), AFTER, False, "batch"),
    "mmaction2-tsm-r50-nl5-embedded-gaussian-1x1x8": ("embedded_gaussian", "none", (1, 2, 2), AFTER, False, "batch"),
    "gluoncv-i3d-r50-nl5-32x2": ("embedded_gaussian", "inner", None, BEFORE, True, "batch"),
    "tushar-i3d-r50-nl5-32x2": ("embedded_gaussian", "inner", (1, 2, 2), BEFORE, True, "batch"),
    "mit-tsm-r50-nl5-8f": ("embedded_gaussian", "none", (1, 2, 2), AFTER, True, "batch"),
}

# after which blocks of res3 and res4; groups in time of res3
ODD = ("res3.1", "res3.3", "res4.1", "res4.3", "res4.5")
EVEN = ("res3.0", "res3.2", "res4.0", "res4.2", "res4.4")
SEVENTH = ("res3.1", "res3.3", "res4.6", "res4.13", "res4.20")
PLACES = {
    "caffe2-i3d-r50-nl5-8x8": (ODD, 1),
    "caffe2-i3d-r50-nl5-32x4": (ODD, 4),
    "caffe2-i3d-r50-nl5-128x1": (ODD, 4),
    "caffe2-c2d-r101-nl5-8x8": (SEVENTH, 1),
    "lfb-i3d-r101-nl5-ava": (SEVENTH, 4),
    "pyslowfast-i3d-r101-nl5-8x8": (ODD, 1),
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
GREY = ((114.75, 114.75, 114.75), (57.375, 57.375, 57.375), 255)
BYTES = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 255)
UNIT = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1)
WHOLE = (None, None, None)
INPUT_AND_HEAD = {
    "caffe2-i3d-r50-nl5-8x8": (256, *GREY, (4, 7, 7), True),
    "caffe2-i3d-r50-nl5-128x1": (256, *GREY, (16, 7, 7), True),
    "pyslowfast-i3d-r50-nl5-8x8": (256, *GREY, (4, 7, 7), True),
    "pyslowfast-slow-r50-nl5-8x8": (256, *GREY, (8, 7, 7), True),
    "pytorchvideo-i3d-r50-8x8": (256, *GREY, (4, 7, 7), False),
    "mmaction2-i3d-r50-nl5-gaussian-32x2": (256, *BYTES, WHOLE, False),
    "mmaction2-slowonly-r50-nl5-4x16": (256, *BYTES, WHOLE, False),
    "mmaction2-tsm-r50-nl5-gaussian-1x1x8": (224, *BYTES, (1, None, None), False),
    "gluoncv-i3d-r50-nl5-32x2": (224, *UNIT, WHOLE, False),
    "tushar-i3d-r50-nl5-32x2": (256, *GREY, WHOLE, False),
    "mit-tsm-r50-nl5-8f": (224, *UNIT, (1, None, None), False),
}

# trainable values, and 10^9 multiply-adds at 224 and at 256 pixels
COUNTS = {
    "mmaction2-i3d-r50-32x2": (28_043_472, 33.128, 43.269),
    "mmaction2-i3d-r50-nl5-embedded-gaussian-32x2": (35_397_840, 44.339, 59.107),
    "mmaction2-i3d-r50-nl5-dot-product-32x2": (35_397_840, 44.339, 59.107),
    "mmaction2-i3d-r50-nl5-gaussian-32x2": (31_723_728, 41.723, 56.288),
    "mmaction2-i3d-r50-nl5-concatenation-32x2": (35_401_936, None, None),
    "mmaction2-slowonly-r50-4x16": (32_454_096, 20.871, 27.260),
    "mmaction2-slowonly-r50-nl5-4x16": (39_808_464, 32.081, 43.097),
    "mmaction2-slowonly-r50-nl5-8x8": (39_808_464, 70.141, 96.394),
    "mmaction2-tsm-r50-1x1x8": (24_327_632, 32.704, 42.713),
    "mmaction2-tsm-r50-nl5-embedded-gaussian-1x1x8": (31_682_000, 61.104, 84.589),
    "mmaction2-tsm-r50-nl5-gaussian-1x1x8": (28_007_888, 58.863, 84.052),
    "pyslowfast-i3d-r50-nl5-8x8": (35_401_936, 36.535, 48.917),
    "pyslowfast-c2d-r50-nl5-8x8": (31_686_096, 27.621, 37.274),
    "pyslowfast-i3d-r101-nl5-8x8": (59_112_656, 55.084, 73.144),
    "pyslowfast-slow-r50-nl5-8x8": (39_812_560, 63.976, 88.344),
    "pyslowfast-slow-r50-nl5-4x16": (39_812_560, 28.999, 39.073),
    "pytorchvideo-c2d-r50-8x8": (24_327_632, 19.493, 25.463),
    "pytorchvideo-i3d-r50-8x8": (28_043_472, 28.408, 37.106),
    "pytorchvideo-slow-r50-8x8": (32_454_096, 41.741, 54.521),
    "gluoncv-i3d-r50-nl5-32x2": (35_401_936, 53.308, None),
    "gluoncv-i3d-r50-nl10-32x2": (42_760_400, 73.487, None),
    "gluoncv-i3d-r101-nl5-32x2": (59_112_656, 71.856, None),
    "gluoncv-i3d-r101-nl10-32x2": (66_471_120, 92.036, None),
    "tushar-i3d-r50-nl5-32x2": (35_401_936, 40.958, 54.739),
    "tushar-i3d-r50-32x2": (28_043_472, 32.830, 42.928),
    "caffe2-c2d-r50-nl5-32x2": (31_686_096, 28.361, None),
    "caffe2-i3d-r50-nl5-32x2": (35_401_936, 40.958, None),
    "caffe2-i3d-r50-nl5-8x8": (35_401_936, 36.237, None),
}

CONFIGS = {network.arch: network.config for network in published_networks()}


def pooling(pool):
    return None if pool is None else (pool.kernel, pool.stride, pool.padding)


@pytest.mark.parametrize("arch", GEOMETRY)
def test_geometry(arch):
    config = CONFIGS[arch]
    found = (config.stem_temporal_kernel, config.stem_temporal_stride, pooling(config.pool1), pooling(config.pool2))
    assert (*found, config.clip_frames, config.frame_stride) == GEOMETRY[arch]


@pytest.mark.parametrize("arch", BLOCKS)
def test_how_the_blocks_compute(arch):
    config, block = CONFIGS[arch], CONFIGS[arch].nonlocal_config
    pooled = (1, 2, 2) if block.subsample == (1, 2, 2) else None
    found = (config.pairwise, block.scale, pooled, block.order, block.out_bias, block.norm)
    assert found == BLOCKS[arch]
    assert block.inner_channels is None  # half of the channels, everywhere


@pytest.mark.parametrize("arch", PLACES)
def test_where_the_blocks_sit(arch):
    config = CONFIGS[arch]
    assert (config.block_names, config.stages[1].temporal_groups) == PLACES[arch]
    assert [stage.temporal_groups for stage in config.stages[2:]] == [1, 1]


@pytest.mark.parametrize("arch", INPUT_AND_HEAD)
def test_what_goes_in_and_comes_out(arch):
    config = CONFIGS[arch]
    spec, head = config.input_spec, config.head
    found = (spec.short_side, spec.mean, spec.std, spec.value_range, head.window, head.softmax_first)
    assert found == INPUT_AND_HEAD[arch]
    assert (len(head.classes), head.classes[0], head.classes[-1]) == (400, "abseiling", "zumba")


@pytest.mark.parametrize(
    ("family", "kernels"),
    [
        ("c2d", ((1, 1, 1), (1, 1, 1, 1), (1,) * 6, (1, 1, 1))),
        ("i3d", ((3, 3, 3), (3, 1, 3, 1), (3, 1, 3, 1, 3, 1), (1, 3, 1))),
        ("slow", ((1, 1, 1), (1, 1, 1, 1), (3,) * 6, (3, 3, 3))),
    ],
)
def test_temporal_kernels(family, kernels):
    assert tuple(stage.temporal_kernels for stage in presets.pyslowfast_8x8(family=family).stages) == kernels


def test_temporal_kernels_of_the_deep_i3d_start_with_three():
    res4 = CONFIGS["lfb-i3d-r101-nl5-kinetics"].stages[2].temporal_kernels
    assert res4 == (3, 1) * 11 + (3,)


def test_res5_of_detectors_and_of_feature_banks():
    found = {
        arch: (config.stages[3].spatial_stride, config.stages[3].dilation)
        for arch, config in CONFIGS.items()
        if arch.endswith(("-ava", "-charades", "-epic"))
    }
    feature_banks = {f"lfb-i3d-r{depth}-nl5-{task}": (1, 2) for depth in (50, 101) for task in ("ava", "charades")}
    feature_banks |= {f"lfb-i3d-r{depth}-nl5-epic": (1, 1) for depth in (50, 101)}
    detectors = {f"mmaction2-slowonly-r50-nl5-{clip}-ava": (1, 1) for clip in ("4x16", "8x8")}
    assert found == feature_banks | detectors


def test_only_tsm_shifts_and_in_every_block():
    assert {arch.split("-r50")[0]: config.shift_every for arch, config in CONFIGS.items() if config.shift_every} == {
        "mmaction2-tsm": 1,
        "mit-tsm": 1,
    }


@pytest.mark.parametrize("arch", COUNTS)
def test_counts_are_the_published_ones(arch):
    parameters, small, large = COUNTS[arch]
    config = CONFIGS[arch]
    with torch.device("meta"):
        network = ResNet(config)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    for side, published in ((224, small), (256, large)):
        if published is not None:
            found = multiply_adds(config, clip_thw=(config.clip_frames, side, side))
            assert round(found / 10**9, 3) == pytest.approx(published, abs=1e-6)


def test_ratios_of_the_paper():
    """Tables 2c and 2e: 5 blocks cost 1.2 times the C2D; with them, the R50 costs 80 % of the plain R101."""
    plain, blocks, shallow = (
        multiply_adds(presets.caffe2_32x2(family="c2d", depth=depth, blocks=count), clip_thw=(32, 224, 224))
        for depth, count in ((101, 0), (101, 5), (50, 5))
    )
    assert blocks / plain == pytest.approx(1.2, abs=0.05)
    assert shallow / plain == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(("depth", "blocks", "names"), [(50, 1, ("res4.4",)), (101, 1, ("res4.21",)), (50, 0, ())])
def test_one_block_comes_right_before_the_last_of_res4(depth, blocks, names):
    assert presets.paper_resnet(depth=depth, blocks=blocks).block_names == names


def test_the_paper_pools_differently_from_all_released_code():
    config = presets.paper_resnet()
    assert pooling(config.pool1) == ((3, 3, 3), (2, 2, 2), (1, 1, 1))
    assert pooling(config.pool2) == ((3, 1, 1), (2, 1, 1), (1, 0, 0))
    assert (config.nonlocal_config.scale, config.nonlocal_config.order) == ("none", AFTER)


def test_a_block_cannot_follow_what_is_not_there():
    with pytest.raises(ShapeError, match=r"no block \[4\]"):
        Stage(temporal_kernels=(1, 1, 1, 1), spatial_stride=2, nonlocal_after=(1, 4))


def test_every_published_network_has_a_name_and_a_title_of_its_own():
    titles = [network.config.title for network in published_networks()]
    assert len(set(CONFIGS)) == len(published_networks())
    assert all("ResNet-" in title for title in titles)
    depths = {(3, 4, 6, 3): 50, (3, 4, 23, 3): 101}
    for network in published_networks():
        stages = tuple(len(stage.temporal_kernels) for stage in network.config.stages)
        assert f" ResNet-{depths[stages]}," in network.config.title
        count = len(network.config.block_names)
        assert f", {count or 'no'} non-local block{'' if count == 1 else 's'}" in network.config.title
    mmaction2 = [title for title in titles if title.startswith("mmaction2")]
    assert len(set(mmaction2)) == len(mmaction2)  # their pairwise functions are all that tells some apart


@pytest.mark.parametrize("name", ["ONE_GREY", "IMAGENET", "IMAGENET_BYTES"])
def test_inputs_fill_whole_cells_of_the_last_stage(name):
    assert getattr(presets.common, name).multiple_of == 4 * 2 * 2 * 2, "stem and pooling, then three halvings"
