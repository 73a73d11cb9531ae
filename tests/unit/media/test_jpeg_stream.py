"""A JPEG or a stream of them: walked marker by marker, as ITU-T T.81 lays them down."""

import struct

import pytest

from nonlocal_core.media import jpeg_stream
from nonlocal_core.media.jpeg_stream import is_jpeg_stream
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.media_file import as_media_file

START, END = b"\xff\xd8", b"\xff\xd9"


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpeg(
    hw: tuple[int, int] = (48, 80),
    *,
    depth: int = 8,
    frame: int = 0xC0,
    before: bytes = b"",
    scan: bytes = b"\x12\xff\x00\x34",
) -> bytes:
    size = segment(frame, struct.pack(">BHH", depth, *hw) + bytes(10))
    return START + before + size + segment(0xDA, bytes(10)) + scan + END


def is_stream(data: bytes) -> bool:
    return is_jpeg_stream(as_media_file(data, name="it", limits=Limits()))


def test_two_of_one_size_are_a_stream() -> None:
    assert is_stream(jpeg() + jpeg())
    assert is_stream(jpeg() + jpeg(depth=12))
    assert not is_stream(jpeg())
    for other in ((48, 81), (49, 80), (80, 48)):
        assert not is_stream(jpeg() + jpeg(other))


@pytest.mark.parametrize("marker", range(0xC0, 0xD0))
def test_frame_headers_tell_the_size_and_tables_do_not(marker: int) -> None:
    is_header = marker not in (0xC4, 0xC8, 0xCC)  # Huffman tables, extensions, arithmetic conditioning (table B.1)
    assert is_stream(jpeg(frame=marker) + jpeg()) == is_header
    assert is_stream(jpeg() + jpeg(frame=marker)) == is_header


@pytest.mark.parametrize(
    ("between", "follows"),
    [(b"", True), (b"\0\r\n\0", True), (b"\xff\xff", True), (b"\0\xff", True), (b"a", False), (b"\xff\0", False)],
)
def test_only_padding_may_lie_between(between: bytes, follows: bool) -> None:
    assert is_stream(jpeg() + between + jpeg()) == follows


def test_the_second_may_be_cut_once_its_size_is_told() -> None:
    second = jpeg()
    size_is_told = len(START) + 2 + 2 + 5  # marker, length, depth, height and width
    assert is_stream(jpeg() + second[:size_is_told])
    assert not is_stream(jpeg() + second[: size_is_told - 1])
    assert not is_stream(jpeg()[:-2] + second)
    assert not is_stream(jpeg()[:-3])


def test_a_scan_ends_at_a_marker_that_is_no_restart_and_no_stuffed_byte() -> None:
    for inside in (b"\xff\x00", *(bytes((0xFF, marker)) for marker in range(0xD0, 0xD8))):
        assert is_stream(2 * jpeg(scan=b"\1" + inside + b"\2"))
    tables = segment(0xC4, END + START)  # what looks like an end lies inside a segment
    assert is_stream(2 * jpeg(scan=b"\1" + tables + segment(0xDA, b"\0") + b"\2"))


def test_markers_without_a_length_and_fill_bytes_are_passed_over() -> None:
    assert is_stream(2 * jpeg(before=b"\xff\x01"))
    assert is_stream(2 * jpeg(before=b"\xff\xff\xff"))
    assert not is_stream(jpeg(before=b"\1\2") + jpeg())


def test_a_view_that_is_told_of_is_no_frame() -> None:
    assert not is_stream(2 * jpeg(before=segment(0xE2, b"MPF\0" + bytes(4))))
    assert is_stream(2 * jpeg(before=segment(0xE2, b"ICC_PROFILE\0")))
    assert is_stream(2 * jpeg(before=segment(0xE1, b"MPF\0" + bytes(4))))
    assert is_stream(jpeg() + jpeg(before=segment(0xE2, b"MPF\0"))) is False


def test_a_jpeg_of_a_thousand_segments_is_a_frame_and_of_more_is_none() -> None:
    comment = segment(0xFE, b"")
    most = jpeg_stream.MOST_SEGMENTS - 3  # beside its header, its scan and its end
    assert jpeg_stream.MOST_SEGMENTS == 1_000
    assert is_stream(jpeg(before=comment * most) + jpeg())
    assert not is_stream(jpeg(before=comment * (most + 1)) + jpeg())


def test_two_of_the_largest_frames_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jpeg_stream.LARGEST_FRAME == 33_554_432
    monkeypatch.setattr(jpeg_stream, "LARGEST_FRAME", 2_000)
    first = jpeg(before=segment(0xFE, bytes(3_000)))
    gap = 2 * 2_000 - len(first) - 11  # what of the second is read: its start, its marker and its size
    assert is_stream(first + bytes(gap) + jpeg())
    assert not is_stream(first + bytes(gap + 1) + jpeg())
