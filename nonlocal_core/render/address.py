"""Pictures as data addresses, for a page that fetches none."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

PICTURE_SIDE = 640
"""Longer side in pixels of a photograph that a reader draws or marks on."""


def jpeg_address(picture: UInt8[np.ndarray, "H W 3"]) -> str:
    """Return a photograph as a JPEG, no larger than ``PICTURE_SIDE``."""
    image = Image.fromarray(picture)
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    return _address(image, "jpeg", quality=85)


def png_address(values: Float[np.ndarray, "H W 3"]) -> str:
    """Return pixels exactly, as PNG, from colours in [0, 1]; values outside are clipped."""
    return _address(Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)), "png")


def _address(image: Image.Image, kind: str, **options: int) -> str:
    file = BytesIO()
    image.save(file, format=kind, **options)
    return f"data:image/{kind};base64,{b64encode(file.getvalue()).decode('ascii')}"
