"""Storage of a bundle: the types in which tables and pictures are written."""

import io
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import UInt8
from PIL import Image

Precision = Literal["float16", "int8"]
"""Storage of theta and phi. A block is stored in a wider type if a row would lose too much."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
Codec = Literal["jpeg", "webp"]
SIGNATURES = {"image/jpeg": ((0, b"\xff\xd8"),), "image/webp": ((0, b"RIFF"), (8, b"WEBP"))}
"""Signature of a picture of each media type, and its offset in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureStorage:
    """Storage of the frames: the longer side in pixels, the codec and its quality.

    The defaults are sharp in the viewer's largest picture and fast to encode, at about 60 kB a frame.
    """

    long_side: int = 640
    codec: Codec = "jpeg"
    quality: int = 84

    @property
    def media_type(self) -> str:
        """The media type of the files."""
        return f"image/{self.codec}"

    def encode(self, picture: UInt8[np.ndarray, "H W 3"]) -> bytes:
        """Return a frame as a file; it is never enlarged."""
        image = Image.fromarray(picture)
        image.thumbnail((self.long_side, self.long_side), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        image.save(out, self.codec, quality=self.quality, optimize=True)
        return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Storage of all parts of a bundle.

    ``precision``: type of theta and phi, wider for a block whose rows would suffer. ``columns``: whether to include the
    normalisers that columns of a softmax need; without them the bundle is made sooner, and ``encode_columns`` has them.
    """

    precision: Precision = "float16"
    columns: bool = True
    pictures: PictureStorage = PictureStorage()


STORAGE = Storage()
"""Default storage of a bundle."""
