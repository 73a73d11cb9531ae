"""One JPEG, or a stream of them: cameras send the frames of a video as JPEGs, one after the other."""

import re

from nonlocal_core.media.media_file import MediaFile

LARGEST_FRAME = 32 * 1024**2
"""Maximum size in bytes of a JPEG that may be a frame of a stream; a larger one is a picture."""

MOST_SEGMENTS = 1000
"""Maximum number of segments of a JPEG that may be a frame of a stream; cameras write about ten."""

_START = b"\xff\xd8"
_END, _SCAN, _APP2, _WITHOUT_LENGTH = 0xD9, 0xDA, 0xE2, 0x01
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # frame headers, ITU-T T.81, table B.1
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_BEHIND_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_PADDING = re.compile(rb"[\x00\r\n]*\xff*(?=\xff\xd8\xff)")


def is_jpeg_stream(source: MediaFile) -> bool:
    """Return whether a file that begins with a JPEG is a stream of them: two of one size, one after the other.

    A photo may contain another JPEG: its thumbnail lies inside it, a second view is announced by an MPF segment (CIPA
    DC-007), and a preview has another size.
    """
    with source.open() as file:
        data = file.read(2 * LARGEST_FRAME)
    end, size = _walk(data, 0)
    behind = None if end is None else _PADDING.match(data, end)
    return behind is not None and size is not None and _walk(data, behind.end())[1] == size


def _walk(data: bytes, at: int) -> tuple[int | None, bytes | None]:
    """Return the end of a JPEG, or None if it is cut short or announces a second view, and its height and width."""
    size = None
    at += len(_START)
    for _ in range(MOST_SEGMENTS):
        found = _MARKER.match(data, at)
        if found is None:
            break
        marker, at = found[1][0], found.end()
        if marker == _END:
            return at, size
        if marker == _WITHOUT_LENGTH:
            continue
        if marker == _APP2 and data[at + 2 : at + 6] == b"MPF\0":
            return None, size
        if marker in _SIZES:
            size = data[at + 3 : at + 7]
        at += int.from_bytes(data[at : at + 2], "big")
        if marker == _SCAN:
            behind = _BEHIND_SCAN.search(data, at)
            if behind is None:
                return None, size
            at = behind.start()
    return None, size
