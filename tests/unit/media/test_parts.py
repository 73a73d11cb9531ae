"""Stills and animations from their parts: costs, keys, gammas and profiles of a PNG at their limits."""

import struct
import zlib

import numpy as np
import picture_bytes
import pytest
from picture_bytes import chunk, png

from nonlocal_core.errors import MediaError
from nonlocal_core.media import parts
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.parts import GifPages, PngPages
from nonlocal_core.media.tones import Numbers

RNG = np.random.default_rng(8)
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
P3 = (31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)


def pages(
    samples: np.ndarray, *, bits: int = 8, colour: int = 2, interlaced: bool = False, chunks: bytes = b""
) -> PngPages:
    return PngPages(png(samples, bits=bits, colour=colour, interlaced=interlaced, chunks=chunks), "it", Limits())


def blank(colour: int = 2, **how: object) -> PngPages:
    palette = chunk(b"PLTE", bytes(6)) if colour == 3 else b""
    return pages(np.zeros((4, 6, CHANNELS[colour]), int), colour=colour, chunks=palette + how.pop("chunks", b""), **how)


def first(given: PngPages) -> np.ndarray | Numbers:
    (frame,) = given.frames([0], given.hw)
    return frame if isinstance(frame, Numbers) else np.asarray(frame)


KEY_GREY, KEY_COLOUR = chunk(b"tRNS", b"\0\5"), chunk(b"tRNS", b"\0\5\0\6\0\7")


@pytest.mark.parametrize(
    ("given", "cost"),
    [
        (blank(0), 4.5),
        (blank(2), 4.5),
        (blank(3), 8.5),
        (blank(4), 8.5),
        (blank(6), 8.5),
        (blank(0, chunks=KEY_GREY), 8.5),
        (blank(2, chunks=KEY_COLOUR), 8.5),
        (blank(2, bits=16), 4.5),
        (blank(2, bits=16, chunks=KEY_COLOUR), 42.0),
    ],
)
def test_a_still_costs_what_its_kind_takes(given: PngPages, cost: float) -> None:
    assert given.bytes_per_pixel == cost
    assert (given.count, given.opening_pixels) == (1, 0.0)
    assert given.reading_pixels([0]) == 4 * 6
    assert given.part_hw(0) == (4, 6)


def test_an_animation_costs_its_parts_and_the_canvases_that_are_shown() -> None:
    frames = [{"rgba": np.zeros((n + 1, 3, 4), int), "at": (1, 2)} for n in range(3)]
    given = PngPages(picture_bytes.apng((5, 7), frames, default=np.zeros((5, 7, 4), int)), "it", Limits())
    assert (given.count, given.bytes_per_pixel, given.opening_pixels) == (3, 13.0, 3 + 6 + 9)
    assert [given.reading_pixels(chosen) for chosen in ([0], [1], [0, 2])] == [3 + 35, 9 + 35, 18 + 70]
    assert [given.part_hw(n) for n in range(3)] == [(1, 3), (2, 3), (3, 3)]
    single = PngPages(picture_bytes.apng((5, 7), frames[:1], default=np.zeros((5, 7, 4), int)), "it", Limits())
    assert (single.count, single.opening_pixels, single.bytes_per_pixel) == (1, 0.0, 8.5)


def test_a_gif_costs_as_an_animation() -> None:
    data = picture_bytes.gif((5, 7), np.zeros((256, 3)), [{"pixels": np.zeros((2, 3), int)}] * 2)
    given = GifPages(data, "it", Limits())
    assert (given.count, given.bytes_per_pixel, given.opening_pixels, given.hw) == (2, 13.0, 12.0, (5, 7))
    assert given.notes == []


def test_the_end_of_an_animation_is_missed_and_that_of_a_still_is_not() -> None:
    data = picture_bytes.gif((5, 7), np.zeros((256, 3)), [{"pixels": np.zeros((2, 3), int)}] * 3)
    assert GifPages(data[:-1], "it", Limits()).notes == ["it is cut short: what follows frame 2 is missing."]
    one = picture_bytes.gif((5, 7), np.zeros((256, 3)), [{"pixels": np.zeros((2, 3), int)}])
    assert GifPages(one[:-1], "it", Limits()).notes == []


def test_parts_are_taken_apart_up_to_the_smaller_limit() -> None:
    data = picture_bytes.gif((5, 7), np.zeros((256, 3)), [{"pixels": np.zeros((2, 3), int)}] * 5)
    for limits in (Limits(max_listed_frames=2), Limits(max_decoded_frames=2)):
        assert GifPages(data, "it", limits).count == 3


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("bits", "colour"), [(1, 0), (2, 0), (4, 0), (8, 0), (8, 2), (16, 2)])
def test_the_key_of_a_picture_is_transparent_and_nothing_else(bits: int, colour: int, interlaced: bool) -> None:
    channels = CHANNELS[colour]
    samples = RNG.integers(0, 2**bits, (9, 11, channels))
    key = samples[3, 4].copy()
    samples[5, :4], samples[6, 0] = key, key
    if bits == 16 and not interlaced:
        samples[6, 0, 2] ^= 1  # all 16 bits tell
    stored = chunk(b"tRNS", struct.pack(f">{channels}H", *key))
    shown = first(pages(samples, bits=bits, colour=colour, interlaced=interlaced, chunks=stored))
    assert (shown[..., -1] == np.where((samples == key).all(axis=-1), 0, 255)).all()
    if bits == 16:
        expected = samples >> 8 if interlaced else (samples + 128) // 257
    else:
        expected = samples * 255 // (2**bits - 1)
    assert (shown[..., :-1] == expected).all()


