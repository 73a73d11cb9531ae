"""GIF and PNG: stills, and animations that are composed here, so that no frame depends on which others are read."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.PngImagePlugin import PngImageFile

from nonlocal_core.media.canvas import Canvas, Part
from nonlocal_core.media.colours import HDR_TRANSFERS, ProfileError, coded_profile, measured_profile
from nonlocal_core.media.gif import read_gif
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.pixels import Turn
from nonlocal_core.media.png import Png, read_png
from nonlocal_core.media.stills import CLEAR_BYTES, OPAQUE_BYTES, exif_turn, hdr_note
from nonlocal_core.media.tiff_tags import check_tags
from nonlocal_core.media.tones import Numbers, Tones

PROFILE_BYTES = 16 * 2**20
"""Maximum size of a colour profile in bytes; a larger one is ignored. Those of printers have some megabytes."""
NO_PROFILE = b"damaged"
"""Placeholder for a profile that cannot be read, shorter than any real one."""
_ANIMATION_BYTES = 13.0
"""Bytes per pixel: four for the canvas, four for a part, four to scale transparency."""
_KEYED_BYTES = 42.0
"""Bytes per pixel in 16-bit colours of which one is transparent."""
SRGB_GAMMA = 0.45455
"""The gamma that writers state for a picture in sRGB, whose curve is not quite that (PNG, section 11.3.2.2)."""
_SIXTEEN = Tones(low=0.0, high=65535.0)


class PartPages:
    """The frames of an animation, or the one of a still picture, from the parts of its file."""

    def __init__(self, hw: tuple[int, int], parts: Sequence[Part], decode: Callable[[bytes], Image.Image]) -> None:
        self.notes: list[str] = []
        self.turn = Turn()
        self.profile: bytes | None = None
        self.hw = hw
        self.count = max(len(parts), 1)
        self.bytes_per_pixel = _ANIMATION_BYTES
        self._parts, self._decode = parts, decode
        self.opening_pixels = float(sum(part.hw[0] * part.hw[1] for part in parts)) if len(parts) > 1 else 0.0

    def delay(self, index: int) -> Fraction:
        """Decode a part and return the duration of its frame in seconds."""
        part = self._parts[index]
        self._decode(part.still()).load()
        return part.delay_seconds

    def _tell_end(self, name: str, whole: bool) -> None:
        if self.count > 1 and not whole:
            self.notes.append(f"{name} is cut short: what follows frame {self.count - 1} is missing.")

    def part_hw(self, index: int) -> tuple[int, int]:
        """Return the size that a part declares."""
        return self._parts[index].hw if self._parts else self.hw

    def reading_pixels(self, indices: Sequence[int]) -> float:
        """Return the number of pixels to decode and draw: all parts up to the last frame, and each whole frame."""
        drawn = sum(part.hw[0] * part.hw[1] for part in self._parts[: max(indices) + 1])
        return float(drawn + len(indices) * self.hw[0] * self.hw[1])

    def _pixels(self, part: Part) -> np.ndarray:
        return np.asarray(self._decode(part.still()).convert("RGBA"))

    def frames(self, indices: Sequence[int], _hw: tuple[int, int]) -> Iterator[Image.Image | Numbers]:
        """Yield ascending frames, each composed of all the parts up to it."""
        canvas, wanted = Canvas(self.hw), set(indices)
        for index, part in enumerate(self._parts[: max(wanted) + 1]):
            undo = canvas.draw(part, self._pixels(part))
            if index in wanted:
                yield Image.fromarray(canvas.rgba)
            canvas.dispose(undo)


class GifPages(PartPages):
    """A GIF."""

    def __init__(self, data: bytes, name: str, limits: Limits) -> None:
        gif = read_gif(data, name, _most_parts(limits))
        super().__init__(gif.hw, gif.parts, lambda still: GifImageFile(io.BytesIO(still)))
        self._tell_end(name, gif.whole)


class PngPages(PartPages):
    """A PNG, whose texts, times and thumbnails are never read."""

    def __init__(self, data: bytes, name: str, limits: Limits) -> None:
        png = self._png = read_png(data, name, _most_parts(limits))
        self._name, self._limits = name, limits
        super().__init__(png.hw, png.parts, self._part_picture)
        if png.colour == 2 and png.bits == 16 and png.key() is not None:
            self.bytes_per_pixel = _KEYED_BYTES
        elif len(png.parts) < 2:
            self.bytes_per_pixel = OPAQUE_BYTES if png.colour < 3 and png.key() is None else CLEAR_BYTES
        if b"eXIf" in png.chunks:
            check_tags(png.chunks[b"eXIf"], name)
            self.turn = exif_turn(lambda: _exif(png.chunks[b"eXIf"]))
        if not png.sound:
            self.notes.append(f"{name} has a wrong checksum, so that its picture may be damaged.")
        self._tell_end(name, png.whole)
        self.profile = self._profile()

    def frames(self, indices: Sequence[int], hw: tuple[int, int]) -> Iterator[Image.Image | Numbers]:
        """Yield frames; the default image of an animation is not one of them."""
        if self._png.parts:
            yield from super().frames(indices, hw)
        else:
            yield self._still()

    def _still(self) -> Image.Image | Numbers:
        try:
            return _picture_of(self._png, self._png.still())
        except (OSError, SyntaxError, ValueError, IndexError):
            self._limits.check_picture_memory(self._name, self.hw, 3 * self._png.row_bytes / self.hw[1])
            mended, rows = self._png.mended()
            if rows == 0:
                raise
            picture = _picture_of(self._png, mended)
        height = self._png.hw[0]
        self.notes.append(f"{self._name} is damaged or cut short: {rows} of its {height} rows are shown.")
        return picture

    def _part_picture(self, still: bytes) -> Image.Image:
        picture = _picture_of(self._png, still)
        return _SIXTEEN.shades(picture) if isinstance(picture, Numbers) else picture

    def _profile(self) -> bytes | None:
        """Return the profile of a PNG: its coded colours, else its own, else sRGB, else its measured ones."""
        chunks = self._png.chunks
        coded = chunks.get(b"cICP", b"")
        if len(coded) == 4:
            if coded[1] in HDR_TRANSFERS:
                self.notes.append(hdr_note(self._name))
                return None
            return coded_profile(coded[0])
        if b"iCCP" in chunks:
            packed = chunks[b"iCCP"].partition(b"\x00")[2][1:]
            try:
                return zlib.decompressobj().decompress(packed, PROFILE_BYTES)
            except zlib.error:
                return NO_PROFILE
        if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
            return None
        gamma = int.from_bytes(chunks[b"gAMA"], "big") / 100_000
        measured = chunks.get(b"cHRM", b"")
        if gamma == SRGB_GAMMA and not measured:
            return None
        chromaticities = tuple(n / 100_000 for n in struct.unpack(">8I", measured)) if len(measured) == 32 else None
        try:
            return measured_profile(gamma, chromaticities) if 0.01 < gamma < 10 else None
        except ProfileError:
            return NO_PROFILE


def _exif(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(data)
    return exif


def _most_parts(limits: Limits) -> int:
    return min(limits.max_listed_frames, limits.max_decoded_frames)


def _picture_of(png: Png, still: bytes) -> Image.Image | Numbers:
    """Return the pixels of a PNG of this kind, with those of its key colour transparent."""
    key = png.key()
    if key is not None and png.colour == 2 and png.bits == 16 and not png.interlaced:
        return _deep_colours(still, key)
    picture = PngImageFile(io.BytesIO(still))
    picture.load()
    if png.greys and png.bits == 16:
        values = np.asarray(picture)
        significant = int.from_bytes(png.chunks.get(b"sBIT", b"")[:1], "big")
        alpha = None if key is None else np.where(values == key[0], 0, 255).astype(np.uint8)
        declared = (1 << significant) - 1 if 1 < significant < 16 else None
        return Numbers(values=values, full=65535, declared=declared, alpha=alpha)
    if key is None:
        return picture
    eight = np.asarray(picture.convert("L" if png.greys else "RGB"))
    # Of 16 bits, Pillow keeps the upper eight; libav, which keeps all, does not read them interlaced.
    scaled = [number >> 8 if png.bits == 16 else number * 255 // (2**png.bits - 1) for number in key]
    return _keyed(eight, (eight.reshape(*eight.shape[:2], -1) == scaled).all(axis=-1))


def _keyed(values: UInt8[np.ndarray, "*shape"], clear: Bool[np.ndarray, "H W"]) -> Image.Image:
    """Return greys (H, W) or colours (H, W, 3) with some pixels made transparent."""
    picture = Image.fromarray(values)
    picture.putalpha(Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
    return picture


def _deep_colours(still: bytes, key: tuple[int, ...]) -> Image.Image:
    """Return 16-bit colours; the transparent one is identified by all 16 bits, of which Pillow keeps eight."""
    decoded = av.CodecContext.create("png", "r").decode(av.Packet(still))[0]
    sixteen = decoded.to_ndarray(format="rgb48le").astype(np.uint32)
    return _keyed(((sixteen + 128) // 257).astype(np.uint8), (sixteen == key).all(axis=-1))
