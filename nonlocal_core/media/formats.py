"""Format of a file, told by its first bytes: the formats that may be read, and a sentence for those that may not."""

import unicodedata
from typing import Literal

from nonlocal_core.errors import MediaError
from nonlocal_core.media.extensions import KNOWN

PictureFormat = Literal["avif", "bmp", "gif", "jpeg", "png", "tiff", "webp"]
VideoFormat = Literal[
    "asf",
    "avi",
    "flv",
    "h264",
    "hevc",
    "m4v",
    "matroska",
    "mjpeg",
    "mov",
    "mpeg",
    "mpegts",
    "mpegvideo",
    "ogg",
    "yuv4mpegpipe",
]
"""The demuxers that may run. None of them opens another file; those of playlists and scripts would."""

RAW_STREAMS: tuple[VideoFormat, ...] = ("h264", "hevc", "m4v", "mjpeg", "mpegvideo")
"""Coded frames without a container, as cameras send them: they carry no times."""

_PICTURES: tuple[tuple[bytes, PictureFormat], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)
_VIDEOS: tuple[tuple[bytes, VideoFormat], ...] = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"OggS", "ogg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"YUV4MPEG2 ", "yuv4mpegpipe"),
)
_MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_H264_UNITS = frozenset((1, 5, 6, 7, 8, 9))  # slices, and what may come before them
_HEVC_UNITS = frozenset((32, 33, 34, 35, 39))  # parameter sets, delimiters and messages: slices may be any number
_BMP_HEADERS = frozenset((12, 40, 52, 56, 64, 108, 124))


def picture_format(head: bytes) -> PictureFormat | None:
    """Return the format of a picture or an animation that starts with these bytes, or None."""
    for prefix, found in _PICTURES:
        if head.startswith(prefix):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return "avif" if _brands(head) & _AVIF_BRANDS else None


def video_format(head: bytes, name: str) -> VideoFormat:
    """Return the container of a video that starts with these bytes.

    Raises MediaError, with the format, if it is not a video that is read here.
    """
    for prefix, found in _VIDEOS:
        if head.startswith(prefix):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in _MOV_ATOMS:
        return "mov"
    raw = _raw_stream(head)
    if raw is not None:
        return raw
    for packet, at in ((188, 0), (192, 4)):  # plain, and with the time codes of Blu-ray
        if len(head) > at + 2 * packet and all(head[at + n * packet] == 0x47 for n in range(3)):
            return "mpegts"
    if _is_text(head):
        raise MediaError(
            f"{name} is text, not a picture or a video. A playlist or a script only names other files: "
            "open the video itself."
        )
    raise MediaError(f"{name} begins like no picture or video that is read here ({KNOWN}). Convert it to one.")


def _raw_stream(head: bytes) -> VideoFormat | None:
    """Return the coding of a stream that starts with a start code, by the byte or two after it, or None.

    ISO/IEC 13818-2 (table 6-1), 14496-2 (table 6-3), ITU-T H.264 and H.265 (section 7.3.1 of both). The first bit
    after the start code distinguishes the MPEG ones from H.264 and HEVC.
    """
    zeros = len(head) - len(head.lstrip(b"\0"))
    start = head[zeros : zeros + 3]
    if zeros < 2 or len(start) < 3 or start[0] != 1:
        return None
    if start[1] == 0xB3:
        return "mpegvideo"
    if start[1] in (0xB0, 0xB5) or (start[1] < 0x20 and head[zeros + 2 : zeros + 6] == b"\0\0\1\x20"):
        return "m4v"
    if (start[1] >> 1) in _HEVC_UNITS and start[2] == 1:
        return "hevc"
    return "h264" if (start[1] & 0x1F) in _H264_UNITS and start[1] < 0x80 else None


def _brands(head: bytes) -> frozenset[bytes]:
    """Return the brands of an ISO media file (ISO/IEC 14496-12, section 4.3), or an empty set for other files."""
    if head[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset((head[8:12], *(head[at : at + 4] for at in range(16, end, 4))))


def _is_text(head: bytes) -> bool:
    """Return whether bytes are valid UTF-8, up to a last character cut short, with no controls but white space."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as fault:
        if fault.start < len(head) - 3:
            return False
        text = head[: fault.start].decode("utf-8")
    return not any(unicodedata.category(c) == "Cc" and not c.isspace() for c in text)
