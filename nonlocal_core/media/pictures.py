"""Pictures and animations, read by Pillow."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from nonlocal_core.errors import MediaError, MediaLimitError, NonlocalError
from nonlocal_core.media.formats import PictureFormat
from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.pixels import Turn, on_grey
from nonlocal_core.media.records import Kind
from nonlocal_core.media.source import Source

ORIENTATION_TAG = 0x0112

SHORTEST_MS = 11
"""Browsers give an animation frame of less than this ``DEFAULT_MS`` instead, and so does this reader."""
DEFAULT_MS = 100

# The classes and not Image.open: that would guess among all formats, and warn by a limit that is not ours.
_READERS: dict[PictureFormat, type[ImageFile.ImageFile]] = {
    "avif": AvifImageFile,
    "bmp": BmpImageFile,
    "gif": GifImageFile,
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "tiff": TiffImageFile,
    "webp": WebPImageFile,
}


class PictureClip:
    """A picture or an animation, for one request: its facts, and its frames when asked.

    Raises MediaError when it cannot be read and MediaLimitError when it is too large. An animation is decoded once
    to learn how long its frames last; a still picture is decoded only when read.
    """

    def __init__(self, source: Source, found: PictureFormat, limits: Limits) -> None:
        limits.check_picture_bytes(source.name, source.byte_count)
        self.codec: PictureFormat = found
        self.notes: list[str] = []
        self._source, self._limits = source, limits
        self._budget = DecodeBudget(source.name, limits)
        with self._opened() as picture:
            self.shown_hw = _turn(picture).hw(picture.size[::-1])
            # The default image of an APNG stands in where animation is not supported; it is no frame of it.
            self._first = 1 if getattr(picture, "default_image", False) else 0
            moves = found != "tiff" and getattr(picture, "is_animated", False)  # a TIFF's pages are no moments
            durations_ms = self._durations_ms(picture) if moves else []
        self._lay_out(durations_ms if len(durations_ms) > 1 else [])

    def _lay_out(self, durations_ms: list[int]) -> None:
        edges = np.cumsum([0, *durations_ms]) / 1000.0
        self.kind: Kind = "animation" if durations_ms else "image"
        self.starts: Float64[np.ndarray, " N"] = edges[:-1] if durations_ms else edges
        self.end_seconds = float(edges[-1])
        self.rate = Fraction(1000 * len(durations_ms), sum(durations_ms)) if durations_ms else None
        self._limits.check_seconds(self._source.name, self.end_seconds)

    def read(self, indices: Int64[np.ndarray, " T"], shown_hw: tuple[int, int]) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """Yield the frames of ascending indices at a size."""
        with self._opened() as picture:
            for index in indices.tolist():
                if self.kind == "animation":
                    picture.seek(index + self._first)
                yield self._frame(picture, shown_hw)

    def _frame(self, picture: ImageFile.ImageFile, shown_hw: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
        if isinstance(picture, JpegImageFile):
            stored = _turn(picture).hw(shown_hw)
            picture.draft(None, stored[::-1])  # a JPEG decodes to a half, quarter or eighth in a fraction of the time
        picture.load()
        turn = _turn(picture)
        return turn.apply(on_grey(self._plain(picture), turn.hw(shown_hw)))

    def _plain(self, picture: Image.Image) -> Image.Image:
        """Return a picture of any mode as RGB, or as RGBA where it has transparent parts."""
        if picture.mode.startswith("I;16"):
            sixteen = np.asarray(picture).astype(np.uint32)
            picture = Image.fromarray(((sixteen + 128) // 257).astype(np.uint8))
        elif picture.mode in ("I", "F"):
            self.notes.append(f"{self._source.name} holds numbers with no set range; its least is shown black.")
            picture = _stretched(np.asarray(picture, dtype=np.float64))
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB")

    def _durations_ms(self, picture: ImageFile.ImageFile) -> list[int]:
        """Return how long each frame lasts, going through them all; a damaged end only shortens the animation."""
        durations: list[int] = []
        while True:
            self._limits.check_listed(self._source.name, len(durations))
            try:
                picture.seek(self._first + len(durations))
                self._limits.check_picture_size(self._source.name, picture.size[::-1])
                picture.load()
            except (MediaLimitError, Image.DecompressionBombError):
                raise
            except Exception as fault:
                if not durations:
                    raise
                if len(durations) + self._first < getattr(picture, "n_frames", 0) or not isinstance(fault, EOFError):
                    self.notes.append(f"{self._source.name} is damaged after frame {len(durations) - 1}.")
                return durations
            self._budget.spend(picture.size[::-1])
            listed = picture.info.get("duration") or 0
            durations.append(round(listed) if listed >= SHORTEST_MS else DEFAULT_MS)

    @contextmanager
    def _opened(self) -> Iterator[ImageFile.ImageFile]:
        """Give the opened picture; what Pillow finds wrong with it is raised again under the name of the file.

        Every Exception is: a damaged file leads Pillow's readers into OSError and SyntaxError, but into failed
        assertions and divisions by zero as well.
        """
        name = self._source.name
        try:
            with self._source.open() as file:
                picture = _READERS[self.codec](file)
                self._limits.check_picture_size(name, picture.size[::-1])
                yield picture
        except NonlocalError:
            raise
        except Image.DecompressionBombError as fault:
            raise MediaLimitError(f"{name} unpacks to more pixels than are read here. Make it smaller.") from fault
        except Exception as fault:
            reason = str(fault).strip().rstrip(".") or type(fault).__name__
            raise MediaError(
                f"{name} cannot be read as a picture: {reason}. If it is damaged or cut short, save it again."
            ) from fault


def _turn(picture: ImageFile.ImageFile) -> Turn:
    if isinstance(picture, TiffImageFile):
        return Turn()  # Pillow turns these itself
    try:
        return Turn.from_exif(picture.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # EXIF is a note beside the picture: where it is garbage, the picture is shown as stored
        return Turn()


def _stretched(values: Float64[np.ndarray, "H W"]) -> Image.Image:
    """Return numbers as greys, the least black and the greatest white; those that are not finite are black."""
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    share = np.where(finite, values - low, 0.0) / max(high - low, np.finfo(np.float64).tiny)
    return Image.fromarray(np.round(share * 255).astype(np.uint8))
