"""Pictures and animations that Pillow decodes as they are: JPEG, BMP, WebP, AVIF.

Its classes are used instead of Image.open, which would guess among all formats, and warn at a limit of its own.
"""

import io
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import av
from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from nonlocal_core.media.colours import HDR_TRANSFERS, coded_profile
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.pixels import Turn
from nonlocal_core.media.stream import open_nothing
from nonlocal_core.media.tiff_tags import check_tags
from nonlocal_core.media.tones import Numbers

OPAQUE_BYTES, CLEAR_BYTES = 4.5, 8.5
"""Bytes per pixel of a picture while it is decoded and shown: transparent ones are copied to be scaled."""
ORIENTATION_TAG = 0x0112
_NCLX = re.compile(rb"colrnclx(.{6})", re.DOTALL)
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_WITHOUT_LENGTH = frozenset((0x01, 0xD8))
_END, _SCAN, _APP1, _EXIF = 0xD9, 0xDA, 0xE1, b"Exif\0\0"
_COEFFICIENT_BYTES = 2
"""Bytes per pixel of a progressive JPEG, which is held as its coefficients until its last scan is read."""
_USUAL_SCANS, _SCAN_SHARE = 20, 0.05
"""Usual number of scans, and the time of one scan as a fraction of a picture's."""


class PillowPages:
    """A still picture, or an animation whose frames Pillow composes."""

    bytes_per_pixel = OPAQUE_BYTES
    opening_pixels = 0.0

    def __init__(self, picture: ImageFile.ImageFile) -> None:
        self.notes: list[str] = []
        self.hw: tuple[int, int] = picture.size[::-1]
        check_tags(picture.info.get("exif", b"").removeprefix(_EXIF), "its EXIF")
        self.turn = exif_turn(picture.getexif)
        self.profile: bytes | None = picture.info.get("icc_profile")
        self.count: int = getattr(picture, "n_frames", 1)
        if self.count > 1:
            self.opening_pixels = float(self.count * self.hw[0] * self.hw[1])
        self._picture = picture

    def part_hw(self, _index: int) -> tuple[int, int]:
        """Return the size of the part that is decoded for a frame."""
        return self.hw

    def delay(self, index: int) -> Fraction:
        """Decode a frame and return its duration in seconds."""
        self._picture.seek(index)
        self._picture.load()
        return Fraction(round(self._picture.info.get("duration") or 0), 1000)

    def reading_pixels(self, indices: Sequence[int]) -> float:
        """Return the number of pixels to decode: all frames up to the last, since each builds on others."""
        return float((max(indices) + 1) * self.hw[0] * self.hw[1])

    def frames(self, indices: Sequence[int], hw: tuple[int, int]) -> Iterator[Image.Image | Numbers]:
        """Yield frames, at no less than the size ``hw`` before the turn."""
        for index in indices:
            if self.count > 1:
                self._picture.seek(index)
            elif isinstance(self._picture, JpegImageFile):
                self._picture.draft(None, hw[::-1])  # to a half, quarter or eighth in a fraction of the time
            self._picture.load()
            yield self._picture


class JpegPages(PillowPages):
    """A JPEG; one without an end is given one, and its decoder fills the missing part."""

    def __init__(self, data: bytes, name: str) -> None:
        whole, scans, exif = _parts_of(data)
        check_tags(exif, name)
        picture = JpegImageFile(io.BytesIO(data if whole else data + b"\xff\xd9"))
        super().__init__(picture)
        if picture.info.get("progressive"):
            self.bytes_per_pixel = _COEFFICIENT_BYTES * len(picture.getbands()) + 1
        self._scans = scans
        if not whole:
            self.notes.append(f"{name} is cut short: its end is missing, and rows that are missing are grey.")

    def reading_pixels(self, indices: Sequence[int]) -> float:
        """Return the number of pixels to decode; each further scan passes over all of them again, at a lower cost."""
        return super().reading_pixels(indices) * (1 + max(self._scans - _USUAL_SCANS, 0) * _SCAN_SHARE)


