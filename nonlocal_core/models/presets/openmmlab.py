"""mmaction2 and GluonCV, whose I3D drops every other frame in pool1, and MIT's TSM: ImageNet's colours, mean first.

Sources: open-mmlab/mmaction2: configs/recognition/{i3d,slowonly,tsm}, with mmcv's NonLocal3d; dmlc/gluon-cv:
gluoncv/torch/model_zoo/action_recognition/i3d_resnet.py, non_local.py; mit-han-lab/temporal-shift-module:
ops/models.py, ops/non_local.py.
"""

from dataclasses import replace
from typing import Literal

from nonlocal_core.models.presets.common import (
    ALEXHEX7_BLOCKS,
    EVEN_BLOCKS,
    GLUONCV_BLOCKS,
    IMAGENET,
    IMAGENET_BYTES,
    MMCV_BLOCKS,
    NO_CLASSIFIER,
    PLACEMENTS,
    POOL1_DROPPING,
    POOL1_PADDED,
    POOL2,
    Depth,
    blocks_title,
    mean_first,
    mean_of_frames,
    stages,
    title,
)
from nonlocal_core.models.resnet_config import ResNetConfig
from nonlocal_core.vocabulary import Pairwise

_CLIPS = {"4x16": (4, 16), "8x8": (8, 8)}
"""Number of frames of the clip, and its stride in frames of the video."""


def mmaction2_i3d(*, pairwise: Pairwise = "embedded_gaussian", blocks: Literal[0, 5] = 5) -> ResNetConfig:
    """Return mmaction2's I3D for 32 frames at stride 2, whose softmax is not scaled."""
    return ResNetConfig(
        title=title("mmaction2 32x2", "i3d", 50, blocks, pairwise),
        stem_temporal_kernel=5,
        stem_temporal_stride=2,
        pool1=POOL1_DROPPING,
        pool2=POOL2,
        stages=stages("i3d", 50, PLACEMENTS[50, blocks]),
        norm="batch",
        pairwise=pairwise,
        nonlocal_config=MMCV_BLOCKS,
        head=mean_first(),
        input_spec=IMAGENET_BYTES,
        clip_frames=32,
        frame_stride=2,
    )


def mmaction2_slowonly(*, clip: Literal["4x16", "8x8"], blocks: Literal[0, 5] = 5) -> ResNetConfig:
    """Return mmaction2's slow-only network, with blocks after the even ones and a scaled softmax."""
    frames, stride = _CLIPS[clip]
    return ResNetConfig(
        title=title(f"mmaction2 {clip}", "slow", 50, blocks),
        stem_temporal_kernel=1,
        stem_temporal_stride=1,
        pool1=POOL1_PADDED,
        pool2=None,
        stages=stages("slow", 50, EVEN_BLOCKS if blocks else ((), ())),
        norm="batch",
        pairwise="embedded_gaussian",
        nonlocal_config=replace(MMCV_BLOCKS, scale="inner"),
        head=mean_first(),
        input_spec=IMAGENET_BYTES,
        clip_frames=frames,
        frame_stride=stride,
    )


def mmaction2_slowonly_ava(*, clip: Literal["4x16", "8x8"]) -> ResNetConfig:
    """Return mmaction2's slow-only network for AVA: res5 is not strided, and its box classifier is left out."""
    kinetics = mmaction2_slowonly(clip=clip)
    res2, res3, res4, res5 = kinetics.stages
    return replace(
        kinetics,
        title=title(f"mmaction2 {clip}, AVA", "slow", 50, 5),
        stages=(res2, res3, res4, replace(res5, spatial_stride=1)),
        head=NO_CLASSIFIER,
    )


def mmaction2_tsm(*, pairwise: Pairwise = "embedded_gaussian", blocks: Literal[0, 5] = 5) -> ResNetConfig:
    """Return mmaction2's temporal shift network on 8 frames spread over the video; not scaled either."""
    return ResNetConfig(
        title=f"mmaction2 TSM, ResNet-50, {blocks_title(blocks, pairwise)}",
        stem_temporal_kernel=1,
        stem_temporal_stride=1,
        pool1=POOL1_PADDED,
        pool2=None,
        stages=stages("c2d", 50, EVEN_BLOCKS if blocks else ((), ())),
        norm="batch",
        shift_every=1,
        pairwise=pairwise,
        nonlocal_config=MMCV_BLOCKS,
        head=mean_of_frames(),
        input_spec=replace(IMAGENET_BYTES, short_side=224),
        clip_frames=8,
        frame_stride=None,
    )


def mit_tsm() -> ResNetConfig:
    """Return MIT's temporal shift network with AlexHex7's blocks, on 8 frames at stride 8 (dense sampling)."""
    return replace(
        mmaction2_tsm(),
        title=f"MIT TSM, ResNet-50, {blocks_title(5, 'embedded_gaussian')}",
        nonlocal_config=ALEXHEX7_BLOCKS,
        input_spec=IMAGENET,
        frame_stride=8,
    )


def gluoncv_i3d(*, depth: Depth = 50, blocks: Literal[0, 5, 10] = 5) -> ResNetConfig:
    """Return GluonCV's I3D for 32 frames at stride 2; its "gaussian" is the embedded Gaussian, unpooled."""
    return replace(
        mmaction2_i3d(),
        title=title("GluonCV 32x2", "i3d", depth, blocks),
        stages=stages("i3d", depth, PLACEMENTS[depth, blocks]),
        nonlocal_config=GLUONCV_BLOCKS,
        input_spec=IMAGENET,
    )
