"""PNG, taken apart: the chunks that pixels need, the frames of an animation, and the colour information.

Texts, times and thumbnails are never read, so they may be damaged or long. Chunk names and fields: PNG, third edition.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial

from nonlocal_core.media.canvas import Disposal, Part
from nonlocal_core.media.refusal import unreadable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DISPOSALS: tuple[Disposal, ...] = ("keep", "clear", "restore")
_NEEDED = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"fcTL", b"fdAT", b"acTL"))


@dataclass(slots=True, kw_only=True)
class Png:
    """A PNG without its metadata. ``pixels``: the compressed default image; ``parts``: the frames of an animation."""

    hw: tuple[int, int]
    bits: int
    colour: int
    interlaced: bool
    sound: bool
    whole: bool = False
    chunks: dict[bytes, bytes] = field(default_factory=dict)
    pixels: list[bytes] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    @property
    def greys(self) -> bool:
        """True if it has one number per pixel and no palette."""
        return self.colour == 0

    @property
    def row_bytes(self) -> int:
        """Bytes of one row, unpacked."""
        return 1 + (self.hw[1] * self.bits * _SAMPLES[self.colour] + 7) // 8

    def key(self) -> tuple[int, ...] | None:
        """Return the samples of the transparent colour, or None if there is none."""
        stored, count = self.chunks.get(b"tRNS", b""), _SAMPLES[self.colour]
        if self.colour not in (0, 2) or len(stored) < 2 * count:
            return None
        return struct.unpack_from(f">{count}H", stored)

    def still(self) -> bytes:
        """Return the default image as a separate PNG."""
        return self.alone(self.hw, self.pixels)

    def mended(self) -> tuple[bytes, int]:
        """Return the default image with empty rows where its own cannot be unpacked, and the number of its own rows."""
        height, row = self.hw[0], self.row_bytes
        unpacked = b"".join(_unpacked(b"".join(self.pixels), row * height))
        rows = 0 if self.interlaced else len(unpacked) // row
        empty = unpacked[: rows * row].ljust(row * height, b"\x00")
        return self.alone(self.hw, [zlib.compress(empty, 1)]), rows

    def alone(self, hw: tuple[int, int], pixels: list[bytes]) -> bytes:
        """Return compressed pixels of this kind as a PNG of the given size."""
        header = struct.pack(">IIBBBBB", hw[1], hw[0], self.bits, self.colour, 0, 0, int(self.interlaced))
        palette = self.chunks.get(b"PLTE") if self.colour == 3 else None
        alpha = self.chunks.get(b"tRNS") if self.colour == 3 else None
        return b"".join(
            (
                *(SIGNATURE, _chunk(b"IHDR", header)),
                *(_chunk(kind, body) for kind, body in ((b"PLTE", palette), (b"tRNS", alpha)) if body is not None),
                *(_chunk(b"IDAT", b"".join(pixels)), _chunk(b"IEND", b"")),
            )
        )


def read_png(data: bytes, name: str, max_parts: int) -> Png:
    """Return a PNG, taken apart, with at most ``max_parts`` + 1 frames. Raises MediaError without a header."""
    png: Png | None = None
    control: bytes | None = None
    frame: list[bytes] = []
    for kind, body, sound in _chunks(data):
        if png is None:
            png = _headed(kind, body, sound, name)
            continue
        if kind in _NEEDED:
            png.sound = png.sound and sound
        if kind in (b"fcTL", b"IEND") and control is not None:
            png.parts.append(_part(png, control, frame))
            control, frame = None, []
        if kind == b"IEND":
            png.whole = True
            break
        if kind == b"fcTL" and len(body) == 26 and b"acTL" in png.chunks:
            if len(png.parts) > max_parts:
                break
            control = body
        elif kind == b"IDAT":
            png.pixels.append(body)
            if control is not None:
                frame.append(body)
        elif kind == b"fdAT" and control is not None:
            frame.append(body[4:])
        elif sound or kind in _NEEDED:
            png.chunks.setdefault(kind, body)
    if png is None or not png.pixels:
        raise unreadable(name, "it ends before its first pixel")
    if control is not None and frame:
        png.parts.append(_part(png, control, frame))
    return png


def _headed(kind: bytes, body: bytes, sound: bool, name: str) -> Png:
    if kind != b"IHDR" or len(body) != 13:
        raise unreadable(name, "it has no header")
    width, height, bits, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
    if colour not in _SAMPLES or bits not in (1, 2, 4, 8, 16):
        raise unreadable(name, f"no PNG has {bits} bits of colour type {colour}")
    return Png(hw=(height, width), bits=bits, colour=colour, interlaced=bool(interlace), sound=sound)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield the type and body of each chunk, and whether its checksum is right; the last one may be cut short."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        whole = len(checksum) == 4
        yield kind, body, not whole or checksum == zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big")
        at += 12 + length


def _chunk(kind: bytes, body: bytes) -> bytes:
    return b"".join((len(body).to_bytes(4, "big"), kind, body, zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big")))


def _part(png: Png, control: bytes, pixels: list[bytes]) -> Part:
    _, width, height, left, top, delay, unit, disposal, blend = struct.unpack(">IIIIIHHBB", control)
    part = Part(
        still=partial(png.alone, (height, width), pixels),
        hw=(height, width),
        at=(top, left),
        delay_seconds=Fraction(delay, unit or 100),
        over=blend == 1,
        disposal=_DISPOSALS[min(disposal, 2)],
    )
    first_restores = not png.parts and part.disposal == "restore"  # APNG: there is nothing to come back to
    return replace(part, disposal="clear") if first_restores else part


def _unpacked(data: bytes, most: int) -> Iterator[bytes]:
    """Yield the unpacked bytes up to the end or the first damage, at most ``most`` of them."""
    unpacker = zlib.decompressobj()
    for at in range(0, len(data), 4096):
        try:
            piece = unpacker.decompress(data[at : at + 4096], most)
        except zlib.error:
            return
        yield piece
        most -= len(piece)
        if most <= 0 or unpacker.eof:
            return
