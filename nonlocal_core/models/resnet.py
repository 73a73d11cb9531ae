"""Bottleneck ResNets for clips, with non-local blocks: the paper's networks in every published variant.

Source: paper, table 1 and section 4; the differences of each variant are in its ResNetConfig, with their source.
They are for inference: normalisation uses the stored statistics, and there is no dropout.
"""

from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d, conv3d, relu_

from nonlocal_core.errors import ShapeError
from nonlocal_core.models.block import Affine, NonlocalBlock
from nonlocal_core.models.cost import bottlenecks, forward_bytes
from nonlocal_core.models.inserted import InsertedBlock
from nonlocal_core.models.progress import report_step
from nonlocal_core.models.resnet_config import (
    EXPANSION,
    NONLOCAL_BLOCK,
    STAGE_NAMES,
    STEM_CHANNELS,
    Pooling,
    ResNetConfig,
    Stage,
    Triple,
)
from nonlocal_core.vocabulary import WeightStatus

BackboneNorm = Literal["batch", "affine"]

SHIFT_FRACTION = 8
"""A temporal shift moves one in this many channels each way."""


class ConvNorm(nn.Module):
    """A convolution without bias, and its normalisation. Padding keeps the size at stride 1."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: tuple[int, int, int],
        *,
        norm: BackboneNorm,
        stride: tuple[int, int, int] = (1, 1, 1),
        dilation: int = 1,
    ) -> None:
        super().__init__()
        time, height, width = kernel
        self.conv = nn.Conv3d(
            channels_in,
            channels_out,
            kernel,
            stride=stride,
            padding=(time // 2, height // 2 * dilation, width // 2 * dilation),
            dilation=(1, dilation, dilation),
            bias=False,
        )
        self.norm = nn.BatchNorm3d(channels_out) if norm == "batch" else Affine(channels_out)

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B K T1 H1 W1"]:
        """Return the normalised convolution, in one pass over the features: the gain is merged into the weights."""
        gain: Tensor = self.norm.weight
        offset: Tensor = self.norm.bias
        if isinstance(self.norm, nn.BatchNorm3d):
            assert self.norm.running_mean is not None
            assert self.norm.running_var is not None
            gain = gain * torch.rsqrt(self.norm.running_var + self.norm.eps)
            offset = offset - self.norm.running_mean * gain
        conv = self.conv
        weight = conv.weight * gain[:, None, None, None, None]
        return conv3d(x, weight, offset, conv.stride, conv.padding, conv.dilation)


class Bottleneck(nn.Module):
    """Bottleneck: Tx1x1, 1x3x3, 1x1x1, plus the input, then a non-local block if there is one.

    The non-local block comes after the last ReLU and none follows it, in every public implementation. ``index``: the
    index of the block in its stage.
    """

    def __init__(self, config: ResNetConfig, stage: Stage, index: int, *, channels_in: int, inner: int) -> None:
        super().__init__()
        norm, channels_out = config.norm, inner * EXPANSION
        stride = stage.spatial_stride if index == 0 else 1
        strides = (1, stride, stride)
        self.shifted = config.shifts(index)
        self.reduce = ConvNorm(channels_in, inner, (stage.temporal_kernels[index], 1, 1), norm=norm)
        self.spatial = ConvNorm(inner, inner, (1, 3, 3), norm=norm, stride=strides, dilation=stage.dilation)
        self.expand = ConvNorm(inner, channels_out, (1, 1, 1), norm=norm)
        changes = stride > 1 or channels_in != channels_out
        self.shortcut = ConvNorm(channels_in, channels_out, (1, 1, 1), norm=norm, stride=strides) if changes else None
        self.nonlocal_block = _nonlocal(config, stage, channels_out) if index in stage.nonlocal_after else None

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B K T Y X"]:
        """Return the block's output."""
        y = relu_(self.reduce(temporal_shift(x) if self.shifted else x))
        y = relu_(self.spatial(y))
        y = relu_(self.expand(y).add_(x if self.shortcut is None else self.shortcut(x)))
        return y if self.nonlocal_block is None else self.nonlocal_block(y)


