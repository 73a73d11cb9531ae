"""EfficientNet-Lite0 applied to every frame separately: the default trunk, split where non-local blocks go.

Architecture: M. Tan and Q. Le, "EfficientNet" (ICML 2019), table 1, in its Lite0 variant
(tensorflow/tpu, models/official/efficientnet/lite): no squeeze-and-excitation, ReLU6, stem and head not scaled.

Differs: batch normalisation is folded into the convolutions when the weights are read (weights/lite0.py), so
there is none here; ``test_lite0.py`` and ``test_lite0_answers.py`` verify that the answers do not change.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad, relu6

CHANNELS_STRIDE8 = 40
CHANNELS_STRIDE16 = 112
STRIDE8_BLOCKS, STRIDE16_BLOCKS = 5, 11
"""Numbers of blocks up to the last one at each of these strides."""

CPU_CHUNK_PIXELS = 2 * 224 * 224
"""Pixels of input that go through the trunk at once; more of them would not fit the caches and be slower."""
ACCELERATOR_CHUNK_PIXELS = 32 * 224 * 224
"""Pixels of input at once on a GPU, which needs larger batches; about 0.4 GiB of activations in float32."""

_CHUNK_BYTES_PER_PIXEL = 232
"""Bytes per pixel of one chunk's activations at their peak, in block 1: 58 float32 numbers."""
_KEPT_BYTES_PER_PIXEL = 5
"""Bytes per pixel of the features after block 4 of all frames, held twice while the chunks are joined."""

_STEM_CHANNELS = 32
_HEAD_CHANNELS = 1280
_CLASSES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Inverted residuals of one width; the first one carries the stride."""

    kernel: int
    stride: int
    expand: int
    channels: int
    repeats: int


_STAGES = (
    _Stage(kernel=3, stride=1, expand=1, channels=16, repeats=1),
    _Stage(kernel=3, stride=2, expand=6, channels=24, repeats=2),
    _Stage(kernel=5, stride=2, expand=6, channels=CHANNELS_STRIDE8, repeats=2),
    _Stage(kernel=3, stride=2, expand=6, channels=80, repeats=3),
    _Stage(kernel=5, stride=1, expand=6, channels=CHANNELS_STRIDE16, repeats=3),
    _Stage(kernel=5, stride=2, expand=6, channels=192, repeats=4),
    _Stage(kernel=3, stride=1, expand=6, channels=320, repeats=1),
)


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding: ceil(n / stride) outputs, the odd line of zeros after the image.

    >>> SameConv2d(3, 4, kernel=3, stride=2)(torch.zeros(1, 3, 96, 161)).shape
    torch.Size([1, 4, 48, 81])
    """

    def __init__(self, channels_in: int, channels_out: int, *, kernel: int, stride: int = 1, groups: int = 1) -> None:
        # At stride 1 the padding is the same on both sides, and the convolution adds it without a copy of the image.
        own_padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels_in, channels_out, kernel, stride, own_padding, groups=groups)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k y x"]:
        """Return the convolved image."""
        if self.stride[0] > 1:
            top, bottom = _same_padding(x.shape[-2], kernel=self.kernel_size[0], stride=self.stride[0])
            left, right = _same_padding(x.shape[-1], kernel=self.kernel_size[1], stride=self.stride[1])
            x = pad(x, (left, right, top, bottom))
        return super().forward(x)


