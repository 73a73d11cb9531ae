"""Size of the tags of a TIFF, or of the EXIF of a picture, before a reader loads them all.

Each tag names a place and a length, and nothing prevents many of them from naming the same megabyte.
"""

import struct

from nonlocal_core.media.refusal import unreadable

SPARE_BYTES = 32 * 2**20
"""Bytes that all tags may have in addition to the size of the file, since pages may share a profile."""
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)
"""Number of bytes of a value of each type: TIFF 6.0, section 2, and BigTIFF."""


def check_tags(data: bytes, name: str) -> None:
    """Refuse tags whose total length exceeds their file's by more than ``SPARE_BYTES``. Raises MediaError.

    >>> check_tags(b"II*\\0\\x08\\0\\0\\0\\x01\\0" + b"\\x0e\\x01\\x02\\0\\x05\\0\\0\\0\\x1a\\0\\0\\0" + bytes(9), "it")
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    head, count_kind, entry, link = (8, "Q", "HHQ", "Q") if big else (4, "H", "HHI", "I")
    entry_size = struct.calcsize(order + entry) + (8 if big else 4)
    room = len(data) + SPARE_BYTES
    seen: set[int] = set()
    try:
        (at,) = struct.unpack_from(order + link, data, head)
        while at and at not in seen:
            seen.add(at)
            (count,) = struct.unpack_from(order + count_kind, data, at)
            at += struct.calcsize(count_kind)
            for place in range(at, at + min(count, len(data)) * entry_size, entry_size):
                _, kind, number = struct.unpack_from(order + entry, data, place)
                room -= entry_size + min(number * (_SIZES[kind] if kind < len(_SIZES) else 0), len(data))
                if room < 0:
                    raise unreadable(name, "its tags unpack to far more bytes than it has")
            (at,) = struct.unpack_from(order + link, data, at + count * entry_size)
    except struct.error:  # cut short: the reader tells
        return
