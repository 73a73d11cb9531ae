"""GIF taken apart: its frames byte by byte as the format lays them down (GIF89a)."""

import io
import struct
from fractions import Fraction

import numpy as np
import picture_bytes
import pytest
from PIL import Image

from nonlocal_core.errors import MediaError
from nonlocal_core.media.gif import Gif, read_gif

DATA = b"\x02\x02\x44\x01\x00"
"""One pixel of index 0: the size of its codes, a block of two bytes, the end."""


def screen(width: int = 5, height: int = 3, palette: bytes = bytes(6), flags: int = 0x80) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, flags, 0, 0) + palette


def control(flags: int, delay: int = 20, clear: int = 0) -> bytes:
    return b"\x21\xf9\x04" + struct.pack("<BHBB", flags, delay, clear, 0)


def image(at: tuple[int, int] = (0, 0), hw: tuple[int, int] = (1, 1), flags: int = 0, palette: bytes = b"") -> bytes:
    return b"\x2c" + struct.pack("<HHHHB", at[1], at[0], hw[1], hw[0], flags) + palette + DATA


def read(data: bytes, most: int = 9) -> Gif:
    return read_gif(data, "it.gif", most)


def test_places_sizes_times_and_disposals_are_those_of_the_file() -> None:
    frames = b"".join(control(disposal << 2, 300 + disposal) + image((2, 300), (4, 5)) for disposal in (0, 1, 2, 3, 4))
    gif = read(screen(700, 600) + frames + b"\x3b")
    assert (gif.hw, gif.whole, len(gif.parts)) == ((600, 700), True, 5)
    assert [part.disposal for part in gif.parts] == ["keep", "keep", "clear", "restore", "keep"]
    assert [part.delay_seconds for part in gif.parts] == [Fraction(300 + n, 100) for n in range(5)]
    assert {(part.at, part.hw, part.over) for part in gif.parts} == {((2, 300), (4, 5), True)}


def test_a_control_holds_for_the_next_frame_only() -> None:
    gif = read(screen() + control(2 << 2, 7) + image() + image() + b"\x3b")
    assert [(part.delay_seconds, part.disposal) for part in gif.parts] == [(Fraction(7, 100), "clear"), (0, "keep")]


def test_the_first_frame_makes_room_for_itself() -> None:
    assert read(screen(5, 3) + image((2, 4), (2, 3)) + image((9, 9), (9, 9))).hw == (4, 7)
    assert read(screen(50, 30) + image((2, 4), (2, 3))).hw == (30, 50)


@pytest.mark.parametrize("bits", range(1, 9))
def test_palettes_have_the_length_that_their_flags_tell(bits: int) -> None:
    """Two to 256 colours, of the screen or of a frame, before the pixels; a still has the palette that holds."""
    own, common = bytes(range(1, 1 + 3 * 2**bits)) if bits < 7 else bytes([7] * 3 * 2**bits), bytes([9] * 3 * 2**bits)
    flags = 0x80 | bits - 1
    gif = read(screen(palette=common, flags=flags) + image() + image(flags=flags, palette=own) + b"\x3b")
    for part, palette in zip(gif.parts, (common, own), strict=True):
        assert part.still() == b"GIF89a" + struct.pack("<HHBBB", 1, 1, flags, 0, 0) + palette + image() + b"\x3b"
    bare = read(screen(palette=b"", flags=bits - 1) + image() + b"\x3b").parts[0].still()
    assert bare == b"GIF89a" + bytes((1, 0, 1, 0, 0, 0, 0)) + image() + b"\x3b"


def test_a_still_keeps_its_order_of_rows_and_the_colour_that_is_seen_through() -> None:
    for flags in (0b0100, 0b0101, 0b1001):
        still = (
            read(screen() + control(flags, clear=200) + image((1, 2), (3, 4), 0x40 | 0x20) + b"\x3b").parts[0].still()
        )
        seen_through = b"\x21\xf9\x04\x01\x00\x00\xc8\x00" if flags & 1 else b""
        expected = b"GIF89a" + struct.pack("<HHBBB", 4, 3, 0x80, 0, 0) + bytes(6) + seen_through
        assert still == expected + image(hw=(3, 4), flags=0x40) + b"\x3b"


def test_stills_decode_as_pillow_decodes_the_file() -> None:
    rng = np.random.default_rng(5)
    palette, pixels = rng.integers(0, 256, (256, 3)), rng.integers(0, 256, (6, 9))
    data = picture_bytes.gif((6, 9), palette, [{"pixels": pixels, "interlaced": True, "clear": 3}])
    with Image.open(io.BytesIO(read(data).parts[0].still())) as still, Image.open(io.BytesIO(data)) as whole:
        assert np.array_equal(np.asarray(still.convert("RGBA")), np.asarray(whole.convert("RGBA")))
        assert (np.asarray(still.convert("RGBA"))[..., 3] == np.where(pixels == 3, 0, 255)).all()


def test_other_extensions_are_passed_over_block_by_block() -> None:
    comment = b"\x21\xfe\x03abc\x02de\x00"
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    strange = b"\x21\xf9\x03\xff\xff\xff\x00"  # a control of another length tells nothing
    gif = read(screen() + comment + loop + strange + image() + comment + b"\x3b")
    assert (len(gif.parts), gif.whole) == (1, True)
    assert (gif.parts[0].delay_seconds, gif.parts[0].disposal) == (0, "keep")


def test_no_more_than_one_frame_beyond_the_limit_is_taken_apart() -> None:
    data = screen() + 5 * image() + b"\x3b"
    assert [len(read(data, most).parts) for most in (0, 1, 3, 4, 5)] == [1, 2, 4, 5, 5]
    assert [read(data, most).whole for most in (3, 4, 5)] == [False, False, True]


def test_what_is_cut_short_ends_at_its_last_frame() -> None:
    data = screen() + control(0) + image() + control(4) + image()
    assert (len(read(data).parts), read(data).whole) == (2, False)
    for cut in range(1, len(image())):
        parts = read(data[:-cut]).parts
        assert len(parts) == (2 if cut <= len(DATA) else 1)  # the place and the size of a frame are ten bytes
    assert len(read(data + b"\x00" + image()).parts) == 2  # no block begins with a 0


@pytest.mark.parametrize("cut", range(6, 13 + 6))
def test_a_head_without_a_frame_is_refused(cut: int) -> None:
    with pytest.raises(MediaError, match=r"it\.gif cannot be read as a picture: it holds no picture"):
        read((screen() + b"\x3b")[:cut])


def test_no_frame_follows_a_control_that_is_cut_short() -> None:
    data = screen() + image() + control(3 << 2)
    assert [len(read(data[:-cut]).parts) for cut in range(1, 8)] == [1] * 7
