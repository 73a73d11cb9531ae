"""Sizes, turns and backgrounds between the stored picture and the shown one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

GREY = 128
"""Colour behind transparent pixels: neither black nor white drawings vanish on it, and it is near the mean
of natural pictures that networks subtract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One of the eight orientations of a stored picture: transposed first, then flipped."""

    transpose: bool = False
    flip_rows: bool = False
    flip_cols: bool = False

    @classmethod
    def from_exif(cls, orientation: int) -> "Turn":
        """Return the turn of an EXIF orientation, 1 to 8, or no turn for any other number."""
        transpose, flip_rows, flip_cols = _EXIF_TURNS.get(orientation, (False, False, False))
        return cls(transpose=transpose, flip_rows=flip_rows, flip_cols=flip_cols)

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> "Turn":
        """Return the turn of a display matrix, by its nearest multiple of 90 degrees.

        The matrix is nine 32-bit numbers a b u, c d v, x y w; a stored pixel (p, q) is shown at
        (a p + c q + x, b p + d q + y) (libavutil/display.h).
        """
        a, b, _, c, d = np.frombuffer(matrix, dtype=np.int32, count=5).tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(flip_rows=d < 0, flip_cols=a < 0)
        return cls(transpose=True, flip_rows=b < 0, flip_cols=c < 0)

    def hw(self, stored_hw: tuple[int, int]) -> tuple[int, int]:
        """Return the (H, W) of a picture after the turn; the same rule inverts it."""
        return stored_hw[::-1] if self.transpose else stored_hw

    def apply(self, rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "H W 3"]:
        """Return the picture as shown."""
        turned = rgb.transpose(1, 0, 2) if self.transpose else rgb
        turned = turned[::-1] if self.flip_rows else turned
        return turned[:, ::-1] if self.flip_cols else turned


_EXIF_TURNS = {  # (transpose, flip_rows, flip_cols); EXIF 2.32, table 4, orientation
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def fit_within(hw: tuple[int, int], max_side: int) -> tuple[int, int]:
    """Return a size of the same shape whose sides are at most ``max_side``; a smaller size is unchanged.

    >>> fit_within((720, 1280), 1024)
    (576, 1024)
    """
    scale = min(1.0, max_side / max(hw))
    return (max(1, round(hw[0] * scale)), max(1, round(hw[1] * scale)))


def see_through_note(picture: Image.Image, name: str) -> str:
    """Return the sentence about a picture that is transparent in places, or "" for an opaque one."""
    if picture.mode != "RGBA" or picture.getchannel("A").getextrema()[0] == 255:
        return ""
    return transparent_note(name)


def transparent_note(name: str) -> str:
    """Return the note on a file that is transparent in places."""
    return f"{name} is transparent in places; what lies behind is shown grey."


def on_grey(picture: Image.Image, hw: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
    """Return a picture of mode RGB or RGBA at a size, transparent parts over grey.

    Scaling comes before the background: Pillow scales RGBA with colours weighted by alpha.
    """
    height, width = hw
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, (GREY, GREY, GREY, 255))
        picture = Image.alpha_composite(ground, picture).convert("RGB")
    return np.asarray(picture)
