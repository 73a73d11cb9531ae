"""Marks of encrypted video in containers that libav opens without an error."""

import re

from nonlocal_core.errors import MediaError
from nonlocal_core.media.formats import VideoFormat
from nonlocal_core.media.media_file import MediaFile

SEARCHED_BYTES = 4 * 1024**2
"""Number of bytes to search at the start and at the end of a file: an MP4 keeps its index at either."""

SCRAMBLED_SHARE = 0.1
"""Minimum share of scrambled packets in an encrypted stream, whose tables and sound may be open."""

_MARKS: dict[VideoFormat, re.Pattern[bytes]] = {
    # Sample entries of ISO/IEC 14496-12, section 8.12, and of the FairPlay that shops sold.
    "mov": re.compile(rb"stsd.{12}(encv|drmi)", re.DOTALL),
    # Content encryption objects of the ASF specification, sections 3.14 and 3.15.
    "asf": re.compile(
        rb"\xfb\xb3\x11\x22\x23\xbd\xd2\x11\xb4\xb7\x00\xa0\xc9\x55\xfc\x6e"
        rb"|\x14\xe6\x8a\x29\x22\x26\x17\x4c\xb9\x35\xda\xe0\x7e\xe9\x28\x9c"
    ),
}
_TS_PACKET, _TS_SYNC = 188, b"G"


def encrypted(source: MediaFile) -> MediaError:
    """Return the error for an encrypted video."""
    return MediaError(f"{source.name} is encrypted. Open a copy without copy protection.")


def marks_encryption(source: MediaFile, demuxer: VideoFormat) -> bool:
    """Return whether a file that cannot be decoded is marked as encrypted."""
    with source.open() as file:
        start = file.read(SEARCHED_BYTES)
        file.seek(max(0, source.byte_count - SEARCHED_BYTES))
        end = file.read(SEARCHED_BYTES)
    if demuxer == "mpegts":
        return _is_scrambled(start)
    mark = _MARKS.get(demuxer)
    return mark is not None and any(mark.search(part) for part in (start, end))


def _is_scrambled(data: bytes) -> bool:
    """Return whether a good part of a transport stream is scrambled (ISO/IEC 13818-1, section 2.4.3.3)."""
    stride = _TS_PACKET if data[_TS_PACKET : _TS_PACKET + 1] == _TS_SYNC else _TS_PACKET + 4
    heads = [data[at : at + 4] for at in range(stride - _TS_PACKET, len(data) - 3, stride)]
    scrambled = sum(head[:1] == _TS_SYNC and head[3] & 0xC0 != 0 for head in heads)
    return scrambled > SCRAMBLED_SHARE * len(heads)
