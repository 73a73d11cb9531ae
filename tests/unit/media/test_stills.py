"""Stills of Pillow: parts of a JPEG, rows of a BMP, times and colours of an AVIF, and what each costs."""

import io
import struct
from fractions import Fraction

import numpy as np
import picture_bytes
import pytest
from PIL import Image

from nonlocal_core.media.limits import Limits
from nonlocal_core.media.pixels import Turn
from nonlocal_core.media.stills import AvifPages, BmpPages, JpegPages, WebpPages, _parts_of, exif_turn


def saved(kind: str, picture: Image.Image, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


EXIF = segment(0xE1, b"Exif\0\0" + b"tags of it")
SCAN = segment(0xDA, bytes(10)) + b"\x12\xff\x00\x34\xff\xd3\x56"


def test_a_jpeg_has_an_end_scans_and_an_exif() -> None:
    inside = segment(0xE2, b"\xff\xda\xff\xd9")  # a thumbnail's own scan and end
    data = b"\xff\xd8" + inside + EXIF + SCAN + segment(0xC4, b"abc") + SCAN
    assert _parts_of(data + b"\xff\xd9") == (True, 2, b"tags of it")
    assert _parts_of(data) == (False, 2, b"tags of it")
    assert _parts_of(data + b"\xff\xd9" + SCAN) == (True, 2, b"tags of it")
    assert _parts_of(data + EXIF + b"\xff\xff\xd9") == (True, 2, b"tags of it" * 2)


def test_other_segments_are_no_exif() -> None:
    for other in (segment(0xE1, b"http://x"), segment(0xE2, b"Exif\0\0no"), segment(0xE1, b"Exif\0\1no")):
        assert _parts_of(b"\xff\xd8" + other + b"\xff\xd9") == (True, 0, b"")


def test_markers_without_a_length_are_passed_over() -> None:
    for marker in (0x01, 0xD8):
        assert _parts_of(b"\xff\xd8" + bytes((0xFF, marker)) + b"\xff\xd9\0\0") == (True, 0, b"")


@pytest.mark.parametrize(("mode", "bands"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
def test_a_progressive_jpeg_is_held_as_its_coefficients(mode: str, bands: int) -> None:
    picture = Image.new(mode, (8, 6))
    assert JpegPages(saved("JPEG", picture), "it").bytes_per_pixel == 4.5
    assert JpegPages(saved("JPEG", picture, progressive=True), "it").bytes_per_pixel == 2 * bands + 1


@pytest.mark.parametrize(("scans", "times"), [(1, 1.0), (20, 1.0), (21, 1.05), (60, 3.0)])
def test_scans_beyond_twenty_cost_a_twentieth_each(scans: int, times: float) -> None:
    data = saved("JPEG", Image.new("L", (8, 6)))
    at = data.index(b"\xff\xda")
    pages = JpegPages(data[:at] + scans * data[at:-2] + data[-2:], "it")
    assert pages.reading_pixels([0]) == pytest.approx(48 * times)


def test_a_jpeg_without_its_end_is_told() -> None:
    data = saved("JPEG", Image.new("L", (8, 6)))
    assert JpegPages(data, "it").notes == []
    assert JpegPages(data[:-2], "it").notes == [
        "it is cut short: its end is missing, and rows that are missing are grey."
    ]


@pytest.mark.parametrize(
    ("bits", "width", "row"), [(1, 33, 8), (4, 9, 8), (8, 5, 8), (16, 3, 8), (24, 5, 16), (32, 3, 12)]
)
@pytest.mark.parametrize("old", [False, True])
def test_rows_of_a_bmp_fill_four_bytes_and_the_last_may_be_missing(bits: int, width: int, row: int, old: bool) -> None:
    if old and bits in (16, 32):
        return
    rows, colours = bytes(3 * row), (2**bits if bits <= 8 else 0)
    if old:  # the header of OS/2, of twelve bytes, whose palette has three bytes a colour
        offset = 26 + 3 * colours
        head = struct.pack("<2sIIIIHHHH", b"BM", offset + len(rows), 0, offset, 12, width, 3, 1, bits)
        data = head + bytes(3 * colours) + rows
    else:
        data = picture_bytes.bmp(rows, (3, width), bits, palette=bytes(4 * colours))
    assert BmpPages(data, "it", Limits()).notes == []
    for missing in (1, 2 * row):
        note = f"it is cut short: {missing} of {len(data):,} bytes are missing, and black."
        pages = BmpPages(data[:-missing], "it", Limits())
        assert pages.notes == [note]
        assert pages.hw == (3, width)


def test_animations_last_as_their_frames_say() -> None:
    frames = [{"rgba": np.full((6, 8, 4), 60 * n + 9, np.uint8), "milliseconds": 70 * n + 1} for n in range(3)]
    pages = WebpPages(picture_bytes.webp((6, 8), frames), "it")
    assert [pages.delay(n) for n in range(3)] == [Fraction(1, 1000), Fraction(71, 1000), Fraction(141, 1000)]
    assert (pages.count, pages.opening_pixels, pages.bytes_per_pixel) == (3, 3 * 48, 16.5)
    assert [pages.reading_pixels(chosen) for chosen in ([0], [0, 1], [2])] == [48, 96, 144]
    still = WebpPages(saved("WEBP", Image.new("RGB", (8, 6))), "it")
    assert (still.count, still.opening_pixels, still.delay(0)) == (1, 0, 0)


def avif(nclx: bytes | None, **how: object) -> bytes:
    """Return an AVIF whose coded primaries, transfer and matrix are these; None for as many bytes that tell none."""
    data = saved("AVIF", Image.new("RGB", (16, 16)), **how)
    at = data.index(b"colrnclx")
    told = b"freeabcd" + bytes(6) if nclx is None else b"colrnclx" + nclx
    return data[:at] + told + data[at + len(told) :]


def test_coded_colours_of_an_avif_are_its_profile() -> None:
    assert AvifPages(avif(struct.pack(">HHH", 1, 13, 6)), "it").profile is None
    assert AvifPages(avif(struct.pack(">HHH", 12, 13, 6)), "it").profile is not None
    assert AvifPages(avif(struct.pack(">HHH", 13, 12, 6)), "it").profile is None
    assert AvifPages(avif(None), "it").profile is None
    for transfer in (16, 18):
        pages = AvifPages(avif(struct.pack(">HHH", 9, transfer, 9)), "it")
        assert (pages.profile, len(pages.notes)) == (None, 1)
    assert AvifPages(avif(struct.pack(">HHH", 9, 17, 9)), "it").notes == []
    assert AvifPages(avif(struct.pack(">HHH", 1, 13, 6)), "it").bytes_per_pixel == 12.5


def test_frames_of_an_avif_last_as_its_clock_says() -> None:
    pictures = [Image.new("RGB", (16, 16), (60 * n, 0, 0)) for n in range(3)]
    data = bytearray(saved("AVIF", pictures[0], save_all=True, append_images=pictures[1:], duration=[100, 250, 40]))
    assert [AvifPages(bytes(data), "it").delay(n) for n in range(3)] == [Fraction(n, 1000) for n in (100, 250, 40)]
    at = data.index(b"mdhd") + 4
    timescale = at + (20 if data[at] == 1 else 12)  # after the version, the flags and two times of 8 or 4 bytes
    struct.pack_into(">I", data, timescale, 3 * struct.unpack_from(">I", data, timescale)[0])
    assert [AvifPages(bytes(data), "it").delay(n) for n in range(3)] == [Fraction(n, 3000) for n in (100, 250, 40)]


def test_an_orientation_is_that_of_the_exif_and_garbage_turns_nothing() -> None:
    exif = Image.Exif()
    assert exif_turn(lambda: exif) == Turn()
    exif[0x0112] = 6
    assert exif_turn(lambda: exif) == Turn(transpose=True, flip_cols=True)

    def garbage() -> Image.Exif:
        raise ValueError

    assert exif_turn(garbage) == Turn()
