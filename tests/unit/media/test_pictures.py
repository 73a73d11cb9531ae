"""Pictures and animations: every mode as it looks, upright, and each frame for as long as it lasts."""

import io
import struct
import tracemalloc
import zlib
from fractions import Fraction

import numpy as np
import picture_bytes
import pytest
from media_files import number_of, stamped
from picture_bytes import chunk
from PIL import Image, ImageOps

from nonlocal_core.errors import MediaError, MediaLimitError
from nonlocal_core.media import Limits, Selection, probe, read_frames
from nonlocal_core.media.colours import coded_profile, measured_profile
from nonlocal_core.media.pixels import GREY, fit_within

CORNERS = np.zeros((30, 50, 3), np.uint8)
CORNERS[:15, :25], CORNERS[:15, 25:] = (250, 10, 20), (30, 240, 10)
CORNERS[15:, :25], CORNERS[15:, 25:] = (20, 30, 230), (240, 240, 20)


def saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def shown(data: bytes, max_side: int = 1024) -> np.ndarray:
    frames = read_frames(data, Selection(), max_side=max_side)
    assert frames.warnings == frames.info.warnings
    return frames.rgb[0].astype(int)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF"])
def test_an_image_is_a_clip_of_one_frame(kind: str) -> None:
    how = {"lossless": True} if kind == "WEBP" else {} if kind in ("PNG", "BMP", "TIFF", "GIF") else {"quality": 100}
    data = saved(Image.fromarray(CORNERS), kind, **how)
    info = probe(data)
    assert (info.kind, info.codec, info.shown_hw) == ("image", kind.lower(), (30, 50))
    assert (info.frame_count, info.rate, info.duration_seconds, info.warnings) == (1, None, None, ())
    frames = read_frames(data, Selection(frames=8))
    assert frames.rgb.shape == (1, 30, 50, 3)
    assert frames.pts_seconds.tolist() == [0.0]
    assert frames.frame_indices.tolist() == [0]
    assert frames.warnings == ()
    difference = np.abs(frames.rgb[0].astype(int) - CORNERS)[[5, 5, 25, 25], [10, 40, 10, 40]]
    assert difference.max() <= (3 if kind in ("JPEG", "AVIF") else 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_photos_stand_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(CORNERS), kind, exif=exif, **({} if kind in ("PNG", "TIFF") else {"quality": 100}))
    with Image.open(io.BytesIO(data)) as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture).convert("RGB")).astype(int)
    assert probe(data).shown_hw == upright.shape[:2] == ((30, 50) if orientation < 5 else (50, 30))
    assert np.abs(shown(data) - upright).max() <= 2
    small = shown(data, max_side=25)
    assert small.shape == ((15, 25, 3) if orientation < 5 else (25, 15, 3))
    rows, cols = (np.array([3, 3, 11, 11]), np.array([5, 19, 5, 19]))
    rows, cols = (rows, cols) if orientation < 5 else (cols, rows)
    assert np.abs(small[rows, cols] - upright[2 * rows, 2 * cols]).max() <= 4


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_garbage_exif_leaves_the_picture_as_stored() -> None:
    garbage = b"Exif\x00\x00MM\x00*" + b"\xff" * 44
    data = saved(Image.fromarray(CORNERS), "JPEG", quality=100, exif=garbage)
    assert np.abs(shown(data)[5, 10] - CORNERS[5, 10]).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_a_picture_that_unpacks_to_more_than_its_bytes_can_tell_is_refused_before_it_is_read(kind: str) -> None:
    data = saved(Image.fromarray(CORNERS), kind)
    assert probe(data, limits=Limits(max_unpacked_pixels=30 * 50, max_unpacked_per_byte=0)).shown_hw == (30, 50)
    with pytest.raises(MediaLimitError, match=r"decodes 1,500 pixels from .* bytes; up to 1,499 are decoded"):
        probe(data, limits=Limits(max_unpacked_pixels=30 * 50 - 1, max_unpacked_per_byte=0))


SEE_THROUGH = "logo is transparent in places; what lies behind is shown grey."


