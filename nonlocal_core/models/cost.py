"""Cost of a ResNet's forward pass, from its record and the size of the clip alone: no tensor is made."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from nonlocal_core.models.block import NonlocalConfig
from nonlocal_core.models.resnet_config import EXPANSION, STEM_CHANNELS, Pooling, ResNetConfig, Triple
from nonlocal_core.vocabulary import Pairwise

_FLOAT = 4
_MEGABYTE = 10**6

STEM_OVERHEAD = 25 * _MEGABYTE
"""Bytes of a first convolution beside its features, as measured: code, threads, reordered weights."""
BLOCK_OVERHEAD = 42 * _MEGABYTE
"""Bytes of later blocks beside their features, as measured, such as those that the allocator keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BottleneckMaps:
    """Sizes of one bottleneck block: channels, and positions before and after its stride."""

    channels_in: int
    inner: int
    temporal_kernel: int
    shifted: bool
    positions_in: int
    thw: Triple
    """(T, H, W) of the block's output."""
    has_shortcut: bool
    has_nonlocal: bool
    temporal_groups: int

    @property
    def channels_out(self) -> int:
        """Number of channels of the block's output, and of the non-local block after it."""
        return self.inner * EXPANSION

    @property
    def positions(self) -> int:
        """Number of positions of the block's output."""
        return prod(self.thw)


def multiply_adds(config: ResNetConfig, *, clip_thw: Triple) -> int:
    """Return the multiplications of convolutions, classifier and non-local blocks for one clip.

    The blocks are counted as published: with the whole matrix theta phi^T and its product with g, even if a shorter
    method is used here. Normalisation, pooling and sums are not counted.
    """
    total = 3 * STEM_CHANNELS * config.stem_temporal_kernel * 7 * 7 * prod(_stem_thw(config, clip_thw))
    last = (1, 1, 1)
    for maps in bottlenecks(config, clip_thw):
        total += maps.channels_in * maps.inner * maps.temporal_kernel * maps.positions_in
        total += maps.inner * (9 * maps.inner + maps.channels_out) * maps.positions
        if maps.has_shortcut:
            total += maps.channels_in * maps.channels_out * maps.positions
        if maps.has_nonlocal:
            total += _of_nonlocal(maps, config.pairwise, config.nonlocal_config)
        last = maps.thw
    return total + maps.channels_out * len(config.head.classes) * prod(window_positions(config, last))


def forward_bytes(config: ResNetConfig, *, clip_thw: Triple) -> int:
    """Return the approximate growth of the process in bytes at the peak of a forward pass of one clip on the CPU.

    The convolution library keeps reordered copies of the input and the output of the running convolution.
    The non-local blocks never set the peak: their features are at most half of those of res2, and the matrix is
    not built. Within 20 % of the measured growth for 20 networks and sizes, from 96 to 482 MB.
    """
    stem = STEM_CHANNELS * prod(_stem_thw(config, clip_thw))
    peak = max(map(_peak_values, bottlenecks(config, clip_thw)))
    return max(2 * stem * _FLOAT + STEM_OVERHEAD, peak * _FLOAT + BLOCK_OVERHEAD)


def _peak_values(maps: BottleneckMaps) -> int:
    """Maximum number of values alive at once in a block; those of the running convolution count twice."""
    x, reduced = maps.channels_in * maps.positions_in, maps.inner * maps.positions_in
    spatial, expanded = maps.inner * maps.positions, maps.channels_out * maps.positions
    return max(
        2 * (x + reduced) + (x if maps.shifted else 0),
        x + 2 * (reduced + spatial),
        x + 2 * (spatial + expanded),
        expanded + 2 * (x + expanded) if maps.has_shortcut else 0,
    )


def bottlenecks(config: ResNetConfig, clip_thw: Triple) -> Iterator[BottleneckMaps]:
    """Yield the sizes in every bottleneck block, in the order in which they run."""
    thw = _pooled(_stem_thw(config, clip_thw), config.pool1)
    channels = STEM_CHANNELS
    for depth, stage in enumerate(config.stages):
        inner = STEM_CHANNELS << depth
        for index, temporal_kernel in enumerate(stage.temporal_kernels):
            stride = stage.spatial_stride if index == 0 else 1
            positions_in = prod(thw)
            thw = (thw[0], _strided(thw[1], stride), _strided(thw[2], stride))
            yield BottleneckMaps(
                channels_in=channels,
                inner=inner,
                temporal_kernel=temporal_kernel,
                shifted=config.shifts(index),
                positions_in=positions_in,
                thw=thw,
                has_shortcut=stride > 1 or channels != inner * EXPANSION,
                has_nonlocal=index in stage.nonlocal_after,
                temporal_groups=stage.temporal_groups,
            )
            channels = inner * EXPANSION
        if depth == 0 and config.pool2 is not None:
            thw = _pooled(thw, config.pool2)


def window_positions(config: ResNetConfig, thw: Triple) -> Triple:
    """Return the number of positions of the last map, along each axis, at which the classifier scores."""
    sides = (min(side or size, size) for side, size in zip(config.head.window, thw, strict=True))
    steps, rows, cols = (size - side + 1 for side, size in zip(sides, thw, strict=True))
    return (steps, rows, cols)


def _of_nonlocal(maps: BottleneckMaps, pairwise: Pairwise, config: NonlocalConfig) -> int:
    """Cost of the projections, then of theta phi^T and its product with g inside every temporal group."""
    channels, inner = maps.channels_out, config.inner_channels or maps.channels_out // 2
    queries = maps.positions
    keys = prod(size // kernel for size, kernel in zip(maps.thw, config.subsample or (1, 1, 1), strict=True))
    embedded = keys if config.order == "pool_then_embed" else queries
    compared = {"gaussian": channels, "concatenation": 1}.get(pairwise, inner)
    projections = queries + embedded  # W_z and g
    if pairwise != "gaussian":
        projections *= 2  # theta and phi
    return projections * inner * channels + queries * keys // maps.temporal_groups * (compared + inner)


def _stem_thw(config: ResNetConfig, clip_thw: Triple) -> Triple:
    frames, rows, cols = clip_thw
    return (_strided(frames, config.stem_temporal_stride), _strided(rows, 2), _strided(cols, 2))


def _strided(size: int, stride: int) -> int:
    """Length of an axis after a convolution whose padding keeps the size except for its stride."""
    return -(-size // stride)


def _pooled(thw: Triple, pooling: Pooling) -> Triple:
    steps, rows, cols = (
        (size + 2 * padding - kernel) // stride + 1
        for size, kernel, stride, padding in zip(thw, pooling.kernel, pooling.stride, pooling.padding, strict=True)
    )
    return (steps, rows, cols)
