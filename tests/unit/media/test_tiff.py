"""TIFF: every depth, layout and byte order as tifffile wrote it, and pages as frames."""

import io
import struct

import numpy as np
import pytest
import tifffile
from media_files import number_of, stamped
from PIL import Image

from nonlocal_core.errors import MediaError, MediaLimitError
from nonlocal_core.media import Limits, Selection, probe, read_frames
from nonlocal_core.media.limits import DecodeBudget
from nonlocal_core.media.pixels import GREY
from nonlocal_core.media.tiff import DeepTiff, PillowTiff, TiffPages, _reader

HW = (22, 34)
RNG = np.random.default_rng(7)
NO_RANGE = "holds numbers without a fixed range"
SEE_THROUGH = "is transparent in places; what lies behind is shown grey"


def tiff(values: np.ndarray, **how: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **how)
    return file.getvalue()


def shown(data: bytes, *notes: str) -> np.ndarray:
    frames = read_frames(data, Selection(frames=1), name="it")
    assert len(frames.info.warnings) == len(notes)
    for warning, note in zip(frames.info.warnings, notes, strict=True):
        assert note in warning
    return frames.rgb[0].astype(int)


def random(dtype: type, shape: tuple[int, ...] = HW) -> np.ndarray:
    """Return numbers over the whole range of a type; floats from -3 to 5."""
    if np.issubdtype(dtype, np.floating):
        return (RNG.random(shape) * 8 - 3).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def stretched(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    return np.round((values.astype(np.float64) - low) / (high - low) * 255)


TYPES = [np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.float16, np.float32, np.float64]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("dtype", TYPES)
def test_greys_of_every_type_and_byte_order(dtype: type, photometric: str, order: str, big: bool) -> None:
    values = random(dtype)
    data = tiff(values, photometric=photometric, byteorder=order, bigtiff=big)
    bounded = {np.uint8: 1, np.uint16: 257}.get(dtype)
    expected = np.round(values / bounded) if bounded else stretched(values)
    expected = 255 - expected if photometric == "miniswhite" else expected
    assert np.abs(shown(data, *([] if bounded else [NO_RANGE])) - expected[..., None]).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("layout", ["contig", "separate"])
def test_colours_of_every_depth_and_layout(dtype: type, layout: str) -> None:
    values = random(dtype, (*HW, 3))
    stored = values if layout == "contig" else np.moveaxis(values, -1, 0)
    data = tiff(stored, photometric="rgb", planarconfig=layout)
    assert np.abs(shown(data) - values / np.iinfo(dtype).max * 255).max() <= 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 4])
def test_transparent_parts_show_grey_at_every_depth(dtype: type, channels: int) -> None:
    values = random(dtype, (*HW, channels))
    photometric = "rgb" if channels == 4 else "minisblack"
    share = values / np.iinfo(dtype).max
    expected = share[..., :-1] * share[..., -1:] * 255 + GREY * (1 - share[..., -1:])
    data = tiff(values, photometric=photometric, extrasamples=["unassalpha"])
    assert np.abs(shown(data, SEE_THROUGH) - expected).max() <= 1.5
    multiplied = values.copy()
    multiplied[..., :-1] = np.round(values[..., :-1] * share[..., -1:])
    data = tiff(multiplied, photometric=photometric, extrasamples=["assocalpha"])
    assert np.abs(shown(data, SEE_THROUGH) - expected).max() <= 2


