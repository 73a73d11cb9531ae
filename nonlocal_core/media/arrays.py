"""Arrays as pictures: accepted shapes and types, and their meaning."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from nonlocal_core.errors import MediaError

_TAKEN = "uint8 of shape (H, W), (H, W, 3), (H, W, 4), (T, H, W), (T, H, W, 3) or (T, H, W, 4)"
_CHANNELS = (3, 4)


def frames_of_array(array: np.ndarray, name: str) -> list[np.ndarray]:
    """Return the frames of an array, each of shape (H, W), (H, W, 3) or (H, W, 4); one frame for a still picture.

    Raises MediaError, with the remedy, for an array of another shape or type.
    """
    coloured = array.ndim >= 3 and array.shape[-1] in _CHANNELS
    if array.ndim not in (2, 3, 4) or (array.ndim == 4 and not coloured) or not array.size:
        first = array.ndim >= 3 and array.shape[-3] in _CHANNELS
        hint = "Put the channels last: np.moveaxis(array, -3, -1)." if first else "Reshape it."
        raise MediaError(f"{name}: expected {_TAKEN}; got {array.dtype} of shape {array.shape}. {hint}")
    _check_type(array, name)
    return list(array) if array.ndim - coloured == 3 else [array]


def _check_type(array: np.ndarray, name: str) -> None:
    if array.dtype == np.uint8:
        return
    if array.dtype.kind != "f":
        raise MediaError(
            f"{name}: expected {_TAKEN}, or floats from 0 to 1; got {array.dtype}. Scale it to 0 to 255 and call "
            ".astype(np.uint8)."
        )
    low, high = float(array.min()), float(array.max())  # NaN where one is in it
    if not (low >= 0 and high <= 1):
        raise MediaError(
            f"{name}: expected floats from 0 (black) to 1 (white); got {low:g} to {high:g}. Scale it to that range, "
            "or to 0 to 255 with .astype(np.uint8)."
        )


def picture_of_array(frame: np.ndarray) -> Image.Image:
    """Return a frame of ``frames_of_array`` as a picture; a float of 1 is white."""
    levels: UInt8[np.ndarray, "*frame"] = (
        frame if frame.dtype == np.uint8 else np.round(frame.astype(np.float64) * 255).astype(np.uint8)
    )
    return Image.fromarray(np.ascontiguousarray(levels))
