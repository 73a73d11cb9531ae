"""Formats told by their first bytes, as their specifications lay them down; one byte off, and it is not that format."""

import pytest

from nonlocal_core.errors import MediaError
from nonlocal_core.media.formats import picture_format, video_format

PICTURES = {
    "png": [bytes.fromhex("89504e470d0a1a0a")],
    "jpeg": [bytes.fromhex("ffd8ff")],
    "gif": [b"GIF87a", b"GIF89a"],
    "tiff": [b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b"],
    "webp": [b"RIFF\1\2\3\4WEBP"],
    "bmp": [b"BM" + bytes(12) + bytes((size, 0, 0, 0)) for size in (12, 40, 52, 56, 64, 108, 124)],
    "avif": [b"\0\0\0\x10ftypavif\0\0\0\0", b"\0\0\0\x14ftypavis\0\0\0\0mif1", b"\0\0\0\x18ftypmif1\0\0\0\0miafavif"],
}
VIDEOS = {
    "matroska": [bytes.fromhex("1a45dfa3")],
    "flv": [b"FLV\1"],
    "ogg": [b"OggS"],
    "asf": [bytes.fromhex("3026b2758e66cf11")],
    "mpeg": [bytes.fromhex("000001ba")],
    "yuv4mpegpipe": [b"YUV4MPEG2 "],
    "avi": [b"RIFF\1\2\3\4AVI "],
    "mov": [b"\0\0\0\x08" + atom for atom in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")],
}
KINDS = [(kind, head) for kind, heads in (PICTURES | VIDEOS).items() for head in heads]
REST = bytes(range(128, 256)) * 5
"""Bytes that begin no format and are no text."""


def told(head: bytes) -> str | None:
    found = picture_format(head)
    try:
        return found or video_format(head, "it")
    except MediaError:
        return None


@pytest.mark.parametrize(("kind", "head"), KINDS)
def test_a_format_is_told_by_its_signature_and_by_nothing_less(kind: str, head: bytes) -> None:
    assert told(head + REST) == kind
    assert (picture_format(head + REST) is None) == (kind in VIDEOS)
    free = {"webp": range(4, 8), "avi": range(4, 8), "bmp": range(2, 14), "mov": range(4)}.get(kind, ())
    for at in range(len(head)):
        spoilt = head[:at] + bytes((head[at] ^ 0x80,)) + head[at + 1 :]
        if kind == "avif":
            continue
        assert (told(spoilt + REST) == kind) == (at in free)


def test_an_avif_is_told_by_its_brands_within_its_first_box() -> None:
    beyond = b"\0\0\0\x14ftypisom\0\0\0\0mp41avif"
    assert told(beyond + REST) == "mov"
    assert told(b"\0\0\0\x18" + beyond[4:] + REST) == "avif"
    assert told(b"\0\0\0\x18ftypisom" + b"avif" + b"mp41mp42" + REST) == "mov"  # a version is no brand
    assert told(b"\0\0\0\x18ftypisom\0\0\0\0mp41avif"[:22]) == "mov"
    assert told(b"\0\0\0\x18ftypisom\0\0\0\0" + b"xxavifxx" + REST) == "mov"  # brands begin every four bytes
    assert told(b"\0\0\0\x18moov" + b"avif" * 4 + REST) == "mov"


@pytest.mark.parametrize("zeros", [2, 3, 7])
def test_a_stream_is_told_by_the_code_behind_its_start(zeros: int) -> None:
    """ISO/IEC 13818-2, table 6-1; 14496-2, table 6-3; ITU-T H.264, table 7-1; H.265, table 7-1."""
    start = bytes(zeros) + b"\1"
    found = {code: told(start + bytes((code, 0xE0)) + REST) for code in range(256)}
    expected = dict.fromkeys(range(256), None)
    expected |= {0xB3: "mpegvideo", 0xB0: "m4v", 0xB5: "m4v"} | ({0xBA: "mpeg"} if zeros == 2 else {})
    expected |= {code: "h264" for code in range(128) if code % 32 in (1, 5, 6, 7, 8, 9)}
    assert found == expected
    hevc = {code: told(start + bytes((code, 1)) + REST) for code in range(128)}
    expected = {code: "hevc" if code // 2 in (32, 33, 34, 35, 39) else expected[code] for code in range(128)}
    assert hevc == expected


def test_an_object_of_mpeg4_is_followed_by_its_layer() -> None:
    for code in (0, 1, 31):
        assert told(bytes((0, 0, 1, code, 0, 0, 1, 0x20)) + REST) == "m4v"
        assert told(bytes((0, 0, 1, code, 0, 0, 1, 0x21)) + REST) == ("h264" if code == 1 else None)
    assert told(bytes((0, 0, 1, 32, 0, 0, 1, 0x20)) + REST) is None


def test_a_start_code_has_two_zeros_and_a_one_and_something_behind() -> None:
    assert told(b"\0\1\x67\xe0" + REST) is None
    assert told(b"\0\0\2\x67\xe0" + REST) is None
    assert told(b"\0\0\1\x67") is None
    assert told(b"\0\0\1\x67\xe0") == "h264"


@pytest.mark.parametrize(("packet", "at"), [(188, 0), (192, 4)], ids=["plain", "with time codes"])
def test_a_transport_stream_is_told_by_three_packets(packet: int, at: int) -> None:
    data = bytearray(b"\x80" * 600)
    for n in range(3):
        data[at + n * packet] = 0x47
    whole = bytes(data[: at + 2 * packet + 1])
    assert told(whole) == "mpegts"
    assert told(whole[:-1]) is None
    for n in range(3):
        assert told(whole[: at + n * packet] + b"\x46" + whole[at + n * packet + 1 :]) is None


@pytest.mark.parametrize(
    ("head", "is_text"),
    [
        (b"Dear diary", True),
        (b"a\tb\r\n\x0c", True),
        (b"a\x01b", False),
        (b"a\x7fb", False),
        ("abc€".encode()[:-1], True),
        ("abc\U0001f600".encode()[:-1], True),
        ("abc\U0001f600".encode()[:-1] + b"\x41", False),
        (b"a\xffbcd", False),
        (b"a\x01" + "€".encode()[:-1], False),
    ],
)
def test_text_is_told_even_where_its_last_letter_is_cut(head: bytes, is_text: bool) -> None:
    with pytest.raises(MediaError, match="it is text" if is_text else "it begins like no picture or video"):
        video_format(head, "it")
