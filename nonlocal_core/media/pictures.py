"""Pictures and animations of any format: facts and frames."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import accumulate
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from PIL import Image, ImageCms

from nonlocal_core.errors import MediaLimitError, NonlocalError
from nonlocal_core.media.colours import ProfileError, in_srgb
from nonlocal_core.media.formats import PictureFormat
from nonlocal_core.media.frames import Kind
from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.media_file import MediaFile
from nonlocal_core.media.parts import GifPages, PngPages
from nonlocal_core.media.pixels import Turn, on_grey, see_through_note
from nonlocal_core.media.refusal import unreadable
from nonlocal_core.media.stills import AvifPages, BmpPages, JpegPages, WebpPages
from nonlocal_core.media.tiff import TiffPages
from nonlocal_core.media.tones import Numbers, Tones, tones_of

SHORTEST_SECONDS = Fraction(1, 100)
"""Duration up to which browsers show a frame for ``DEFAULT_SECONDS`` instead, as this reader does."""
DEFAULT_SECONDS = Fraction(1, 10)
_CONVERTED_BYTES = 8
"""Bytes per pixel for applying a colour profile, before and after; a JPEG is scaled down first."""


@runtime_checkable
class Pages(Protocol):
    """The frames of one format. ``hw``: the size as stored, before ``turn``. ``count``: the number of listed frames.

    ``bytes_per_pixel``: the measured peak memory of decoding and showing one frame. ``opening_pixels``: the number of
    pixels decoded to learn how far the file is sound.
    """

    hw: tuple[int, int]
    turn: Turn
    notes: list[str]
    profile: bytes | None
    count: int
    bytes_per_pixel: float
    opening_pixels: float

    def part_hw(self, index: int) -> tuple[int, int]:
        """Return the size of the part that is decoded for a frame."""

    def delay(self, index: int) -> Fraction:
        """Decode the stored part of a frame and return the frame's duration in seconds."""

    def frames(self, indices: Sequence[int], hw: tuple[int, int]) -> Iterator[Image.Image | Numbers]:
        """Yield ascending frames at no less than the given size."""

    def reading_pixels(self, indices: Sequence[int]) -> float:
        """Return the number of pixels to decode and draw for these frames."""


