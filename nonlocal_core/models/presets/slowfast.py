"""PySlowFast and PyTorchVideo: the same maths as the original, but with a padded pool1.

Sources: facebookresearch/SlowFast: slowfast/models/video_model_builder.py, configs/Kinetics;
facebookresearch/pytorchvideo: pytorchvideo/models/hub/resnet.py.
"""

from dataclasses import replace
from typing import Literal

from nonlocal_core.models.presets.common import (
    CAFFE2_BLOCKS,
    ONE_GREY,
    PLACEMENTS,
    POOL1_PADDED,
    POOL2,
    SLOWFAST_R101,
    Depth,
    Family,
    softmax_first,
    stages,
    stem_kernel,
    title,
)
from nonlocal_core.models.resnet_config import ResNetConfig
from nonlocal_core.vocabulary import Pairwise


def pyslowfast_8x8(*, family: Family, depth: Depth = 50, blocks: Literal[0, 5] = 5) -> ResNetConfig:
    """Return PySlowFast's C2D, I3D or slow network for 8 frames at stride 8.

    C2D and I3D use the softmax; the slow network's configuration has the dot product, and it keeps all frames.
    """
    slow = family == "slow"
    pairwise: Pairwise = "dot_product" if slow else "embedded_gaussian"
    placement = SLOWFAST_R101 if (depth, blocks) == (101, 5) else PLACEMENTS[depth, blocks]
    return ResNetConfig(
        title=title("PySlowFast 8x8", family, depth, blocks, pairwise),
        stem_temporal_kernel=stem_kernel(family),
        stem_temporal_stride=1,
        pool1=POOL1_PADDED,
        pool2=None if slow else POOL2,
        stages=stages(family, depth, placement),
        norm="batch",
        pairwise=pairwise,
        nonlocal_config=replace(CAFFE2_BLOCKS, scale="none") if slow else CAFFE2_BLOCKS,
        head=softmax_first((8, 7, 7) if slow else (4, 7, 7)),
        input_spec=ONE_GREY,
        clip_frames=8,
        frame_stride=8,
    )


def pyslowfast_slow_4x16(*, blocks: Literal[0, 5] = 5) -> ResNetConfig:
    """Return PySlowFast's slow network for 4 frames at stride 16."""
    return replace(
        pyslowfast_8x8(family="slow", blocks=blocks),
        title=title("PySlowFast 4x16", "slow", 50, blocks, "dot_product"),
        head=softmax_first((4, 7, 7)),
        clip_frames=4,
        frame_stride=16,
    )


def pytorchvideo_8x8(*, family: Family) -> ResNetConfig:
    """Return PyTorchVideo's C2D, I3D or slow network: PySlowFast's without blocks, but logits are averaged."""
    like = pyslowfast_8x8(family=family, blocks=0)
    return replace(like, title=title("PyTorchVideo 8x8", family, 50, 0), head=replace(like.head, softmax_first=False))
