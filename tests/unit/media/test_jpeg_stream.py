"""A JPEG or a stream of them: walked marker by marker, as ITU-T T.81 lays them down."""

import io
import struct

import pytest
from media_files import number_of, stamped, stamps
from PIL import Image, ImageCms

from nonlocal_core.media import Selection, jpeg_stream, read_frames
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


def photograph(number: int, hw: tuple[int, int] = (48, 80), **how: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(stamped(number, hw)).save(file, "JPEG", quality=95, **how)
    return file.getvalue()


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_view_inside(picture: bytes, view: bytes) -> bytes:
    """Return a JPEG that carries another one in a segment, as EXIF does with thumbnails."""
    segment = b"\xff\xe1" + (len(view) + 8).to_bytes(2, "big") + b"Exif\0\0" + view
    return picture[:2] + segment + picture[2:]


def multi_picture() -> bytes:
    file = io.BytesIO()
    first, second = (Image.fromarray(stamped(n)) for n in (1, 2))
    first.save(file, "MPO", save_all=True, append_images=[second])
    return file.getvalue()


ONE_PICTURE = {
    "one": photograph(1),
    "progressive": photograph(1, progressive=True),
    "with a thumbnail": with_view_inside(photograph(1), photograph(2)),
    "of two views": multi_picture(),
    "with a preview behind it": photograph(1) + photograph(2, (24, 40)),
    "with a video behind it": photograph(1) + stamps(3),
    "with a cut one behind it": photograph(1) + photograph(2)[:20],
}


@pytest.mark.parametrize("data", ONE_PICTURE.values(), ids=ONE_PICTURE.keys())
def test_one_jpeg_is_a_picture_whatever_it_carries(data: bytes) -> None:
    frames = read_frames(data, Selection())
    assert frames.info.kind == "image"
    assert [number_of(picture) for picture in frames.rgb] == [1]


@pytest.mark.parametrize("padding", [b"", b"\0\0\0", b"\xff\xff", b"\r\n"])
@pytest.mark.parametrize(
    "how",
    [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"icc_profile": SRGB}],
    ids=["plain", "progressive", "restarts", "a profile, in APP2 as a second view would be"],
)
def test_jpegs_one_behind_the_other_are_a_video(padding: bytes, how: dict[str, object]) -> None:
    data = padding.join(with_view_inside(photograph(n, **how), photograph(99)) for n in range(5))
    frames = read_frames(data, Selection(stride=1))
    assert (frames.info.kind, frames.info.codec) == ("video", "mjpeg")
    assert [number_of(picture) for picture in frames.rgb] == [0, 1, 2, 3, 4]