def test_greys_of_sixteen_bits_are_numbers_with_their_key() -> None:
    samples = RNG.integers(0, 2**16, (9, 11, 1))
    key = int(samples[3, 4, 0])
    numbers = first(pages(samples, bits=16, colour=0, chunks=chunk(b"tRNS", struct.pack(">H", key))))
    assert (numbers.values == samples[..., 0]).all()
    assert (numbers.alpha == np.where(samples[..., 0] == key, 0, 255)).all()
    assert first(pages(samples, bits=16, colour=0)).alpha is None


def test_greys_of_sixteen_bits_in_an_animation_are_levels_of_257_numbers() -> None:
    samples = np.array([0, 128, 129, 65_406, 65_407, 65_535]).reshape(2, 3, 1)
    given = pages(samples, bits=16, colour=0)
    levels = np.asarray(given._part_picture(png(samples, bits=16, colour=0, interlaced=False, chunks=b"")))
    assert levels.tolist() == [[0, 0, 1], [254, 255, 255]]


@pytest.mark.parametrize(
    ("told", "declared"),
    [
        (None, None),
        (b"", None),
        (b"\0", None),
        (b"\1", None),
        (b"\2", 3),
        (b"\x0c", 4_095),
        (b"\x0f", 32_767),
        (b"\x10", None),
        (b"\x11", None),
    ],
)
def test_significant_bits_declare_the_largest(told: bytes | None, declared: int | None) -> None:
    chunks = b"" if told is None else chunk(b"sBIT", told)
    numbers = first(pages(np.ones((3, 4, 1), int), bits=16, colour=0, chunks=chunks))
    assert (numbers.full, numbers.declared) == (65_535, declared)


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


@pytest.mark.parametrize(
    ("chunks", "is_told"),
    [
        (b"", False),
        (gamma(45_455), False),
        (gamma(45_454), True),
        (gamma(45_455) + chunk(b"cHRM", struct.pack(">8I", *P3)), True),
        (gamma(1_000), False),  # a gamma of 0.01 or less, or of 10 or more, is none
        (gamma(1_001), True),
        (gamma(999_999), True),
        (gamma(1_000_000), False),
        (chunk(b"sRGB", b"\0") + gamma(50_000), False),
        (chunk(b"gAMA", b"\0\0\xc3"), False),
        (chunk(b"cHRM", struct.pack(">8I", *P3)), False),
        (chunk(b"cICP", bytes((12, 13, 0, 1))), True),
        (chunk(b"cICP", bytes((12, 13, 0))) + chunk(b"sRGB", b"\0"), False),
        (chunk(b"cICP", bytes((1, 13, 0, 1))) + gamma(50_000), False),
    ],
)
def test_a_profile_is_made_of_what_the_file_tells(chunks: bytes, is_told: bool) -> None:
    assert (blank(chunks=chunks).profile is not None) == is_told


def test_chromaticities_are_read_in_their_order_and_only_whole() -> None:
    measured = blank(chunks=gamma(50_000) + chunk(b"cHRM", struct.pack(">8I", *P3))).profile
    cut = blank(chunks=gamma(50_000) + chunk(b"cHRM", struct.pack(">7I", *P3[:7]))).profile
    assert measured == parts.measured_profile(0.5, (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06))
    assert cut == parts.measured_profile(0.5, None) != measured


def test_a_profile_is_unpacked_up_to_sixteen_megabytes() -> None:
    body = bytes(range(256)) * 3
    assert blank(chunks=chunk(b"iCCP", b"name\0\0" + zlib.compress(body))).profile == body
    assert blank(chunks=chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(2**24 + 9)))).profile == bytes(2**24)
    assert blank(chunks=chunk(b"iCCP", b"name\0\0damaged")).profile == b"damaged"


def test_the_turn_of_a_png_is_that_of_its_exif() -> None:
    def tags(count: int) -> bytes:
        return chunk(b"eXIf", b"MM\0\x2a\0\0\0\x08\0\1\x01\x12\0\3" + struct.pack(">IHH", count, 6, 0) + bytes(4))

    assert blank(chunks=tags(1)).turn.hw((4, 6)) == (6, 4)
    assert blank().turn.hw((4, 6)) == (4, 6)


def test_rows_that_are_missing_are_counted_where_there_is_memory_for_them() -> None:
    data = png(RNG.integers(0, 256, (40, 60, 3)), bits=8, colour=2)
    cut = data[: len(data) * 2 // 3]
    given = PngPages(cut, "it", Limits())
    shown = first(given)
    (note,) = given.notes
    rows = int(note.split(": ")[1].split()[0])
    assert note == f"it is damaged or cut short: {rows} of its 40 rows are shown."
    assert 20 < rows < 30
    assert shown[:rows].any(axis=(1, 2)).all()
    assert not shown[rows:].any()
    needed = 40 * 3 * 181  # three times the rows, of a filter and 60 colours each
    first(PngPages(cut, "it", Limits(max_picture_memory=needed)))
    with pytest.raises(MediaError, match="max_picture_memory"):
        first(PngPages(cut, "it", Limits(max_picture_memory=needed - 1)))
    nothing = png(RNG.integers(0, 256, (40, 60, 3)), bits=8, colour=2)
    at = nothing.index(b"IDAT") + 4
    with pytest.raises((OSError, SyntaxError)):
        first(PngPages(nothing[: at + 9], "it", Limits()))