def half_transparent() -> np.ndarray:
    picture = np.zeros((30, 50, 4), np.uint8)
    picture[:, :20] = (200, 50, 100, 255)
    picture[:, 20:35] = (255, 255, 255, 0)
    picture[:, 35:] = (0, 0, 0, 51)  # a fifth of black
    return picture


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparent_parts_show_grey(kind: str) -> None:
    data = saved(Image.fromarray(half_transparent()), kind, **({"lossless": True} if kind == "WEBP" else {}))
    for picture in (shown(data), shown(data, max_side=25)[:, [5, 14, 21]].repeat(16, axis=1)):
        columns = [10, 28, 42] if picture.shape[1] == 50 else [8, 24, 40]
        assert np.abs(picture[7, columns] - [(200, 50, 100), (GREY,) * 3, (round(GREY * 0.8),) * 3]).max() <= 1
    assert read_frames(data, Selection(), name="logo").warnings == (SEE_THROUGH,)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_only_what_is_transparent_says_so(mode: str) -> None:
    opaque = Image.fromarray(np.dstack([CORNERS, np.full(CORNERS.shape[:2], 255, np.uint8)])).convert(mode)
    faint = Image.fromarray(half_transparent()).convert(mode)
    told = {"transparency": 0} if mode == "P" else {}
    for picture, expected, more in ((opaque, (), {}), (faint, (SEE_THROUGH,), told)):
        assert read_frames(saved(picture, "PNG", **more), Selection(), name="logo").warnings == expected
    pictures = read_frames([picture.convert("RGBA") for picture in (opaque, opaque, faint)], Selection(frames=3))
    assert ["is transparent in places" in said for said in pictures.warnings].count(True) == 1


def test_hidden_colours_do_not_bleed_when_scaled() -> None:
    picture = np.zeros((40, 60, 4), np.uint8)
    picture[:, ::2] = (0, 255, 0, 0)  # invisible green between grey columns
    picture[:, 1::2] = (GREY, GREY, GREY, 255)
    assert np.abs(shown(saved(Image.fromarray(picture), "PNG"), max_side=30) - GREY).max() <= 1


def test_palettes_with_and_without_transparent_entries() -> None:
    indexed = Image.fromarray(CORNERS).quantize(4)
    assert np.abs(shown(saved(indexed, "PNG")) - CORNERS).max() <= 2
    entry = int(np.asarray(indexed)[5, 10])
    for kind in ("PNG", "GIF"):
        see_through = shown(saved(indexed, kind, transparency=entry))
        assert see_through[5, 10].tolist() == [GREY] * 3
        assert np.abs(see_through[25, 40] - CORNERS[25, 40]).max() <= 2
    weights = bytes(51 if n == entry else 255 for n in range(4))
    faint = shown(saved(indexed, "PNG", transparency=weights))
    assert np.abs(faint[5, 10] - (CORNERS[5, 10] * 0.2 + GREY * 0.8)).max() <= 2


def test_grey_and_transparent_grey_and_one_bit() -> None:
    grey = np.tile(np.arange(50, dtype=np.uint8) * 5, (30, 1))
    assert (shown(saved(Image.fromarray(grey), "PNG")) == grey[..., None]).all()
    with_alpha = Image.merge("LA", (Image.fromarray(grey), Image.new("L", (50, 30), 0)))
    assert (shown(saved(with_alpha, "PNG")) == GREY).all()
    black_white = Image.fromarray((grey > 100).astype(np.uint8) * 255).convert("1")
    assert (shown(saved(black_white, "PNG")) == np.where(grey > 100, 255, 0)[..., None]).all()
    keyed = shown(saved(Image.fromarray(grey), "PNG", transparency=50))  # one grey named transparent
    assert keyed[3, 10].tolist() == [GREY] * 3
    assert keyed[3, 11].tolist() == [55] * 3


@pytest.mark.parametrize("interlaced", [False, True])
def test_of_colours_of_sixteen_bits_one_is_transparent(interlaced: bool) -> None:
    """Where all bits can be had, a neighbour that differs in the last one is told from it."""
    key, near, other = (0x1234, 0x8001, 0x40FF), (0x1234, 0x8001, 0x40FE), (0xFF00, 0x2000, 0x8000)
    hidden = chunk(b"tRNS", struct.pack(">3H", *key))
    samples = np.array([[key, near, other]])
    data = picture_bytes.png(samples, bits=16, colour=2, interlaced=interlaced, chunks=hidden)
    first, second, third = shown(data)[0]
    assert first.tolist() == [GREY] * 3
    assert interlaced or np.abs(second - np.array(near) / 257).max() <= 0.5
    assert np.abs(third - np.array(other) / 257).max() <= 1