class InvertedResidual(nn.Module):
    """Block of an expansion (1x1), a depthwise convolution and a projection (1x1), plus the input if shapes allow."""

    def __init__(self, channels_in: int, channels_out: int, *, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        width = channels_in * expand
        self.expand = SameConv2d(channels_in, width, kernel=1) if expand > 1 else None
        self.depthwise = SameConv2d(width, width, kernel=kernel, stride=stride, groups=width)
        self.project = SameConv2d(width, channels_out, kernel=1)
        self.adds_input = stride == 1 and channels_in == channels_out

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k y x"]:
        """Return the block's output."""
        y = x if self.expand is None else relu6(self.expand(x), inplace=True)
        y = relu6(self.depthwise(y), inplace=True)
        narrow: Tensor = self.project(y)
        return narrow + x if self.adds_input else narrow


class Lite0(nn.Module):
    """The trunk in three steps, each over any number of frames (N = B * T) in chunks that bound memory.

    >>> trunk = Lite0()
    >>> features8 = trunk.to_stride8(torch.zeros(3, 3, 96, 160))
    >>> features16 = trunk.to_stride16(features8)
    >>> features8.shape, features16.shape, trunk.to_logits(features16).shape
    (torch.Size([3, 40, 12, 20]), torch.Size([3, 112, 6, 10]), torch.Size([3, 1000]))

    Input: RGB, (v - 127/255) / (128/255) for v in [0, 1]. Any height and width; with multiples of 32 no cell extends
    over the edge. Everything is computed channels last, which is several times as fast on a CPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv2d(3, _STEM_CHANNELS, kernel=3, stride=2)
        self.blocks = nn.Sequential(*_inverted_residuals())
        self.head = SameConv2d(_STAGES[-1].channels, _HEAD_CHANNELS, kernel=1)
        self.classifier = nn.Linear(_HEAD_CHANNELS, _CLASSES)

    def to_stride8(self, frames: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 40 y x"]:
        """Return the features after block 4."""
        return _in_chunks(self._stride8, frames, stride=1)

    def to_stride16(self, features: Float[Tensor, "n 40 h w"]) -> Float[Tensor, "n 112 y x"]:
        """Return the features after block 10, from those after block 4."""
        return _in_chunks(self.blocks[STRIDE8_BLOCKS:STRIDE16_BLOCKS], features, stride=8)

    def to_logits(self, features: Float[Tensor, "n 112 h w"]) -> Float[Tensor, "n 1000"]:
        """Return the class logits of every frame, from the features after block 10."""
        return _in_chunks(self._logits, features, stride=16)

    def to_stride32(self, features: Float[Tensor, "n 112 h w"]) -> Float[Tensor, "n 320 y x"]:
        """Return the features after block 15, from those after block 10."""
        return _in_chunks(self.blocks[STRIDE16_BLOCKS:], features, stride=16)

    def classify(self, features: Float[Tensor, "n 320 h w"]) -> Float[Tensor, "n 1000"]:
        """Return the class logits of every frame, from the features after block 15."""
        wide = relu6(self.head(features), inplace=True)
        logits: Tensor = self.classifier(wide.mean(dim=(2, 3)))
        return logits

    def forward(self, frames: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1000"]:
        """Return the class logits of every frame."""
        return self.to_logits(self.to_stride16(self.to_stride8(frames)))

    def forward_bytes(self, *, frames: int, height: int, width: int) -> int:
        """Return the approximate peak memory of a run over these frames in bytes, without weights and input."""
        pixels = height * width
        chunk = min(frames, frames_at_once(pixels, self.classifier.weight.device)) * pixels
        return _CHUNK_BYTES_PER_PIXEL * chunk + _KEPT_BYTES_PER_PIXEL * frames * pixels

    def _stride8(self, frames: Tensor) -> Tensor:
        features: Tensor = self.blocks[:STRIDE8_BLOCKS](relu6(self.stem(frames), inplace=True))
        return features

    def _logits(self, features: Tensor) -> Tensor:
        return self.classify(self.blocks[STRIDE16_BLOCKS:](features))


def _inverted_residuals() -> list[InvertedResidual]:
    blocks = []
    channels = _STEM_CHANNELS
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            blocks.append(
                InvertedResidual(channels, stage.channels, kernel=stage.kernel, stride=stride, expand=stage.expand)
            )
            channels = stage.channels
    return blocks


def _same_padding(size: int, *, kernel: int, stride: int) -> tuple[int, int]:
    """Return the numbers of zeros before and after an axis of ``size`` pixels."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def frames_at_once(pixels: int, device: torch.device) -> int:
    """Return the number of frames of ``pixels`` pixels that go through the trunk together."""
    limit = CPU_CHUNK_PIXELS if device.type == "cpu" else ACCELERATOR_CHUNK_PIXELS
    return max(1, limit // pixels)


def _in_chunks(step: Callable[[Tensor], Tensor], x: Tensor, *, stride: int) -> Tensor:
    """Apply ``step`` to a few frames at a time; ``stride``: the number of input pixels on a side of a cell of x."""
    count = frames_at_once(x.shape[-2] * x.shape[-1] * stride**2, x.device)
    chunks = [step(chunk.contiguous(memory_format=torch.channels_last)) for chunk in torch.split(x, count)]
    return torch.cat(chunks)
