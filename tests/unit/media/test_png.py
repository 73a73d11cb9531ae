"""PNG taken apart: chunks, keys, rows and frames as the specification lays them down (PNG, third edition)."""

import io
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from picture_bytes import chunk
from PIL import Image

from nonlocal_core.errors import MediaError
from nonlocal_core.media.png import SIGNATURE, Png, read_png

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by its colour type (table 8)."""


def head(hw: tuple[int, int] = (3, 5), bits: int = 8, colour: int = 0, interlaced: int = 0) -> bytes:
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", hw[1], hw[0], bits, colour, 0, 0, interlaced))


def control(number: int, *, hw=(3, 5), at=(0, 0), delay=(1, 5), disposal=0, blend=0) -> bytes:
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, hw[1], hw[0], at[1], at[0], *delay, disposal, blend))


def read(data: bytes, most: int = 9) -> Png:
    return read_png(data, "it.png", most)


PIXELS = chunk(b"IDAT", zlib.compress(bytes(18)))
END = chunk(b"IEND", b"")


@pytest.mark.parametrize("colour", SAMPLES)
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("width", [1, 7, 8])
def test_a_row_is_a_filter_and_whole_bytes_of_samples(width: int, bits: int, colour: int) -> None:
    png = read(head((3, width), bits, colour) + PIXELS)
    assert png.row_bytes == 1 + -(-width * bits * SAMPLES[colour] // 8)
    assert (png.hw, png.bits, png.colour, png.interlaced) == ((3, width), bits, colour, False)
    assert png.greys == (colour == 0)


def test_a_head_is_needed_and_of_a_kind_that_there_is() -> None:
    for spoilt in (SIGNATURE, SIGNATURE + PIXELS, SIGNATURE + chunk(b"IHDR", bytes(12)) + PIXELS):
        with pytest.raises(MediaError, match=r"it has no header|before its first pixel"):
            read(spoilt)
    for bits, colour in ((3, 0), (0, 2), (32, 6), (8, 1), (8, 5), (8, 7)):
        with pytest.raises(MediaError, match=f"no PNG has {bits} bits of colour type {colour}"):
            read(head(bits=bits, colour=colour) + PIXELS)
    with pytest.raises(MediaError, match="it ends before its first pixel"):
        read(head() + END)


def test_the_colour_that_is_transparent_has_two_bytes_a_sample() -> None:
    stored = struct.pack(">3H", 258, 515, 772)
    keys = {0: (258,), 2: (258, 515, 772), 3: None, 4: None, 6: None}
    for colour, key in keys.items():
        assert read(head(bits=16, colour=colour) + chunk(b"tRNS", stored) + PIXELS).key() == key
    for colour, least in ((0, 2), (2, 6)):
        for length in (least - 1, least):
            png = read(head(bits=16, colour=colour) + chunk(b"tRNS", stored[:length]) + PIXELS)
            assert (png.key() is None) == (length < least)
        assert read(head(colour=colour) + PIXELS).key() is None


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize("colour", SAMPLES)
def test_a_still_has_its_head_palette_and_pixels_and_nothing_else(colour: int, interlaced: int) -> None:
    palette, alpha = chunk(b"PLTE", bytes(range(6))), chunk(b"tRNS", b"\1\2")
    data = head(colour=colour, interlaced=interlaced) + palette + alpha + chunk(b"tEXt", b"a\0b") + PIXELS + END
    kept = palette + alpha if colour == 3 else b""
    assert read(data).still() == head(colour=colour, interlaced=interlaced) + kept + PIXELS + END


def test_pixels_of_several_chunks_are_joined() -> None:
    packed = zlib.compress(bytes(18))
    png = read(head() + chunk(b"IDAT", packed[:4]) + chunk(b"IDAT", packed[4:]) + END)
    assert png.still() == head() + PIXELS + END
    assert png.whole


def rows_of(count: int, width: int = 5) -> bytes:
    return b"".join(bytes((0, *range(n, n + width))) for n in range(count))


@pytest.mark.parametrize("left", [0, 5, 6, 11, 12, 18])
def test_rows_that_cannot_be_unpacked_are_black(left: int) -> None:
    packer = zlib.compressobj()
    packed = packer.compress(rows_of(3)[:left]) + packer.flush(zlib.Z_SYNC_FLUSH)
    mended, rows = read(head() + chunk(b"IDAT", packed)).mended()
    assert rows == left // 6
    with Image.open(io.BytesIO(mended)) as picture:
        expected = [[n + x if n < rows else 0 for x in range(5)] for n in range(3)]
        assert np.asarray(picture).tolist() == expected


def test_damage_ends_the_rows_and_more_than_there_are_is_left_out() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (90, 200), np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in noise)
    packed = zlib.compress(rows, 0)  # stored, so that what stands before the damage is what was written
    spoilt = packed[:8_200] + b"\xff" * 300 + packed[8_500:]
    mended, found = read(head((90, 200)) + chunk(b"IDAT", packed + bytes(9))).mended()
    assert (found, mended.startswith(head((90, 200)))) == (90, True)
    mended, found = read(head((40, 200)) + chunk(b"IDAT", packed)).mended()
    assert found == 40
    with Image.open(io.BytesIO(mended)) as picture:
        assert (np.asarray(picture) == noise[:40]).all()
    assert read(head((90, 200)) + chunk(b"IDAT", spoilt[:8_192])).mended()[1] == 8_192 // 201
    broken = b"".join((zlib.compress(rows[: 201 * 30], 0)[:-4], b"\xff" * 5_000))
    assert read(head((90, 200)) + chunk(b"IDAT", broken)).mended()[1] <= 30
    assert read(head((90, 200), interlaced=1) + chunk(b"IDAT", packed)).mended()[1] == 0


def wrong(data: bytes) -> bytes:
    """Return a chunk whose checksum is another."""
    return data[:-1] + bytes((data[-1] ^ 1,))


def test_a_wrong_checksum_matters_where_pixels_need_the_chunk() -> None:
    text, spoilt = chunk(b"tEXt", b"a\0b"), wrong(PIXELS)
    assert read(head() + PIXELS + END).sound
    assert read(head() + wrong(text) + PIXELS + END).sound
    assert b"tEXt" not in read(head() + wrong(text) + PIXELS + END).chunks
    assert read(head() + text + PIXELS + END).chunks[b"tEXt"] == b"a\0b"
    assert not read(head() + spoilt + END).sound
    assert not read(wrong(head()) + PIXELS + END).sound
    palette = wrong(chunk(b"PLTE", bytes(6)))
    damaged = read(head(colour=3) + palette + PIXELS + END)
    assert (damaged.sound, damaged.chunks[b"PLTE"]) == (False, bytes(6))
    assert read(head() + spoilt[:-2]).sound  # the checksum is cut off: what was cut is told elsewhere
    assert not read(head() + spoilt + PIXELS + END).sound
    first = read(head() + chunk(b"gAMA", b"1111") + chunk(b"gAMA", b"2222") + PIXELS)
    assert first.chunks[b"gAMA"] == b"1111"


def frames(*controls: bytes, default: bool = False) -> bytes:
    """Return an animation of whole frames; ``default``: an image before them that is none."""
    out = head() + chunk(b"acTL", struct.pack(">II", len(controls), 0)) + (PIXELS if default else b"")
    for number, told in enumerate(controls):
        packed = zlib.compress(bytes((0, number, 0, 0, 0, 0)) * 3)
        out += told + (PIXELS if number == 0 and not default else chunk(b"fdAT", struct.pack(">I", 9) + packed))
    return out + END


def test_frames_have_the_places_times_and_ways_of_their_controls() -> None:
    png = read(
        frames(
            control(0, delay=(3, 0), disposal=2),
            control(1, hw=(2, 4), at=(1, 300), delay=(7, 30), disposal=1, blend=1),
            control(2, disposal=2, blend=2),
            control(3, disposal=9),
            control(4),
        )
    )
    assert [part.disposal for part in png.parts] == ["clear", "clear", "restore", "restore", "keep"]
    assert [part.delay_seconds for part in png.parts[:2]] == [Fraction(3, 100), Fraction(7, 30)]
    assert [part.over for part in png.parts] == [False, True, False, False, False]
    assert (png.parts[1].hw, png.parts[1].at) == ((2, 4), (1, 300))
    assert png.parts[0].still() == head() + PIXELS + END
    small = zlib.compress(bytes((0, 1, 0, 0, 0, 0)) * 3)
    assert png.parts[1].still() == head((2, 4)) + chunk(b"IDAT", small) + END
    assert png.whole


def test_a_default_image_is_no_frame() -> None:
    png = read(frames(control(0), control(1), default=True))
    assert [part.still() == head() + PIXELS + END for part in png.parts] == [True, False]
    assert png.still() == head() + PIXELS + END


def test_no_more_than_one_frame_beyond_the_limit_is_taken_apart() -> None:
    data = frames(*(control(n) for n in range(5)))
    assert [len(read(data, most).parts) for most in (0, 1, 3, 4, 5)] == [1, 2, 4, 5, 5]
    assert [read(data, most).whole for most in (3, 4)] == [False, True]


def test_controls_without_an_animation_or_of_another_length_are_none() -> None:
    assert not read(head() + control(0) + PIXELS + END).parts
    declared = head() + chunk(b"acTL", bytes(8))
    assert not read(declared + chunk(b"fcTL", bytes(25)) + PIXELS + END).parts
    assert len(read(declared + control(0) + PIXELS + END).parts) == 1


def test_a_last_frame_without_its_end_counts_where_it_has_pixels() -> None:
    declared = head() + chunk(b"acTL", bytes(8)) + control(0) + PIXELS
    assert len(read(declared).parts) == 1
    assert len(read(declared + control(1)).parts) == 1
    assert len(read(declared + control(1) + chunk(b"fdAT", b"1234abcd")).parts) == 2
    assert len(read(declared + chunk(b"fdAT", b"1234abcd")).parts) == 1
    assert not read(declared + control(1)).whole
