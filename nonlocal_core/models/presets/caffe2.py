"""The original code and its descendants: RGB, one grey mean, keys pooled before phi and g, the softmax scaled.

Sources: facebookresearch/video-nonlocal-net: lib/models/resnet_video.py, resnet_video_org.py, nonlocal_helper.py;
facebookresearch/video-long-term-feature-banks: lib/models/resnet_video.py; Tushar-N/pytorch-resnet3d:
models/resnet.py.
"""

from dataclasses import replace
from typing import Literal

from nonlocal_core.models.presets.common import (
    CAFFE2_BLOCKS,
    NO_CLASSIFIER,
    ONE_GREY,
    PLACEMENTS,
    POOL1_PADDED,
    POOL1_UNPADDED,
    POOL1_UNPADDED_HALVING,
    POOL2,
    BlockCount,
    Depth,
    Family,
    mean_first,
    softmax_first,
    stages,
    stem_kernel,
    title,
)
from nonlocal_core.models.resnet_config import ResNetConfig


def caffe2_8x8(*, family: Family, depth: Depth = 50, blocks: BlockCount = 5) -> ResNetConfig:
    """Return video-nonlocal-net's network for 8 frames at stride 8."""
    return ResNetConfig(
        title=title("video-nonlocal-net 8x8", family, depth, blocks),
        stem_temporal_kernel=stem_kernel(family),
        stem_temporal_stride=1,
        pool1=POOL1_UNPADDED,
        pool2=POOL2,
        stages=stages(family, depth, PLACEMENTS[depth, blocks]),
        norm="batch",
        pairwise="embedded_gaussian",
        nonlocal_config=CAFFE2_BLOCKS,
        head=softmax_first((4, 7, 7)),
        input_spec=ONE_GREY,
        clip_frames=8,
        frame_stride=8,
    )


def caffe2_32x2(*, family: Family, depth: Depth = 50, blocks: BlockCount = 5) -> ResNetConfig:
    """Return video-nonlocal-net's network for 32 frames at stride 2: the stem and pool1 halve time as well."""
    return replace(
        caffe2_8x8(family=family, depth=depth, blocks=blocks),
        title=title("video-nonlocal-net 32x2", family, depth, blocks),
        stem_temporal_stride=2,
        pool1=POOL1_UNPADDED_HALVING,
        clip_frames=32,
        frame_stride=2,
    )


def caffe2_32x4_affine(*, depth: Depth = 50, blocks: BlockCount = 5) -> ResNetConfig:
    """Return video-nonlocal-net's I3D for 32 frames at stride 4, trained further with frozen normalisation."""
    return replace(
        _frozen(caffe2_8x8(family="i3d", depth=depth, blocks=blocks)),
        title=title("video-nonlocal-net 32x4", "i3d", depth, blocks),
        head=softmax_first((16, 7, 7)),
        clip_frames=32,
        frame_stride=4,
    )


def caffe2_128x1_affine(*, depth: Depth = 50, blocks: BlockCount = 5) -> ResNetConfig:
    """Return video-nonlocal-net's I3D for 128 frames at stride 1, trained further with frozen normalisation."""
    return replace(
        _frozen(caffe2_32x2(family="i3d", depth=depth, blocks=blocks)),
        title=title("video-nonlocal-net 128x1", "i3d", depth, blocks),
        head=softmax_first((16, 7, 7)),
        clip_frames=128,
        frame_stride=1,
    )


def lfb_kinetics(*, depth: Depth = 50) -> ResNetConfig:
    """Return the Kinetics network that long-term feature banks start from: pool1 padded, time not halved early.

    Its own clip length is not stated; this is that of its fine-tuning. res5 is strided as in all Kinetics training.
    """
    return replace(
        caffe2_8x8(family="i3d", depth=depth),
        title=title("Long-term feature banks, Kinetics", "i3d", depth, 5),
        pool1=POOL1_PADDED,
        head=softmax_first((16, 7, 7)),
        clip_frames=32,
        frame_stride=2,
    )


def lfb_finetuned(*, depth: Depth = 50, dilated: bool, frame_stride: int) -> ResNetConfig:
    """Return the network of long-term feature banks on AVA and Charades (dilated) or EPIC-Kitchens (not dilated).

    Differs from ``lfb_kinetics``: frozen normalisation everywhere, res3 in groups, res5 not strided. The
    classifiers are left out: they score boxes, or several labels at once.
    """
    grouped = _frozen(lfb_kinetics(depth=depth))
    res2, res3, res4, res5 = grouped.stages
    return replace(
        grouped,
        title=title("Long-term feature banks, fine-tuned", "i3d", depth, 5),
        nonlocal_config=replace(CAFFE2_BLOCKS, norm="affine"),
        stages=(res2, res3, res4, replace(res5, spatial_stride=1, dilation=2 if dilated else 1)),
        head=NO_CLASSIFIER,
        frame_stride=frame_stride,
    )


def tushar_i3d(*, blocks: Literal[0, 5] = 5) -> ResNetConfig:
    """Return Tushar-N's port of video-nonlocal-net's I3D 32x2, which averages over the whole map before scoring."""
    return replace(
        caffe2_32x2(family="i3d", blocks=blocks),
        title=title("Tushar-N 32x2", "i3d", 50, blocks),
        head=mean_first(),
    )


def _frozen(config: ResNetConfig) -> ResNetConfig:
    """Return the network trained further from merged normalisation (USE_AFFINE; NONLOCAL.USE_BN and USE_AFFINE off).

    The non-local blocks have no normalisation then, and res3 attends in 4 groups of 4 steps.
    """
    res2, res3, res4, res5 = config.stages
    return replace(
        config,
        norm="affine",
        nonlocal_config=replace(CAFFE2_BLOCKS, norm="none"),
        stages=(res2, replace(res3, temporal_groups=4), res4, res5),
    )
