"""Configuration of a published video ResNet: every difference between them is a field here, never an ``if``.

Two networks can agree in every name and every shape of their weights and still compute different things, since
strides, paddings, the softmax scale or the order of pooling leave no trace in a file. That is why a network is
built from such a record, and why a file is always read together with one.
"""

from dataclasses import dataclass
from typing import Literal

from nonlocal_core.errors import ShapeError
from nonlocal_core.media import InputSpec
from nonlocal_core.models.block import NonlocalConfig
from nonlocal_core.vocabulary import Pairwise

Triple = tuple[int, int, int]
"""(T, H, W)."""

STEM_CHANNELS = 64
EXPANSION = 4
"""Ratio of a bottleneck block's output channels to its inner channels."""

NONLOCAL_BLOCK = "nonlocal_block"
"""Attribute of a bottleneck block that holds the non-local block after it."""

STAGE_NAMES = ("res2", "res3", "res4", "res5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """Max pooling over (T, H, W)."""

    kernel: Triple
    stride: Triple
    padding: Triple = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One of res2 to res5: a run of bottleneck blocks, some of them followed by a non-local block."""

    temporal_kernels: tuple[int, ...]
    """Extent in time of the first convolution of each block."""
    spatial_stride: int
    """Stride of the first block's 3x3 convolution."""
    dilation: int = 1
    """Dilation of every 3x3 convolution, in space."""
    nonlocal_after: tuple[int, ...] = ()
    """Indices, from 0, of the bottleneck blocks that a non-local block follows."""
    temporal_groups: int = 1
    """Number of equal parts of time; every position attends only inside its own part."""

    def __post_init__(self) -> None:
        beyond = [index for index in self.nonlocal_after if not 0 <= index < len(self.temporal_kernels)]
        if beyond:
            raise ShapeError(
                f"A stage of {len(self.temporal_kernels)} blocks has no block {beyond} for a non-local block to follow."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Head: the path from the last feature map to class scores."""

    classes: tuple[str, ...]
    window: tuple[int | None, int | None, int | None]
    """Average pooling over (T, H, W) at stride 1, cut to the map if that is smaller; None is the whole axis."""
    softmax_first: bool
    """Softmax at every position of the window, then the mean; or the mean of the logits, then the softmax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetConfig:
    """A bottleneck ResNet for clips (paper, table 1), as one source trained it.

    >>> from nonlocal_core.models.presets import caffe2_32x2
    >>> caffe2_32x2(family="i3d").block_names
    ('res3.1', 'res3.3', 'res4.1', 'res4.3', 'res4.5')
    """

    title: str
    stem_temporal_kernel: int
    stem_temporal_stride: int
    pool1: Pooling
    pool2: Pooling | None
    """Pooling after res2, in time alone."""
    stages: tuple[Stage, Stage, Stage, Stage]
    norm: Literal["batch", "affine"]
    """Batch normalisation of the bottleneck blocks and the stem, or the gain and offset that it was merged into."""
    shift_every: int | None = None
    """Temporal shift module: shift an eighth of the channels each way in every n-th bottleneck block; None: nowhere."""
    pairwise: Pairwise
    """Pairwise function of the non-local blocks, if there are any."""
    nonlocal_config: NonlocalConfig
    """Configuration of the non-local blocks; each stage sets its own temporal groups."""
    head: Head
    input_spec: InputSpec
    clip_frames: int
    """Number of frames of a clip in training."""
    frame_stride: int | None
    """Stride of the clip in frames of the video; None: spread evenly over the video."""

    @property
    def block_names(self) -> tuple[str, ...]:
        """The names of the non-local blocks in the order in which they run."""
        return tuple(
            f"{name}.{index}"
            for name, stage in zip(STAGE_NAMES, self.stages, strict=True)
            for index in stage.nonlocal_after
        )

    def shifts(self, index: int) -> bool:
        """Return whether the bottleneck block of that index in its stage shifts in time."""
        return self.shift_every is not None and index % self.shift_every == 0

    @property
    def block_count(self) -> int:
        """Number of bottleneck blocks."""
        return sum(len(stage.temporal_kernels) for stage in self.stages)

    @property
    def attends_in_groups(self) -> bool:
        """True if some non-local block cuts time in groups."""
        return any(stage.nonlocal_after and stage.temporal_groups > 1 for stage in self.stages)
