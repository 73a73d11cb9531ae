"""GIF, taken apart: each frame as a separate GIF, so that a decoder of still pictures reads it (GIF89a)."""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from nonlocal_core.media.canvas import Disposal, Part
from nonlocal_core.media.refusal import unreadable

_DISPOSALS: dict[int, Disposal] = {2: "clear", 3: "restore"}
_EXTENSION, _IMAGE, _TRAILER, _CONTROL = 0x21, 0x2C, 0x3B, 0xF9


@dataclass(frozen=True, slots=True, kw_only=True)
class Gif:
    """The frames of a GIF and the size of its canvas; ``whole``: whether its end is present."""

    hw: tuple[int, int]
    parts: tuple[Part, ...]
    whole: bool


def read_gif(data: bytes, name: str, max_parts: int) -> Gif:
    """Return the frames of a GIF, at most ``max_parts`` + 1. Raises MediaError if it has none."""
    width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    at, palette = _palette(data, 13, data[10] if len(data) > 10 else 0)
    control = b"\x00\x00\x00\x00"
    parts: list[Part] = []
    whole = False
    while at < len(data) and len(parts) <= max_parts:
        kind = data[at]
        if kind == _TRAILER:
            whole = True
            break
        if kind == _EXTENSION:
            if data[at + 1 : at + 3] == bytes((_CONTROL, 4)):
                control = data[at + 3 : at + 7]
            at = _end_of_blocks(data, at + 2)
        elif kind == _IMAGE and at + 10 <= len(data):
            end = _end_of_blocks(data, _palette(data, at + 10, data[at + 9])[0] + 1)
            parts.append(_part(data[at:end], palette, control))
            at, control = end, b"\x00\x00\x00\x00"
        else:
            break  # no block of a GIF starts here
    if not parts:
        raise unreadable(name, "it holds no picture")
    first = parts[0]  # browsers make room for it where the screen that the file declares is smaller
    return Gif(
        hw=(max(height, first.at[0] + first.hw[0]), max(width, first.at[1] + first.hw[1])),
        parts=tuple(parts),
        whole=whole,
    )


def _palette(data: bytes, at: int, flags: int) -> tuple[int, bytes]:
    """Return the end of the palette that ``flags`` announce, and its bytes, which are empty if there is none."""
    end = at + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    return end, data[at:end]


def _end_of_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += data[at] + 1
    return min(at + 1, len(data))


def _part(image: bytes, global_palette: bytes, control: bytes) -> Part:
    left, top, width, height = (int.from_bytes(image[n : n + 2], "little") for n in (1, 3, 5, 7))
    return Part(
        still=partial(_still, image, global_palette, control),
        hw=(height, width),
        at=(top, left),
        delay_seconds=Fraction(int.from_bytes(control[1:3], "little"), 100),
        over=True,
        disposal=_DISPOSALS.get(control[0] >> 2 & 7, "keep"),
    )


def _still(image: bytes, global_palette: bytes, control: bytes) -> bytes:
    """Return the GIF of one frame: a screen of its size, its palette, and its transparent colour."""
    size, flags = image[5:9], image[9]
    palette_end, own = _palette(image, 10, flags)
    palette = own or global_palette
    depth = max((len(palette) // 3 - 1).bit_length() - 1, 0)
    pieces = [b"GIF89a", size, bytes((0x80 | depth if palette else 0, 0, 0)), palette]
    if control[0] & 1:
        pieces.append(bytes((_EXTENSION, _CONTROL, 4, 1, 0, 0, control[3], 0)))
    pieces += [bytes((_IMAGE, 0, 0, 0, 0)), size, bytes((flags & 0x40,)), image[palette_end:], bytes((_TRAILER,))]
    return b"".join(pieces)