def test_sixteen_bits_keep_their_range() -> None:
    deep = np.linspace(0, 65535, 30 * 50).reshape(30, 50).astype(np.uint16)
    expected = np.round(deep / 257.0)[..., None]
    for kind in ("PNG", "TIFF"):
        assert np.abs(shown(saved(Image.fromarray(deep), kind)) - expected).max() <= 0.5


def png(width: int, height: int, *, bits: int, colour: int, rows: bytes) -> bytes:
    """Write a PNG by hand: Pillow cannot write colours of 16 bits, nor sizes that it has no pixels for."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bit_colours() -> None:
    row = b"\x00" + struct.pack(">6H", 65535, 32768, 257, 0, 0x1234, 0xFEDC)
    picture = shown(png(2, 3, bits=16, colour=2, rows=row * 3))
    assert np.abs(picture[1] - [[255, 127.5, 1], [0, 18.1, 254]]).max() <= 1


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_numbers_without_a_range_are_stretched_and_told(dtype: type[np.generic]) -> None:
    values = (np.arange(30 * 50).reshape(30, 50) * 100 - 70_000).astype(dtype)
    frames = read_frames(saved(Image.fromarray(values), "TIFF"), Selection(), name="depth.tif")
    expected = np.round(np.arange(30 * 50).reshape(30, 50) / 1499 * 255)
    assert np.abs(frames.rgb[0, ..., 0] - expected).max() <= 1
    assert frames.warnings == (
        "depth.tif holds numbers without a fixed range: the smallest is shown black, the largest white.",
    )


@pytest.mark.parametrize("values", [np.full((30, 50), 3.5), np.full((30, 50), np.nan), np.full((30, 50), np.inf)])
def test_flat_and_undefined_numbers_are_black(values: np.ndarray) -> None:
    assert (shown(saved(Image.fromarray(values.astype(np.float32)), "TIFF")) == 0).all()


def test_inks_become_light() -> None:
    for kind, how in (("JPEG", {"quality": 100}), ("TIFF", {})):
        picture = shown(saved(Image.fromarray(CORNERS).convert("CMYK"), kind, **how))
        assert np.abs(picture - CORNERS)[[5, 5, 25, 25], [10, 40, 10, 40]].max() <= 3


def test_large_pictures_are_scaled_to_the_side_asked_for() -> None:
    rows, cols = np.indices((900, 1500))
    smooth = np.stack([rows * 255 // 899, cols * 255 // 1499, (rows + cols) * 255 // 2398], axis=-1).astype(np.uint8)
    for kind, how in (("PNG", {}), ("JPEG", {"quality": 95})):
        data = saved(Image.fromarray(smooth), kind, **how)
        assert probe(data).shown_hw == (900, 1500)
        picture = shown(data, max_side=150)
        assert picture.shape == (90, 150, 3)
        means = smooth.reshape(90, 10, 150, 10, 3).mean(axis=(1, 3))
        assert np.abs(picture - means).max() <= 4  # measured: 0.6 for PNG, 3.2 for JPEG


@pytest.mark.parametrize(
    ("hw", "side", "fitted"), [((720, 1280), 1024, (576, 1024)), ((7, 5), 9, (7, 5)), ((1, 9000), 100, (1, 100))]
)
def test_sizes_fit_and_never_vanish(hw: tuple[int, int], side: int, fitted: tuple[int, int]) -> None:
    assert fit_within(hw, side) == fitted


LASTS = [100, 250, 40, 700, 30]


def animation(kind: str, durations: list[int], **how: object) -> bytes:
    first, *rest = (Image.fromarray(stamped(n + 1)) for n in range(len(durations)))
    if kind == "GIF":
        first, *rest = (picture.quantize(8) for picture in (first, *rest))
    exact = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "AVIF" else {}
    return saved(first, kind, save_all=True, append_images=rest, duration=durations, **exact, **how)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_animations_keep_the_times_of_their_frames(kind: str) -> None:
    data = animation(kind, LASTS)
    info = probe(data)
    assert (info.kind, info.codec, info.frame_count, info.shown_hw) == ("animation", kind.lower(), 5, (48, 80))
    assert info.duration_seconds == pytest.approx(1.12)
    assert info.rate == Fraction(5000, 1120)
    frames = read_frames(data, Selection(stride=1))
    assert [number_of(picture) for picture in frames.rgb] == [1, 2, 3, 4, 5]
    assert frames.pts_seconds == pytest.approx([0.0, 0.1, 0.35, 0.39, 1.09])
    on_screen = read_frames(data, Selection(frames=4))  # at 0, 0.363, 0.727 and 1.09 s
    assert [number_of(picture) for picture in on_screen.rgb] == [1, 3, 4, 5]
    for index in range(5):
        alone = read_frames(data, Selection(frame_indices=(index,)))
        assert [number_of(picture) for picture in alone.rgb] == [index + 1]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_frames_without_a_duration_last_as_in_browsers(kind: str) -> None:
    assert probe(animation(kind, [0, 10, 20])).duration_seconds == pytest.approx(0.1 + 0.1 + 0.02)


def test_an_animation_of_one_frame_is_an_image() -> None:
    for kind in ("GIF", "PNG", "WEBP"):
        assert probe(animation(kind, [100])).kind == "image"


def test_the_default_image_of_an_animated_png_is_no_frame() -> None:
    rest = [Image.fromarray(stamped(n)) for n in (1, 2, 3)]
    data = saved(
        Image.fromarray(stamped(99)), "PNG", save_all=True, append_images=rest, default_image=True, duration=50
    )
    frames = read_frames(data, Selection(stride=1))
    assert [number_of(picture) for picture in frames.rgb] == [1, 2, 3]


def test_gif_frames_that_only_change_a_part_are_composed() -> None:
    first, second = stamped(0b111), stamped(0b111)
    second[16:32, 16:32] = 255
    pictures = [Image.fromarray(part).quantize(8) for part in (first, second)]
    data = saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=100)
    assert [number_of(picture) for picture in read_frames(data, Selection()).rgb] == [0b111, 0b1000111]


def test_an_animation_cut_short_shows_what_is_left() -> None:
    data = animation("GIF", LASTS)
    for cut, left in ((0.9, 4), (0.5, 2)):
        frames = read_frames(data[: int(len(data) * cut)], Selection(stride=1), name="cut.gif")
        assert left - 1 <= frames.info.frame_count <= left + 1
        count = frames.info.frame_count
        assert [number_of(picture) for picture in frames.rgb[: count - 1]] == list(range(1, count))


NOISE = np.random.default_rng(3).integers(0, 256, (60, 90, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_picture_whose_decoder_needs_all_of_it_is_refused_when_cut_short(kind: str, share: float) -> None:
    data = saved(Image.fromarray(NOISE), kind)
    with pytest.raises(MediaError, match=r"holiday\.jpg cannot be read as a picture.*cut short"):
        read_frames(data[: int(len(data) * share)], Selection(), name="holiday.jpg")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_picture_cut_short_shows_what_is_there_and_says_so(kind: str, share: float) -> None:
    data = saved(Image.fromarray(NOISE), kind)
    with Image.open(io.BytesIO(data)) as picture:
        whole = np.asarray(picture).astype(int)
    frames = read_frames(data[: int(len(data) * share)], Selection(), name="holiday.jpg")
    (warning,) = frames.warnings
    assert warning.startswith("holiday.jpg is ")
    assert "cut short" in warning
    rows = int(60 * share)
    there = np.s_[60 - rows + 9 :] if kind == "BMP" else np.s_[: max(rows - 33, 0)]  # a BMP begins below
    assert (frames.rgb[0, there] == whole[there]).all()
    lost = 0 if kind == "BMP" else 59
    assert frames.rgb[0, lost, -8:].std(axis=0).max() == 0


def test_a_marker_without_a_length_is_passed_over() -> None:
    data = saved(Image.fromarray(NOISE), "JPEG", progressive=True)
    between = data.index(b"\xff\xc4", data.index(b"\xff\xda"))  # the tables of the second scan
    marked = data[:between] + b"\xff\x01" + data[between:]  # TEM of ITU-T T.81, table B.1
    assert read_frames(marked).warnings == ()
    assert (read_frames(marked).rgb == read_frames(data).rgb).all()
    assert "cut short" in read_frames(marked[:-2]).warnings[0]


def test_the_curve_of_a_gamma_is_that_gamma_in_an_icc_profile() -> None:
    profile = measured_profile(0.45455, None)
    *_, kind, _, bits = struct.unpack_from(">4sIHHi", profile, profile.index(b"para\0"))
    assert kind == 0
    assert bits / 2**16 == pytest.approx(1 / 0.45455, abs=2**-17)


def test_a_picture_without_any_pixel_left_is_refused() -> None:
    for kind in ("PNG", "JPEG", "BMP"):
        with pytest.raises(MediaError, match=r"holiday\.jpg cannot be read as a picture"):
            read_frames(saved(Image.fromarray(NOISE), kind)[:45], Selection(), name="holiday.jpg")


def test_a_frame_is_the_same_whichever_others_are_read() -> None:
    ground = Image.new("RGBA", (50, 30), (0, 90, 0, 255))
    hops = []
    for step in range(6):
        hops.append(ground.copy())
        hops[-1].paste((240, 240, 240, 255), (7 * step, 10, 7 * step + 8, 18))
    data = saved(ground, "PNG", save_all=True, append_images=hops, duration=50, disposal=2, blend=1)
    every = read_frames(data, Selection(frames=9, stride=1))
    white = (every.rgb[:, 12, :, 0] == 240).sum(axis=1)
    assert white.tolist() == [0, 8, 8, 8, 8, 8, 8]  # one ball, and no trail
    for chosen in ((3,), (1, 5), (2, 3, 6)):
        some = read_frames(data, Selection(frame_indices=chosen))
        assert (some.rgb == every.rgb[list(chosen)]).all()


def test_a_large_canvas_with_small_frames_costs_no_canvas_to_open() -> None:
    first, *rest = (Image.new("L", (1, 1), shade) for shade in range(0, 200, 10))
    data = bytearray(saved(first, "GIF", save_all=True, append_images=rest, duration=20))
    data[6:10] = struct.pack("<HH", 6500, 6500)
    tracemalloc.start()
    assert probe(bytes(data)).shown_hw == (6500, 6500)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_wide_profile_is_turned_into_srgb(kind: str, mode: str) -> None:
    profile = coded_profile(12)  # Display P3
    mode = "RGB" if kind == "JPEG" else mode
    picture = Image.new(mode, (32, 24), (0, 180, 0, 255)[: len(mode)])
    how = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}, "JPEG": {"quality": 100}}.get(kind, {"quality": 100})
    data = saved(picture, kind, icc_profile=profile, **how)
    linear = ((180 / 255 + 0.055) / 1.055) ** 2.4
    matrix = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])  # P3 to sRGB
    light = np.clip(matrix @ [0, linear, 0], 0, 1)
    expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(shown(data)[12, 16] - expected).max() <= 3


def test_inks_follow_their_profile_and_a_damaged_one_is_told() -> None:
    data = saved(Image.fromarray(CORNERS), "JPEG", quality=100, icc_profile=b"\0" * 200)
    frames = read_frames(data, Selection(), name="it")
    assert np.abs(frames.rgb[0, 5, 10].astype(int) - CORNERS[5, 10]).max() <= 3
    (warning,) = frames.warnings
    assert "it has a colour profile that cannot be used" in warning


def test_declared_sizes_are_checked_before_pixels_are_made() -> None:
    bomb = png(60_000, 60_000, bits=8, colour=2, rows=b"")
    for ask in (probe, lambda data: read_frames(data, Selection())):
        with pytest.raises(MediaLimitError, match=r"60,000 × 60,000 pixels; up to 80,000,000 .* max_pixels"):
            ask(bomb)
    wide = bytearray(saved(Image.fromarray(CORNERS), "BMP"))
    wide[18:26] = struct.pack("<ii", 60_000, 60_000)
    with pytest.raises(MediaLimitError, match=r"60,000 × 60,000 pixels"):
        probe(bytes(wide))  # and is not made as long as it declares to be
    part = bytearray(saved(Image.fromarray(CORNERS), "PNG", save_all=True, append_images=[Image.new("RGB", (50, 30))]))
    at = part.index(b"fcTL") + 8
    part[at : at + 8] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(MediaLimitError, match=r"60,000 × 60,000 pixels"):
        probe(bytes(part))
    tall = png(3, 500, bits=8, colour=2, rows=b"\x00" * 10 * 500)
    with pytest.raises(MediaLimitError, match="max_pixels"):
        probe(tall, limits=Limits(max_pixels=1499))
    assert probe(tall, limits=Limits(max_pixels=1500)).shown_hw == (500, 3)


def test_a_gif_whose_frame_outgrows_it_is_checked_again() -> None:
    data = bytearray(animation("GIF", [100, 100]))
    at = data.index(b"\x2c", data.index(b"\x2c") + 40)  # the second image descriptor: x, y, width, height
    while struct.unpack_from("<HH", data, at + 1) != (0, 0):
        at = data.index(b"\x2c", at + 1)
    struct.pack_into("<HH", data, at + 5, 65_535, 65_535)
    with pytest.raises(MediaLimitError):
        probe(bytes(data))


def test_animations_are_held_to_the_budget_of_decoding() -> None:
    data = animation("GIF", LASTS)
    assert probe(data, limits=Limits(max_decoded_frames=5)).frame_count == 5
    with pytest.raises(MediaLimitError, match="max_decoded_frames"):
        probe(data, limits=Limits(max_decoded_frames=4))
    assert probe(data, limits=Limits(max_decoded_pixels=48 * 80 * 5)).frame_count == 5
    with pytest.raises(MediaLimitError, match="max_decoded_pixels"):
        probe(data, limits=Limits(max_decoded_pixels=48 * 80 * 5 - 1))
    with pytest.raises(MediaLimitError, match="max_listed_frames"):
        probe(data, limits=Limits(max_listed_frames=4))
    with pytest.raises(MediaLimitError, match="max_seconds"):
        probe(data, limits=Limits(max_seconds=1.0))
    with pytest.raises(MediaLimitError, match="max_picture_bytes"):
        probe(data, limits=Limits(max_picture_bytes=len(data) - 1))


def test_an_animation_whose_clock_never_ticks_is_refused() -> None:
    data = bytearray(animation("AVIF", [40, 40]))
    at = data.index(b"mdhd") + 4
    timescale = at + (20 if data[at] == 1 else 12)  # after the version, the flags and two times of 8 or 4 bytes
    assert int.from_bytes(data[timescale : timescale + 4], "big") > 0
    data[timescale : timescale + 4] = bytes(4)
    with pytest.raises(MediaError, match="cannot be read as a picture"):
        probe(bytes(data))


def test_an_animation_without_its_end_is_told() -> None:
    frames = [{"rgba": np.full((12, 16, 4), 60 * n + 40, np.uint8)} for n in range(3)]
    for frame in frames:
        frame["rgba"][..., 3] = 255
    data = picture_bytes.apng((12, 16), frames)
    assert probe(data, name="run.png").warnings == ()
    last = data.rindex(b"fcTL") - 4
    (warning,) = read_frames(data[:last], Selection(frames=3), name="run.png").info.warnings[:1]
    assert warning == "run.png is cut short: what follows frame 1 is missing."


def test_damage_after_a_frame_is_told_with_its_place() -> None:
    frames = picture_bytes.gif((12, 16), np.zeros((256, 3)), [{"pixels": np.zeros((12, 16), int)}] * 4)
    at = [n for n in range(len(frames)) if frames[n : n + 9] == b"\x2c" + struct.pack("<HHHH", 0, 0, 16, 12)][2]
    spoilt = bytearray(frames)
    spoilt[at + 10] = 99  # codes of so many bits there are none
    info = probe(bytes(spoilt), name="it")
    assert (info.frame_count, info.warnings[0]) == (2, "it is damaged after frame 1.")


def test_a_gif_without_its_end_is_told() -> None:
    file = io.BytesIO()
    pictures = [Image.new("L", (16, 12), 60 * n) for n in range(3)]
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:])
    assert probe(file.getvalue(), name="run.gif").warnings == ()
    assert probe(file.getvalue()[:-1], name="run.gif").warnings == (
        "run.gif is cut short: what follows frame 2 is missing.",
    )