class BmpPages(PillowPages):
    """A BMP; missing last rows are black."""

    def __init__(self, data: bytes, name: str, limits: Limits) -> None:
        picture = BmpImageFile(io.BytesIO(data))
        limits.check_picture_size(name, picture.size[::-1])  # before as many bytes are made
        (tile,) = picture.tile
        bits = struct.unpack_from("<H", data, 28 if data[14] != 12 else 24)[0]
        needed = tile.offset + (picture.width * bits + 31) // 32 * 4 * picture.height
        missing = needed - len(data) if tile.codec_name == "raw" and tile.offset < len(data) else 0
        if missing > 0:
            picture = BmpImageFile(io.BytesIO(data.ljust(needed, b"\x00")))
        super().__init__(picture)
        if missing > 0:
            self.notes.append(f"{name} is cut short: {missing:,} of {needed:,} bytes are missing, and black.")


class WebpPages(PillowPages):
    """A WebP, whose decoder holds five canvases."""

    bytes_per_pixel = 16.5

    def __init__(self, data: bytes, _name: str) -> None:
        super().__init__(WebPImageFile(io.BytesIO(data)))


class AvifPages(PillowPages):
    """An AVIF. The durations of its frames follow its own clock, which Pillow rounds to milliseconds."""

    bytes_per_pixel = 12.5

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(AvifImageFile(io.BytesIO(data)))
        self._ticks = _sequence_delays(data, self.count) if self.count > 1 else ()
        coded = _NCLX.search(data, 0, 1 << 16)
        if coded is None:
            return
        primaries, transfer, _ = struct.unpack(">HHH", coded[1])
        if transfer in HDR_TRANSFERS:
            self.notes.append(hdr_note(name))
        elif self.profile is None:
            self.profile = coded_profile(primaries)

    def delay(self, index: int) -> Fraction:
        """Decode a frame and return its duration in seconds."""
        rounded = super().delay(index)
        return self._ticks[index] if index < len(self._ticks) else rounded


def hdr_note(name: str) -> str:
    """Return the sentence for a picture of high dynamic range."""
    return f"{name} is an HDR picture (PQ or HLG); its numbers are shown as they are, so it looks pale and dim here."


def exif_turn(exif: Callable[[], Image.Exif]) -> Turn:
    """Return a picture's turn as its EXIF states it, or no turn if the EXIF is unreadable."""
    try:
        return Turn.from_exif(exif().get(ORIENTATION_TAG, 1))
    except Exception:  # EXIF is a note beside the picture: where it is garbage, the picture is shown as stored
        return Turn()


def _parts_of(data: bytes) -> tuple[bool, int, bytes]:
    """Return whether the end marker of a JPEG is present, its number of scans, and its EXIF.

    An embedded picture's own end does not count.
    """
    at, scans = 2, 0
    exif: list[bytes] = []
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = data[found.end() - 1], found.end()
        if marker == _END:
            return True, scans, b"".join(exif)
        scans += marker == _SCAN
        if marker not in _WITHOUT_LENGTH:
            length = int.from_bytes(data[at : at + 2], "big")
            if marker == _APP1 and data[at + 2 : at + 8] == _EXIF:
                exif.append(data[at + 8 : at + length])
            at += length
    return False, scans, b"".join(exif)


def _sequence_delays(data: bytes, count: int) -> tuple[Fraction, ...]:
    """Return the duration of each frame of an image sequence in seconds; empty if no track has ``count`` frames."""
    with av.open(io.BytesIO(data), "r", format="mov", io_open=open_nothing) as container:
        track = next((stream for stream in container.streams.video if stream.frames == count), None)
        if track is None or track.time_base is None:
            return ()
        return tuple((packet.duration or 0) * track.time_base for packet in container.demux(track) if packet.size)