class PictureClip:
    """A picture or an animation for one request: its facts, and its frames on demand.

    Raises MediaError if it cannot be read and MediaLimitError if it is too large. An animation is decoded once
    to learn how far it is sound; a still picture is decoded only when read.
    """

    def __init__(self, source: MediaFile, found: PictureFormat, limits: Limits) -> None:
        limits.check_picture_bytes(source.name, source.byte_count)
        self.codec: str = found
        self._name, self._limits, self._byte_count = source.name, limits, source.byte_count
        self._budget = DecodeBudget(source.name, limits)
        self._tones: Tones | None = None
        with self._faults():
            self._pages = _pages(found, source, limits, self._budget)
            limits.check_picture_size(source.name, self._pages.hw)
            if min(self._pages.hw) < 1:
                raise unreadable(source.name, "it declares a side of 0 pixels")
            self.shown_hw = self._pages.turn.hw(self._pages.hw)
            self.notes = self._pages.notes
            self.remarks: tuple[str, ...] = ()
            limits.check_listed(source.name, self._pages.count)
            for index in range(self._pages.count):
                limits.check_picture_size(source.name, self._pages.part_hw(index))
            converted = 0 if self._pages.profile is None or found == "jpeg" else _CONVERTED_BYTES
            limits.check_picture_memory(source.name, self._pages.hw, self._pages.bytes_per_pixel + converted)
            single = self._pages.reading_pixels([0]) if self._pages.count == 1 else 0.0
            limits.check_unpacked(source.name, max(self._pages.opening_pixels, single), source.byte_count)
            delays = self._delays() if self._pages.count > 1 else []
        self._lay_out(delays if len(delays) > 1 else [])

    def _lay_out(self, delays: list[Fraction]) -> None:
        edges = [Fraction(0), *accumulate(delays)]
        self.kind: Kind = "animation" if delays else "image"
        self.starts: Float64[np.ndarray, " N"] = np.array([float(edge) for edge in edges[: len(delays) or 1]])
        self.end_seconds = float(edges[-1])
        self.rate = len(delays) / edges[-1] if delays else None
        self._limits.check_seconds(self._name, self.end_seconds)

    def read(self, indices: Int64[np.ndarray, " T"], shown_hw: tuple[int, int]) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """Yield the frames of ascending indices at a size."""
        turn = self._pages.turn
        with self._faults():
            wanted = indices.tolist()
            self._limits.check_unpacked(self._name, self._pages.reading_pixels(wanted), self._byte_count)
            for frame in self._pages.frames(wanted, turn.hw(shown_hw)):
                picture = self._toned(frame) if isinstance(frame, Numbers) else frame
                seen = self._on_screen(picture)
                self._tell(see_through_note(seen, self._name))
                yield turn.apply(on_grey(seen, turn.hw(shown_hw)))

    def numbers(self) -> Iterator[Numbers]:
        """Yield all frames that are numbers and need a scale; none for other pictures."""
        with self._faults():
            everything = range(len(self.starts))
            self._limits.check_unpacked(self._name, self._pages.reading_pixels(everything), self._byte_count)
            for frame in self._pages.frames(everything, self._pages.hw):
                if not isinstance(frame, Numbers):
                    return
                yield frame

    def use_tones(self, tones: Tones) -> None:
        """Use this scale to show numbers."""
        self._tones = tones
        self._tell(tones.note)

    def _toned(self, frame: Numbers) -> Image.Image:
        if self._tones is None:
            self.use_tones(tones_of(self._name, self.numbers() if self.kind == "animation" else [frame]))
        assert self._tones is not None
        return self._tones.shades(frame)

    def _on_screen(self, picture: Image.Image) -> Image.Image:
        return screen_picture(picture, self._name, self._tell, self._pages.profile)

    def _tell(self, note: str) -> None:
        if note and note not in self.notes:
            self.notes.append(note)

    def _delays(self) -> list[Fraction]:
        """Return the duration of each frame in seconds, read from all of them; damage at the end shortens the clip."""
        delays: list[Fraction] = []
        for index in range(self._pages.count):
            try:
                listed = self._pages.delay(index)
            except (MediaLimitError, Image.DecompressionBombError):
                raise
            except Exception:
                if not delays:
                    raise
                self._tell(f"{self._name} is damaged after frame {index - 1}.")
                break
            self._budget.spend(self._pages.hw)
            delays.append(listed if listed > SHORTEST_SECONDS else DEFAULT_SECONDS)
        return delays

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Raise a decoder's errors again under the name of the file.

        That is every Exception: a damaged file leads Pillow's readers to OSError and SyntaxError, but also to failed
        assertions and divisions by zero.
        """
        try:
            yield
        except NonlocalError:
            raise
        except Image.DecompressionBombError as fault:
            raise MediaLimitError(
                f"{self._name} unpacks to more pixels than are read here. Make it smaller."
            ) from fault
        except MemoryError as fault:
            raise MediaLimitError(
                f"Reading {self._name} takes more memory than its decoder gets. Make it smaller, or save it as JPEG."
            ) from fault
        except Exception as fault:
            raise unreadable(self._name, str(fault) or type(fault).__name__) from fault


def _pages(found: PictureFormat, source: MediaFile, limits: Limits, budget: DecodeBudget) -> Pages:
    with source.open() as file:
        data, name = file.read(), source.name
    match found:
        case "png":
            return PngPages(data, name, limits)
        case "gif":
            return GifPages(data, name, limits)
        case "tiff":
            return TiffPages(data, name, limits, budget)
        case "jpeg":
            return JpegPages(data, name)
        case "bmp":
            return BmpPages(data, name, limits)
        case "webp":
            return WebpPages(data, name)
        case "avif":
            return AvifPages(data, name)


def screen_picture(
    picture: Image.Image, name: str, tell: Callable[[str], None], profile: bytes | None = None
) -> Image.Image:
    """Return a picture of any mode as RGB, or as RGBA if it has transparent parts, in sRGB."""
    plain = _plain(picture)
    if profile is not None:
        try:
            plain = in_srgb(plain, profile)
        except ProfileError as fault:
            tell(f"{name} has a colour profile that cannot be used ({fault}); it is left aside.")
    mode = "RGBA" if plain.has_transparency_data else "RGB"
    return plain if plain.mode == mode else plain.convert(mode)  # which copies even where there is nothing to do


def _plain(picture: Image.Image) -> Image.Image:
    """Return a picture in one of the modes that a colour profile covers: L, LA, RGB, RGBA, CMYK."""
    match picture.mode:
        case "L" | "LA" | "RGB" | "RGBA" | "CMYK" if "transparency" not in picture.info:
            return picture
        case "1":
            return picture.convert("L")
        case "La":
            return picture.convert("LA")
        case "LAB":
            lab, screen = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
            return ImageCms.buildTransform(lab, screen, "LAB", "RGB").apply(picture)
        case _:
            return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
