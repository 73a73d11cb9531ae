"""The canvas of an animation, a part of which each frame changes."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from jaxtyping import UInt8

Disposal = Literal["keep", "clear", "restore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One frame of an animation as its file stores it: a picture of its own, and its place on the canvas.

    ``still``: makes the file of that picture. ``at``: row and column of its corner on the canvas. ``over``: whether it
    is blended over the canvas or replaces its pixels, including transparent ones. ``disposal``: the treatment of the
    place once the frame has been shown.
    """

    still: Callable[[], bytes]
    hw: tuple[int, int]
    at: tuple[int, int]
    delay_seconds: Fraction
    over: bool
    disposal: Disposal


class Canvas:
    """The pixels of an animation while its frames are drawn one after the other."""

    def __init__(self, hw: tuple[int, int]) -> None:
        self.rgba: UInt8[np.ndarray, "H W 4"] = np.zeros((*hw, 4), dtype=np.uint8)

    def draw(self, part: Part, pixels: UInt8[np.ndarray, "h w 4"]) -> "Undo":
        """Draw a frame, clipped to the canvas, and return the way to dispose of it."""
        height, width = self.rgba.shape[:2]
        (top, left), (rows, cols) = part.at, part.hw
        place = np.s_[top : min(top + rows, height), left : min(left + cols, width)]
        under = self.rgba[place]
        pixels = pixels[: under.shape[0], : under.shape[1]]
        undo = Undo(place=place, before=under.copy() if part.disposal == "restore" else None, disposal=part.disposal)
        self.rgba[place] = _blended(pixels, under) if part.over else pixels
        return undo

    def dispose(self, undo: "Undo") -> None:
        """Prepare the canvas for the next frame."""
        if undo.disposal == "clear":
            self.rgba[undo.place] = 0
        elif undo.before is not None:
            self.rgba[undo.place] = undo.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Place of a frame to dispose of, and its former content if that is restored."""

    place: tuple[slice, slice]
    before: UInt8[np.ndarray, "h w 4"] | None
    disposal: Disposal


def _blended(over: UInt8[np.ndarray, "h w 4"], under: UInt8[np.ndarray, "h w 4"]) -> UInt8[np.ndarray, "h w 4"]:
    """Return one picture over another, both with colours not premultiplied by alpha (PNG, section 13.16)."""
    alpha = over[..., 3:]
    if not ((alpha > 0) & (alpha < 255)).any():
        return np.where(alpha == 255, over, under)
    front = alpha.astype(np.float32) / 255
    back = under[..., 3:].astype(np.float32) / 255 * (1 - front)
    total = front + back
    colour = (over[..., :3] * front + under[..., :3] * back) / np.maximum(total, np.finfo(np.float32).tiny)
    return np.concatenate([np.round(colour), np.round(total * 255)], axis=-1).astype(np.uint8)
