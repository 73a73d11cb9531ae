"""The cost of a file is known before it is paid, in `limits` and every decoder; a refusal has its limit's name."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
import tifffile
from bomb_pictures import (
    SIDE,
    avif,
    black_apng,
    exif,
    filled_jpeg,
    gif,
    jpeg,
    moving_webp,
    png_head,
    png_with_exif,
    webp,
)
from picture_bytes import chunk
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from nonlocal_core.errors import MediaError, MediaLimitError
from nonlocal_core.media import Limits, Selection, probe, read_frames
from nonlocal_core.media.colours import coded_profile

BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a GIF with a large canvas": (lambda: gif(SIDE, 240), "max_picture_memory"),
    "a GIF that shows many large canvases": (lambda: gif(6_500, 240), "max_unpacked_pixels"),
    "a GIF of many frames of one pixel": (lambda: gif(1, 40_000), "max_decoded_frames"),
    "a GIF of many frames on a canvas": (lambda: gif(2_000, 40_000), "max_decoded_pixels"),
    "a GIF of the largest canvas": (lambda: gif(65_535, 3), "max_pixels"),
    "a WebP of many frames on a canvas": (lambda: moving_webp(2_500, 10_000), "max_unpacked_pixels"),
    "a WebP of many frames on a large canvas": (lambda: moving_webp(8_000, 3_000), "max_picture_memory"),
    "an AVIF of few bytes": (lambda: avif(8_000), "max_picture_memory"),
    "a PNG of 16 bits that declares 900 megapixels": (
        lambda: png_head(30_000, 30_000, 16, 6) + chunk(b"IDAT", b""),
        "max_pixels",
    ),
    "a WebP of 34 bytes": (lambda: webp(SIDE), "max_picture_memory"),
    "a progressive JPEG of many scans": (lambda: jpeg(1_000, 6_000), "max_unpacked_pixels"),
    "an APNG of whole frames": (lambda: black_apng(4_000, 40), "max_unpacked_pixels"),
    "an interlaced PNG": (lambda: png_head(SIDE, SIDE, 16, 6, 1) + chunk(b"IDAT", b""), "max_picture_memory"),
    "a PNG of 16 bits with a transparent colour": (
        lambda: png_head(5_000, 5_000, 16, 2) + chunk(b"tRNS", bytes(6)) + chunk(b"IDAT", b""),
        "max_picture_memory",
    ),
    "a video of few bytes and large frames": (
        lambda: b"YUV4MPEG2 W8000 H4500 F25:1 C420\nFRAME\n" + b"\x80" * 5000,
        "max_light_video_pixels",
    ),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_small_file_that_unpacks_to_much_is_refused_before_it_is_decoded(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, limit = BOMBS[kind]
    data = make()
    assert len(data) < 2**20
    for reader in (PngImageFile, *(type(Image.open(io.BytesIO(jpeg(8, 0)))),)):
        monkeypatch.setattr(reader, "load", _never)
    with pytest.raises(MediaLimitError, match=limit):
        read_frames(data, Selection(), name="mine")


def test_a_picture_that_cannot_be_read_is_refused_when_it_is_looked_at() -> None:
    with pytest.raises(MediaLimitError, match="max_unpacked_pixels"):
        probe(jpeg(1_000, 6_000), name="mine")


def test_a_decoder_that_gets_no_memory_is_a_limit_and_no_damage() -> None:
    """A line of many pixels is more than Pillow takes for one."""
    side = 79_000_000
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, 1, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes(1 + (side + 7) // 8), 1)
    line = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    with pytest.raises(MediaLimitError, match="Reading mine takes more memory than its decoder gets"):
        read_frames(line, Selection(), name="mine")


def _never(*_: object) -> None:
    raise AssertionError("it was decoded")


@pytest.mark.parametrize("make", [png_with_exif, lambda: exif(3_000, 200_000)], ids=["EXIF", "TIFF"])
def test_tags_that_all_name_the_same_bytes_are_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(MediaError, match="its tags unpack to far more bytes than it has"):
        probe(make(), name="mine")


def test_what_has_the_bytes_for_it_is_read() -> None:
    data = jpeg(100, 30)
    assert read_frames(data, Selection()).rgb.shape == (1, 100, 100, 3)
    work = Limits(max_unpacked_pixels=0, max_unpacked_per_byte=200)
    assert probe(gif(100, 3), limits=work).frame_count == 3
    assert len(read_frames(gif(100, 3), Selection(frames=1), limits=work).rgb) == 1
    with pytest.raises(MediaLimitError, match="max_unpacked_per_byte"):
        read_frames(gif(100, 3), Selection(frames=3), limits=work)


def tiff(channels: int, dtype: type) -> bytes:
    file = io.BytesIO()
    values = np.zeros((40, 60) if channels == 1 else (40, 60, channels), dtype)
    kind = "minisblack" if channels < 3 else "rgb"
    tifffile.imwrite(file, values, photometric=kind, extrasamples=["unassalpha"] if channels in (2, 4) else None)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "bytes_per_pixel"),
    [
        pytest.param(tiff(1, np.uint8), 4.5, id="greys"),
        pytest.param(tiff(3, np.uint8), 4.5, id="colours"),
        pytest.param(tiff(4, np.uint8), 8.5, id="colours and alpha"),
        pytest.param(tiff(1, np.uint16), 4.5 + 4, id="greys of 16 bits"),
        pytest.param(tiff(1, np.float32), 4.5 + 8, id="greys that are floats"),
    ],
)
def test_a_tiff_is_refused_by_what_its_pixels_take(data: bytes, bytes_per_pixel: float) -> None:
    needed = int(40 * 60 * bytes_per_pixel)
    assert probe(data, limits=Limits(max_picture_memory=needed)).shown_hw == (40, 60)
    with pytest.raises(MediaLimitError, match="max_picture_memory"):
        probe(data, limits=Limits(max_picture_memory=needed - 1))


def saved(kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 40)).save(file, kind, **how)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "bytes_per_pixel"),
    [
        pytest.param(saved("PNG"), 4.5, id="PNG"),
        pytest.param(saved("PNG", icc_profile=coded_profile(12)), 4.5 + 8, id="PNG with a profile"),
        pytest.param(saved("JPEG"), 4.5, id="JPEG"),
        pytest.param(saved("JPEG", icc_profile=coded_profile(12)), 4.5, id="JPEG with a profile, made small first"),
        pytest.param(saved("WEBP"), 16.5, id="WebP"),
        pytest.param(saved("BMP"), 4.5, id="BMP"),
    ],
)
def test_a_picture_is_refused_by_what_its_format_takes(data: bytes, bytes_per_pixel: float) -> None:
    needed = int(40 * 60 * bytes_per_pixel)
    assert probe(data, limits=Limits(max_picture_memory=needed)).shown_hw == (40, 60)
    with pytest.raises(MediaLimitError, match="max_picture_memory"):
        probe(data, limits=Limits(max_picture_memory=needed - 1))


def test_opening_and_reading_are_held_to_the_pixels_that_they_decode() -> None:
    """An animation is decoded when it is opened, its canvases are drawn when they are read; a still picture is both."""
    still, moving = saved("PNG"), gif(100, 3)
    for data, ask, pixels in (
        (still, lambda data, limits: probe(data, limits=limits), 40 * 60),
        (moving, lambda data, limits: probe(data, limits=limits), 3),
        (moving, lambda data, limits: read_frames(data, Selection(frames=3), limits=limits), 3 + 3 * 100 * 100),
        (moving, lambda data, limits: read_frames(data, Selection(frames=1), limits=limits), 1 + 100 * 100),
    ):
        ask(data, Limits(max_unpacked_pixels=pixels, max_unpacked_per_byte=0))
        with pytest.raises(MediaLimitError, match="max_unpacked_pixels"):
            ask(data, Limits(max_unpacked_pixels=pixels - 1, max_unpacked_per_byte=0))


def test_bytes_that_fill_the_place_before_a_marker_are_passed_once() -> None:
    """Looked at from each of them anew, as many would take hours."""
    frames = read_frames(filled_jpeg(900_000), name="mine")
    assert frames.rgb.shape == (1, 64, 64, 3)
    assert frames.warnings == ("mine is cut short: its end is missing, and rows that are missing are grey.",)
