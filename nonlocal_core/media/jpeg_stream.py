"""One JPEG, or a stream of them: cameras send the frames of a video as JPEGs, one behind another."""

import re

from nonlocal_core.media.source import Source

LARGEST_FRAME = 32 * 1024**2
"""Bytes of a JPEG that may be a frame of a stream; a larger one is a picture."""

_START = b"\xff\xd8"
_END, _SCAN, _APP2 = 0xD9, 0xDA, 0xE2
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # frame headers, ITU-T T.81, table B.1
_BARE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_PADDING = re.compile(rb"[\x00\r\n]*\xff*(?=\xff\xd8\xff)")


def is_jpeg_stream(source: Source) -> bool:
    """Return whether a file that begins with a JPEG is a stream of them: two of one size, one behind the other.

    A photo may carry another JPEG: its thumbnail lies inside it, a second view is told by an MPF segment (CIPA
    DC-007), and a preview is of another size.
    """
    with source.open() as file:
        data = file.read(2 * LARGEST_FRAME)
    first = _walk(data, 0)
    if first is None:
        return False
    end, size = first
    behind = _PADDING.match(data, end)
    if behind is None or b"MPF\0" in data[:end]:
        return False
    second = _walk(data, behind.end(), to_size=True)
    return second is not None and second[1] == size


def _walk(data: bytes, at: int, *, to_size: bool = False) -> tuple[int, bytes] | None:
    """Return where a JPEG ends, or the place of its size with ``to_size``, and the bytes of its height and width.

    Returns None where the bytes are no JPEG that is whole, or one that tells of a second view.
    """
    size = b""
    at += len(_START)
    while found := _MARKER.match(data, at):
        marker, at = found[1][0], found.end()
        if marker == _END:
            return (at, size) if size else None
        if marker in _BARE:
            continue
        if marker == _APP2 and data[at + 2 : at + 6] == b"MPF\0":
            return None
        if marker in _SIZES:
            size = data[at + 3 : at + 7]
            if to_size:
                return at, size
        at += int.from_bytes(data[at : at + 2], "big")
        if marker == _SCAN:
            behind = _MARKER.search(data, at)
            if behind is None:
                return None
            at = behind.start()
    return None
