"""Common parts of the published networks: places of blocks, temporal kernels, pools, inputs and heads."""

from dataclasses import replace
from typing import Literal

from nonlocal_core.media import InputSpec
from nonlocal_core.models.block import NonlocalConfig
from nonlocal_core.models.kinetics400 import kinetics400_classes
from nonlocal_core.models.resnet_config import Head, Pooling, Stage, Triple
from nonlocal_core.vocabulary import RULE_TITLES, Pairwise

Depth = Literal[50, 101]
BlockCount = Literal[0, 1, 5, 10]
Family = Literal["c2d", "i3d", "slow"]

Placement = tuple[tuple[int, ...], tuple[int, ...]]
"""Numbers of the blocks of res3 and of res4 that a non-local block follows."""

PLACEMENTS: dict[tuple[Depth, BlockCount], Placement] = {
    (50, 0): ((), ()),
    (101, 0): ((), ()),
    (50, 1): ((), (4,)),  # paper, section 4.1: right before the last block of res4
    (101, 1): ((), (21,)),
    (50, 5): ((1, 3), (1, 3, 5)),  # paper: every other block
    (101, 5): ((1, 3), (6, 13, 20)),  # caffe2 and gluoncv: every seventh in res4
    (50, 10): ((0, 1, 2, 3), (0, 1, 2, 3, 4, 5)),  # paper: every block
    (101, 10): ((0, 1, 2, 3), (2, 6, 10, 14, 18, 22)),  # gluoncv
}
EVEN_BLOCKS: Placement = ((0, 2), (0, 2, 4))
"""Placement in mmaction2's slow-only and TSM networks, and MIT's TSM: every other block too, but from the first."""
SLOWFAST_R101: Placement = ((1, 3), (1, 3, 5))
"""Placement in PySlowFast's ResNet-101, which keeps the indices of ResNet-50."""

_RES4_BLOCKS: dict[Depth, int] = {50: 6, 101: 23}

_TEMPORAL_KERNELS: dict[Family, tuple[int, tuple[tuple[int, ...], ...]]] = {
    "c2d": (1, ((1,), (1,), (1,), (1,))),
    "i3d": (5, ((3,), (3, 1), (3, 1), (1, 3))),  # the 3x1x1 inflation, at every other block
    "slow": (1, ((1,), (1,), (3,), (3,))),
}
"""Lengths of the kernels of the stem, and of the first convolutions in each stage, repeated to the stage's length."""

POOL1_PADDED = Pooling(kernel=(1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
POOL1_UNPADDED = Pooling(kernel=(1, 3, 3), stride=(1, 2, 2))
POOL1_UNPADDED_HALVING = Pooling(kernel=(2, 3, 3), stride=(2, 2, 2))
POOL1_DROPPING = Pooling(kernel=(1, 3, 3), stride=(2, 2, 2), padding=(0, 1, 1))  # every other frame is not seen
POOL2 = Pooling(kernel=(2, 1, 1), stride=(2, 1, 1))

CAFFE2_BLOCKS = NonlocalConfig(scale="inner", subsample=(1, 2, 2), order="pool_then_embed", out_bias=True, norm="batch")
MMCV_BLOCKS = NonlocalConfig(scale="none", subsample=(1, 2, 2), order="embed_then_pool", out_bias=False, norm="batch")
ALEXHEX7_BLOCKS = replace(MMCV_BLOCKS, out_bias=True)
TEA1528_BLOCKS = replace(ALEXHEX7_BLOCKS, subsample=None, concat_bias=True)
GLUONCV_BLOCKS = replace(CAFFE2_BLOCKS, subsample=None)

ONE_GREY = InputSpec(  # the same three numbers for every channel
    short_side=256, multiple_of=32, crop="none", mean=(114.75,) * 3, std=(57.375,) * 3, value_range=255
)
IMAGENET = InputSpec(
    short_side=224,
    multiple_of=32,
    crop="none",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    value_range=1,
)
IMAGENET_BYTES = InputSpec(
    short_side=256,
    multiple_of=32,
    crop="none",
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
    value_range=255,
)


NO_CLASSIFIER = Head(classes=(), window=(None, None, None), softmax_first=False)


def softmax_first(window: Triple) -> Head:
    """Return a head that scores every position of a window, as in the fully convolutional test."""
    return Head(classes=kinetics400_classes(), window=window, softmax_first=True)


def mean_first() -> Head:
    """Return a head that averages the whole map, then scores it once."""
    return Head(classes=kinetics400_classes(), window=(None, None, None), softmax_first=False)


def mean_of_frames() -> Head:
    """Return a head that scores every frame, then averages the logits."""
    return Head(classes=kinetics400_classes(), window=(1, None, None), softmax_first=False)


def stages(family: Family, depth: Depth, placement: Placement) -> tuple[Stage, Stage, Stage, Stage]:
    """Return res2 to res5 with non-local blocks placed in res3 and res4."""
    cycles = _TEMPORAL_KERNELS[family][1]
    counts = (3, 4, _RES4_BLOCKS[depth], 3)
    after = ((), *placement, ())
    res2, res3, res4, res5 = (
        Stage(
            temporal_kernels=tuple(cycle[index % len(cycle)] for index in range(count)),
            spatial_stride=1 if stage == 0 else 2,
            nonlocal_after=after[stage],
        )
        for stage, (cycle, count) in enumerate(zip(cycles, counts, strict=True))
    )
    return (res2, res3, res4, res5)


def stem_kernel(family: Family) -> int:
    """Return the extent in time of the stem's convolution."""
    return _TEMPORAL_KERNELS[family][0]


def title(
    source: str, family: Family, depth: Depth, blocks: BlockCount, pairwise: Pairwise = "embedded_gaussian"
) -> str:
    """Return the common name of the network."""
    name = {"c2d": "C2D", "i3d": "I3D", "slow": "slow"}[family]
    return f"{source}, {name} ResNet-{depth}, {blocks_title(blocks, pairwise)}"


def blocks_title(blocks: BlockCount, pairwise: Pairwise) -> str:
    """Return the number and the kind of the blocks, in words."""
    if blocks == 0:
        return "no non-local blocks"
    return f"{blocks} non-local block{'' if blocks == 1 else 's'} ({RULE_TITLES[pairwise].lower()})"