def test_colours_of_floats_are_stretched_and_told() -> None:
    values = random(np.float32, (*HW, 3))
    assert np.abs(shown(tiff(values, photometric="rgb"), NO_RANGE) - stretched(values)).max() <= 1


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "group4", "jpeg"])
def test_compressions(compression: str) -> None:
    rows, cols = np.indices((64, 80))
    smooth = ((rows * 2 + cols) % 256).astype(np.uint8)
    picture = Image.fromarray(np.uint8(smooth > 90) * 255 if compression == "group4" else smooth)
    file = io.BytesIO()
    picture = picture.convert("1") if compression == "group4" else picture
    picture.save(file, "TIFF", compression=compression, **({"quality": 100} if compression == "jpeg" else {}))
    expected = np.asarray(picture.convert("L")).astype(int)[..., None]
    assert np.abs(shown(file.getvalue()) - expected).max() <= (20 if compression == "jpeg" else 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiles_and_predictors(dtype: type) -> None:
    values = random(dtype, (40, 50))
    expected = np.round(values / (np.iinfo(dtype).max / 255))[..., None]
    for how in ({"tile": (16, 16)}, {"compression": "zlib", "predictor": True}, {"rowsperstrip": 7}):
        assert np.abs(shown(tiff(values, photometric="minisblack", **how)) - expected).max() <= 0.5


def packed(values: np.ndarray, bits: int, order: str = "<", photometric: int = 1, **more: int) -> bytes:
    """Return a TIFF of numbers that follow each other without a gap, as scanners and cameras write them."""
    places = np.arange(bits - 1, -1, -1)
    rows = b"".join(np.packbits((row[:, None] >> places & 1).astype(np.uint8).reshape(-1)).tobytes() for row in values)
    tags = {256: values.shape[1], 257: values.shape[0], 258: bits, 259: 1, 262: photometric, 277: 1, **more}
    tags |= {278: values.shape[0], 279: len(rows), 273: 8 + 2 + 12 * (len(tags) + 3) + 4}
    body = struct.pack(order + "H", len(tags))
    for tag, value in sorted(tags.items()):
        body += struct.pack(order + "HHII", tag, 4, 1, value)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", 8) + body + bytes(4) + rows


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_packed_bits_are_shown_from_black_to_white(bits: int, order: str, photometric: int) -> None:
    values = RNG.integers(0, 2**bits, HW)
    expected = np.round(values / (2**bits - 1) * 255)
    expected = expected if photometric else 255 - expected
    assert np.abs(shown(packed(values, bits, order, photometric)) - expected[..., None]).max() <= 1


@pytest.mark.parametrize("bits", [17, 31])
def test_packed_bits_beyond_sixteen_are_shown_from_the_smallest_to_the_largest(bits: int) -> None:
    values = RNG.integers(2 ** (bits - 2), 2**bits, HW)
    expected = np.round((values - values.min()) / (values.max() - values.min()) * 255)
    assert np.abs(shown(packed(values, bits), "without a fixed range") - expected[..., None]).max() <= 1


def test_twelve_bits_inside_sixteen() -> None:
    values = np.linspace(0, 4095, HW[0] * HW[1]).reshape(HW).astype(np.uint16)
    expected = np.round(values / 4095 * 255)[..., None]
    assert np.abs(shown(tiff(values), "stretched: the smallest is shown black") - expected).max() <= 1
    dim = values // 2
    declared = tiff(dim, extratags=[(281, "H", 1, 4095, True)])
    assert np.abs(shown(declared, "declares 12 of 16 bits") - np.round(dim / 4095 * 255)[..., None]).max() <= 1


def test_more_channels_than_colours_are_told() -> None:
    values = random(np.uint8, (5, *HW))
    picture = shown(tiff(values, photometric="minisblack", planarconfig="separate"), "5 channels; the first is shown")
    assert (picture == values[0][..., None]).all()


def test_pages_of_one_size_are_frames() -> None:
    pages = np.stack([stamped(n)[..., 0] for n in range(1, 8)])
    frames = read_frames(tiff(pages, photometric="minisblack"), Selection(frames=20, stride=1), name="stack.tif")
    assert [number_of(picture) for picture in frames.rgb] == list(range(1, 8))
    assert (frames.info.kind, frames.info.rate, frames.info.duration_seconds) == ("animation", 10, 0.7)
    assert frames.info.warnings == (
        "stack.tif has 7 pages and no times; they are shown as frames in their order, 10 a second.",
    )


@pytest.mark.parametrize("rate", [7.5, 0.5])
def test_the_rate_that_imagej_writes_is_used(rate: float) -> None:
    info = probe(tiff(random(np.uint8, (4, *HW)), imagej=True, metadata={"fps": rate, "axes": "TYX"}))
    assert (info.rate, info.frame_count, info.warnings) == (rate, 4, ())


def test_all_pages_are_shown_on_one_scale() -> None:
    pages = np.stack([np.full(HW, n * 300, np.uint16) for n in range(5)])
    data = tiff(pages, photometric="minisblack")
    frames = read_frames(data, Selection(frames=9, stride=1))
    assert frames.rgb[:, 0, 0, 0].tolist() == [0, 64, 128, 191, 255]
    for index in range(5):
        alone = read_frames(data, Selection(frame_indices=(index,)))
        assert (alone.rgb[0] == frames.rgb[index]).all()


def test_copies_masks_and_pages_of_other_sizes_are_no_frames() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as out:
        out.write(np.full((40, 60), 200, np.uint8), photometric="minisblack")
        out.write(np.full((20, 30), 10, np.uint8), photometric="minisblack", subfiletype=1)
    info = probe(file.getvalue())
    assert (info.kind, info.shown_hw, info.warnings) == ("image", (40, 60), ())
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as out:
        for hw in ((40, 60), (20, 30), (30, 30)):
            out.write(np.full(hw, 200, np.uint8), photometric="minisblack")
    info = probe(file.getvalue(), name="pages.tif")
    assert (info.kind, info.shown_hw) == ("image", (40, 60))
    assert info.warnings == ("pages.tif holds 3 pages of different sizes; the first is shown.",)


def test_what_is_not_read_is_not_called_damaged() -> None:
    data = tiff(random(np.float64), compression="zlib")
    at = data.index(struct.pack("<HHI", 259, 3, 1)) + 8
    strange = data[:at] + struct.pack("<H", 34892) + data[at + 2 :]  # lossy JPEG of DNG, which no reader here has
    with pytest.raises(MediaError, match=r"raw\.tif is a TIFF of a kind that is not read here \(64 bits") as caught:
        read_frames(strange, Selection(), name="raw.tif")
    assert "damaged" not in str(caught.value)


def test_pages_are_held_to_the_limits() -> None:
    data = tiff(random(np.uint8, (6, *HW)), photometric="minisblack")
    assert probe(data, limits=Limits(max_listed_frames=6)).frame_count == 6
    with pytest.raises(MediaLimitError, match="max_listed_frames"):
        probe(data, limits=Limits(max_listed_frames=4))
    with pytest.raises(MediaLimitError, match="max_decoded_frames"):
        probe(data, limits=Limits(max_decoded_frames=4))
    deep = tiff(random(np.float64, (*HW, 3)), photometric="rgb")
    with pytest.raises(MediaLimitError, match="max_pixels"):
        probe(deep, limits=Limits(max_pixels=HW[0] * HW[1] * 3 - 1))


def untold(data: bytes, code: int) -> bytes:
    """Return a TIFF without a tag, for which its default holds."""
    return data.replace(struct.pack("<HHI", code, 3, 1), struct.pack("<HHI", 65_000, 3, 1))


def pages(data: bytes) -> TiffPages:
    return TiffPages(data, "it", Limits(), DecodeBudget("it", Limits()))


@pytest.mark.parametrize(
    ("data", "reader"),
    [
        (tiff(random(np.uint8)), PillowTiff),
        (tiff(random(np.uint16)), PillowTiff),
        (tiff(random(np.uint8, (*HW, 3)), photometric="rgb"), PillowTiff),
        (tiff(random(np.uint8, (*HW, 2)), photometric="minisblack", extrasamples=["unassalpha"]), PillowTiff),
        (tiff(random(np.uint16, (*HW, 3)), photometric="rgb"), DeepTiff),
        (tiff(random(np.uint16, (*HW, 2)), photometric="minisblack", extrasamples=["unassalpha"]), DeepTiff),
        (tiff(random(np.uint16, (*HW, 2)), photometric="miniswhite", extrasamples=["unassalpha"]), DeepTiff),
        (tiff(random(np.uint8), bigtiff=True, byteorder=">"), DeepTiff),
        (tiff(random(np.uint8), bigtiff=True, byteorder="<"), PillowTiff),
        (tiff(random(np.float64)), DeepTiff),
    ],
)
def test_channels_of_more_than_eight_bits_are_read_by_tifffile(data: bytes, reader: type) -> None:
    assert type(_reader(data, "it", Limits())) is reader


@pytest.mark.parametrize(
    ("data", "cost"),
    [
        (tiff(random(np.uint8)), 4.5),
        (tiff(random(np.uint8, (*HW, 3)), photometric="rgb"), 4.5),
        (tiff(random(np.uint8, (*HW, 2)), photometric="minisblack", extrasamples=["unassalpha"]), 8.5),
        (tiff(random(np.uint16)), 4.5 + 16 / 4),
        (tiff(random(np.float32)), 4.5 + 32 / 4),
        (tiff(random(np.uint16, (*HW, 3)), photometric="rgb"), 8.5 + 3 * 16 / 4),
        (tiff(random(np.uint16, (*HW, 4)), photometric="rgb", extrasamples=["unassalpha"]), 8.5 + 4 * 16 / 4 + 12),
        (tiff(random(np.uint16, (*HW, 4)), photometric="rgb", extrasamples=["assocalpha"]), 8.5 + 4 * 16 / 4 + 42),
        (tiff(random(np.uint16, (*HW, 2)), photometric="minisblack", extrasamples=["unassalpha"]), 8.5 + 8 + 12),
        (tiff(random(np.float64)), 8.5 + 64 / 4),
        (untold(tiff(random(np.float64)), 277), 8.5 + 64 / 4),
        (untold(tiff(random(np.uint16)), 277), 4.5 + 16 / 4),
        (untold(tiff(random(np.float64)), 258), 8.5 + 1 / 4),
    ],
)
def test_pages_cost_what_their_numbers_take(data: bytes, cost: float) -> None:
    given = pages(data)
    assert given.bytes_per_pixel == cost
    assert (given.opening_pixels, given.part_hw(0), given.delay(0)) == (0.0, HW, 0)
    assert given.reading_pixels([0, 3]) == 2 * HW[0] * HW[1]


@pytest.mark.parametrize(
    ("form", "dtype", "bits"), [(1, np.int32, 32), (2, np.int32, 32), (3, np.float32, 32), (2, np.int8, 8)]
)
def test_numbers_have_the_sign_that_the_file_tells(form: int, dtype: type, bits: int) -> None:
    values = random(dtype)
    (numbers,) = (
        pages(tiff(values)).frames([0], HW) if form != 1 else pages(tiff(values.view(np.uint32))).frames([0], HW)
    )
    assert (numbers.values == (values.view(np.uint32) if form == 1 else values)).all()
    assert numbers.values.dtype.itemsize * 8 == bits
    assert (numbers.full, numbers.negative) == (None, False)


def test_greys_of_sixteen_bits_have_their_range_and_what_is_declared() -> None:
    values = random(np.uint16)
    for photometric, negative in (("minisblack", False), ("miniswhite", True)):
        data = tiff(values, photometric=photometric, extratags=[(281, "H", 1, 4_000, True)])
        (numbers,) = pages(data).frames([0], HW)
        assert (numbers.full, numbers.declared, numbers.negative) == (65_535, 4_000, negative)
        assert (numbers.values == values).all()


@pytest.mark.parametrize(
    ("told", "rate"),
    [
        ("ImageJ=1.53\nimages=3\nfps=7.5\n", 7.5),
        ("ImageJ=1.53\nfps=1234.123456\n", 1234.123456),
        ("ImageJ=1.53\nfps=12345\n", 10),
        ("ImageJ=1.53\nfps=0\n", 10),
        ("images=3\nfps=7.5\n", 10),
        ("ImageJ=1.53\nmyfps=7.5\n", 10),
    ],
)
def test_a_rate_is_that_of_a_line_of_imagej(told: str, rate: float) -> None:
    given = pages(tiff(random(np.uint8, (3, *HW)), photometric="minisblack", description=told, metadata=None))
    assert given.delay(0) == pytest.approx(1 / rate)
    note = "it has 3 pages and no times; they are shown as frames in their order, 10 a second."
    assert given.notes == ([] if rate != 10 else [note])


def with_second_page_tagged(code: int, kind: int) -> bytes:
    """Return a TIFF of two pages, the second of a kind by a tag: 254, or 255 of older programs."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as out:
        out.write(random(np.uint8), photometric="minisblack")
        out.write(random(np.uint8), photometric="minisblack", subfiletype=1)
    return file.getvalue().replace(struct.pack("<HHII", 254, 4, 1, 1), struct.pack("<HHII", code, 4, 1, kind))


@pytest.mark.parametrize(("kind", "is_frame"), [(0, True), (1, False), (2, True), (4, False), (5, False), (8, True)])
def test_reduced_copies_and_masks_are_no_pages(kind: int, is_frame: bool) -> None:
    assert pages(with_second_page_tagged(254, kind)).count == 1 + is_frame


@pytest.mark.parametrize(("kind", "is_frame"), [(1, True), (2, False), (3, True)])
def test_reduced_copies_of_older_programs_are_no_pages_and_their_pages_are(kind: int, is_frame: bool) -> None:
    assert pages(with_second_page_tagged(255, kind)).count == 1 + is_frame


def test_damage_behind_the_first_page_is_told_with_its_place() -> None:
    data = bytearray(tiff(random(np.uint8, (3, *HW)), photometric="minisblack"))
    first = struct.unpack_from("<I", data, 4)[0]
    link = first + 2 + 12 * struct.unpack_from("<H", data, first)[0]
    second = struct.unpack_from("<I", data, link)[0]
    tag = next(at for at in range(second + 2, second + 400, 12) if struct.unpack_from("<H", data, at)[0] == 258)
    struct.pack_into("<HHII", data, tag, 258, 3, 1, 77)  # no picture has 77 bits
    (note,) = pages(bytes(data)).notes
    assert note.startswith("it is damaged, or of a kind not read here, after page 1: ")
    assert pages(bytes(data)).count == 1


def test_a_turn_is_that_of_the_orientation_whoever_reads_it() -> None:
    for values in (random(np.uint8, (*HW, 3)), random(np.uint16, (*HW, 3))):
        data = tiff(values, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
        assert probe(data).shown_hw == HW[::-1]


def test_what_no_profile_can_be_is_left_aside() -> None:
    assert pages(tiff(random(np.uint8))).profile is None
    assert pages(tiff(random(np.uint8), iccprofile=b"a profile")).profile == b"a profile"
