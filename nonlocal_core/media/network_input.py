"""Conversion of frames to the input of a network: size, crop and normalisation, and the origin of each cell."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from nonlocal_core.errors import GeometryError
from nonlocal_core.geometry import WHOLE_FRAME, Box, ViewTransform
from nonlocal_core.media.frames import Frames

Crop = Literal["none", "center"]

LONG_SIDE = 1024
"""Maximum length in pixels of the long side of the input; a panorama is fed smaller."""


LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601), as in Pillow and torchvision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """Size and colours that a network expects of its frames.

    ``short_side``: pixels. ``multiple_of``: the network's stride, so that cells tile the input exactly. ``size_hw``:
    pixels of a network that takes one size only. ``crop``: the whole frame, or its central part of the input's shape,
    a square without ``size_hw``; ``crop_fraction``: the fraction of the largest such crop that is fed. ``mean`` and
    ``std``: of every channel, on a scale where white is ``value_range``; one of them is grey, three are red, green and
    blue, and for more the colours repeat in turn. ``max_long_side``: see ``LONG_SIDE``. ``marks``: number of channels
    after the colours, one for each mark that an object can wear. Raises GeometryError for impossible sizes.
    """

    short_side: int
    multiple_of: int
    crop: Crop = "none"
    mean: tuple[float, ...]
    std: tuple[float, ...]
    value_range: Literal[1, 255] = 1
    max_long_side: int = LONG_SIDE
    marks: int = 0
    size_hw: tuple[int, int] | None = None
    crop_fraction: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.multiple_of <= self.short_side <= self.max_long_side:
            raise GeometryError(
                "An input needs 1 <= multiple_of <= short_side <= max_long_side; "
                f"got {self.multiple_of}, {self.short_side}, {self.max_long_side}."
            )
        if not self.std or len(self.std) != len(self.mean) or min(self.std) <= 0:
            raise GeometryError(
                f"Every channel has a mean and a std, and each std is larger than 0; got {self.mean} and {self.std}."
            )
        if (self.size_hw is not None and min(self.size_hw) < 1) or not 0 < self.crop_fraction <= 1:
            raise GeometryError(
                f"An input has at least one pixel, and a crop is a part of the frame, above 0 and up to 1; got "
                f"{self.size_hw} and {self.crop_fraction}."
            )

    def view_of(self, shown_hw: tuple[int, int]) -> ViewTransform:
        """Return the part of a frame of this size that is fed, and the size at which it is fed.

        Both sides are rounded to whole cells, so the whole frame is seen and its shape changes by less than a cell. For
        a network of fixed size without a crop, the whole frame is scaled to the shape of the input.

        >>> spec = InputSpec(short_side=256, multiple_of=16, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        >>> spec.view_of((720, 1280)).input_hw
        (256, 448)
        """
        height, width = shown_hw
        side = self._in_cells(float(self.short_side))
        size_hw = self.size_hw or ((side, side) if self.crop == "center" else None)
        if size_hw is not None:
            crop = _central(shown_hw, size_hw, self.crop_fraction) if self.crop == "center" else WHOLE_FRAME
            return ViewTransform(shown_hw=shown_hw, input_hw=size_hw, crop=crop)
        scale = min(self.short_side / min(shown_hw), self.max_long_side / max(shown_hw))
        input_hw = (self._in_cells(height * scale), self._in_cells(width * scale))
        return ViewTransform(shown_hw=shown_hw, input_hw=input_hw, crop=WHOLE_FRAME)

    def _in_cells(self, pixels: float) -> int:
        """Return the nearest multiple of a cell, at least one and within the long side."""
        cells = int(pixels / self.multiple_of + 0.5)
        return min(max(cells, 1), self.max_long_side // self.multiple_of) * self.multiple_of


def _central(shown_hw: tuple[int, int], input_hw: tuple[int, int], fraction: float) -> Box:
    """Return a fraction of the largest central part of a frame that has the shape of the input."""
    scale = fraction * min(length / pixels for length, pixels in zip(shown_hw, input_hw, strict=True))
    top, left = ((1 - scale * n / length) / 2 for length, n in zip(shown_hw, input_hw, strict=True))
    return (left, top, 1 - left, 1 - top)


def network_input(frames: Frames, spec: InputSpec) -> tuple[Float32[np.ndarray, "1 c T h w"], ViewTransform]:
    """Return the clip as a network expects it, and the view that maps it back to the shown frame.

    Frames are scaled by Pillow's bicubic filter: its support grows with the reduction, so that fine patterns do
    not alias, and EfficientNet was evaluated with bicubic scaling.
    """
    view = spec.view_of(frames.info.shown_hw)
    return network_pixels(frames, spec, view), view


def network_pixels(frames: Frames, spec: InputSpec, view: ViewTransform) -> Float32[np.ndarray, "1 c T h w"]:
    """Return the clip at the size and crop of a view, as it was fed before or as ``network_input`` chose it.

    It has the colours, and for networks that take marks the fraction of each pixel that wears each of them.
    """
    height, width = view.input_hw
    clip = np.empty((1, 3, len(frames.rgb), height, width), dtype=np.float32)
    for t, picture in enumerate(frames.rgb):
        clip[0, :, t] = _scaled(picture, view).transpose(2, 0, 1)
    if spec.value_range == 1:
        clip /= 255.0
    clip = _in_channels(clip, len(spec.mean))
    clip -= np.array(spec.mean, dtype=np.float32)[:, None, None, None]
    clip /= np.array(spec.std, dtype=np.float32)[:, None, None, None]
    return np.concatenate([clip, _worn(frames, spec, view)], axis=1) if spec.marks else clip


def _in_channels(clip: Float32[np.ndarray, "1 3 T h w"], count: int) -> Float32[np.ndarray, "1 c T h w"]:
    """Return grey for one channel, the colours for three, and the colours in turn for any other number."""
    if count == 1:
        grey: np.ndarray = np.einsum("bcthw,c->bthw", clip, np.array(LUMA, np.float32))[:, None]
        return grey
    return clip if count == 3 else clip[:, np.arange(count) % 3]


def _worn(frames: Frames, spec: InputSpec, view: ViewTransform) -> Float32[np.ndarray, "1 m T h w"]:
    worn = np.zeros((1, spec.marks, len(frames.rgb), *view.input_hw), np.float32)
    for t, marks in enumerate(() if frames.marks is None else frames.marks):
        for mark in range(spec.marks):
            mask = np.where(marks == 1 + mark, np.uint8(255), np.uint8(0))
            worn[0, mark, t] = _scaled(mask, view, Image.Resampling.BOX)
    worn /= 255.0
    return worn


def _scaled(
    picture: UInt8[np.ndarray, "H W ..."], view: ViewTransform, way: Image.Resampling = Image.Resampling.BICUBIC
) -> UInt8[np.ndarray, "h w ..."]:
    height, width = picture.shape[:2]
    left, top, right, bottom = view.crop
    box = (left * width, top * height, right * width, bottom * height)
    return np.asarray(Image.fromarray(picture).resize(view.input_hw[::-1], way, box=box))