class ResNet(nn.Module):
    """A network from its record; ``weights.filling`` fills it from a file.

    >>> from nonlocal_core.models.presets.slowfast import pyslowfast_8x8
    >>> network = ResNet(pyslowfast_8x8(family="i3d", blocks=5))
    >>> network(torch.zeros(1, 3, 8, 64, 96)).shape, [block.name for block in network.inserted]
    (torch.Size([1, 1, 400]), ['res3.1', 'res3.3', 'res4.1', 'res4.3', 'res4.5'])

    ``status``: whether trained weights will be filled in; every block passes it on.
    """

    def __init__(self, config: ResNetConfig, *, status: WeightStatus = "untrained") -> None:
        super().__init__()
        self.config = config
        self.status = status
        self.input_spec = config.input_spec
        self.shown: str | None = None  # the last block
        self.classes = config.head.classes
        self.stem = ConvNorm(
            3,
            STEM_CHANNELS,
            (config.stem_temporal_kernel, 7, 7),
            norm=config.norm,
            stride=(config.stem_temporal_stride, 2, 2),
        )
        self.pool1 = _max_pool(config.pool1)
        self.pool2 = _max_pool(config.pool2) if config.pool2 else nn.Identity()
        channels = STEM_CHANNELS
        for depth, (name, stage) in enumerate(zip(STAGE_NAMES, config.stages, strict=True)):
            inner = STEM_CHANNELS << depth
            blocks = nn.ModuleList()
            for index in range(len(stage.temporal_kernels)):
                blocks.append(Bottleneck(config, stage, index, channels_in=channels, inner=inner))
                channels = inner * EXPANSION
            self.add_module(name, blocks)
        self.head = nn.Linear(channels, len(self.classes)) if self.classes else None

    def forward(self, clip: Float[Tensor, "B 3 T H W"]) -> Float[Tensor, "B P K"]:
        """Return class logits at P positions; the clip's answer is the mean over P of their softmax.

        P is 1 unless the source takes the softmax before it averages.
        Raises ShapeError for a clip that is too short or too small for the poolings, or of another length than in
        training if time is attended in groups.
        """
        _, _, frames, height, width = clip.shape
        self._check_clip((frames, height, width))
        x = self.pool1(relu_(self.stem(clip)))
        done = 0
        for name in STAGE_NAMES:
            for block in self.get_submodule(name).children():
                x = block(x)
                done += 1
                report_step(done, self.config.block_count)
            if name == "res2":
                x = self.pool2(x)
        return self._logits(x)

    def forward_bytes(self, clip_shape: tuple[int, ...]) -> int:
        """Return the approximate growth of the process in bytes at the peak of a forward pass on the CPU.

        ``clip_shape``: (B, 3, T, H, W).
        """
        batch, _, frames, height, width = clip_shape
        return batch * forward_bytes(self.config, clip_thw=(frames, height, width))

    @property
    def inserted(self) -> tuple[InsertedBlock, ...]:
        """The non-local blocks in the order in which they run."""
        return tuple(
            InsertedBlock(
                name=name,
                title=_block_title(name, self.config),
                module=self.get_submodule(f"{name}.{NONLOCAL_BLOCK}"),
                status=self.status,
                note=_block_note(name, self.config),
            )
            for name in self.config.block_names
        )

    def _logits(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, P, K)."""
        head = self.config.head
        window = [min(side or size, size) for side, size in zip(head.window, x.shape[2:], strict=True)]
        pooled = avg_pool3d(x, window, stride=1).flatten(2).mT
        logits = pooled[..., :0] if self.head is None else self.head(pooled)
        return logits if head.softmax_first else logits.mean(dim=1, keepdim=True)

    def _check_clip(self, clip_thw: Triple) -> None:
        config, frames = self.config, clip_thw[0]
        if frames != config.clip_frames and config.attends_in_groups:
            raise ShapeError(
                f"This network attends inside groups in time and takes clips of {config.clip_frames} frames; "
                f"got {frames}. Choose {config.clip_frames} frames."
            )
        if min(min(maps.thw) for maps in bottlenecks(config, clip_thw)) < 1:
            raise ShapeError(
                f"This network was trained on clips of {config.clip_frames} frames, which it shrinks on the way; "
                f"nothing is left of {clip_thw} (T, H, W). Choose more frames, or a larger short side."
            )


def temporal_shift(x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
    """Return x with the first eighth of its channels one step earlier and the second eighth one step later.

    Channels without a step to come from are zero. Source: J. Lin et al., "TSM" (ICCV 2019), section 3.
    """
    fold = x.shape[1] // SHIFT_FRACTION
    shifted = torch.zeros_like(x)
    shifted[:, :fold, :-1] = x[:, :fold, 1:]
    shifted[:, fold : 2 * fold, 1:] = x[:, fold : 2 * fold, :-1]
    shifted[:, 2 * fold :] = x[:, 2 * fold :]
    return shifted


def _nonlocal(config: ResNetConfig, stage: Stage, channels: int) -> NonlocalBlock:
    grouped = replace(config.nonlocal_config, temporal_groups=stage.temporal_groups)
    return NonlocalBlock(channels, config.pairwise, grouped)


def _stage_of(name: str, config: ResNetConfig) -> Stage:
    return config.stages[STAGE_NAMES.index(name.split(".")[0])]


def _block_title(name: str, config: ResNetConfig) -> str:
    stage, index = name.split(".")
    stride = 4
    for other, settings in zip(STAGE_NAMES, config.stages, strict=True):
        stride *= settings.spatial_stride
        if other == stage:
            break
    count = len(_stage_of(name, config).temporal_kernels)
    return f"stride {stride} · {stage}, after block {int(index) + 1} of {count}"


def _block_note(name: str, config: ResNetConfig) -> str:
    groups = _stage_of(name, config).temporal_groups
    return f"Time is cut in {groups} equal parts; each position attends inside its own part." if groups > 1 else ""


def _max_pool(pooling: Pooling) -> nn.MaxPool3d:
    return nn.MaxPool3d(pooling.kernel, pooling.stride, pooling.padding)
