"""Pages of a TIFF as numbers: packed bits, planes, alpha and what a file declares, against TIFF 6.0."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nonlocal_core.errors import MediaError, MediaLimitError
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.tiff_numbers import check_page, numbers_of

RNG = np.random.default_rng(9)
HW = (70, 5)
"""More rows than are unpacked at once."""


def page(values: np.ndarray, **how: Any) -> SimpleNamespace:
    """Return a page as tifffile describes it: ``values`` (H, W, C), or (C, H, W) where planes are separate."""
    apart = how.get("planarconfig", 1) == 2
    height, width = values.shape[1:] if apart else values.shape[:2]
    told = {
        "imagelength": height,
        "imagewidth": width,
        "imagedepth": 1,
        "samplesperpixel": values.shape[0 if apart else -1],
        "bitspersample": values.dtype.itemsize * 8,
        "sampleformat": 1,
        "photometric": 1,
        "planarconfig": 1,
        "extrasamples": (),
        "compression": 1,
        "is_tiled": False,
        "fillorder": 1,
        "dtype": values.dtype,
        "tags": {},
        "asarray": lambda maxworkers: values,
    }
    return SimpleNamespace(**(told | how))


def greys(dtype: type = np.uint16, channels: int = 1) -> np.ndarray:
    return RNG.integers(0, np.iinfo(dtype).max, (*HW, channels), dtype, endpoint=True)


def test_pages_of_greys_and_colours_are_read_and_others_named() -> None:
    limits = Limits(max_pixels=70 * 5 * 3)
    for photometric, channels in ((0, 1), (1, 1), (1, 2), (2, 3)):
        assert check_page(page(greys(channels=channels), photometric=photometric), "it", limits) == HW
    with pytest.raises(MediaLimitError, match=r"of 4 channels, each of 5 × 70 pixels; up to 262 .*max_pixels"):
        check_page(page(greys(channels=4), photometric=2), "it", limits)
    for how, channels in (({"photometric": 3}, 3), ({"photometric": 2}, 2), ({"imagedepth": 2}, 1)):
        with pytest.raises(MediaError, match=f"{channels} channels of 16 bits, photometric"):
            check_page(page(greys(channels=channels), **how), "it", limits)


@pytest.mark.parametrize(
    ("dtype", "form", "full"),
    [(np.uint8, 1, 255), (np.uint16, 1, 65_535), (np.uint32, 1, None), (np.int16, 2, None), (np.float32, 3, None)],
)
def test_unsigned_numbers_of_up_to_sixteen_bits_have_a_range(dtype: type, form: int, full: int | None) -> None:
    values = np.arange(350).reshape(*HW, 1).astype(dtype)
    for photometric in (0, 1):
        numbers, note = numbers_of(page(values, sampleformat=form, photometric=photometric), "it", b"")
        assert (numbers.full, numbers.negative, numbers.declared, note) == (full, photometric == 0, None, "")
        assert numbers.alpha is None
        assert (numbers.values == values[..., 0]).all()


@pytest.mark.parametrize("dtype", [np.uint64, np.int64, np.float64])
def test_numbers_of_eight_bytes_become_floats(dtype: type) -> None:
    numbers, _ = numbers_of(page(np.ones((*HW, 1), dtype), sampleformat=2), "it", b"")
    assert numbers.values.dtype == np.float64


def test_planes_and_channels_are_the_same_picture() -> None:
    values = greys(channels=3)
    for given, planarconfig in ((values, 1), (np.moveaxis(values, -1, 0), 2)):
        numbers, note = numbers_of(page(given, photometric=2, planarconfig=planarconfig), "it", b"")
        assert (numbers.values == values).all()
        assert note == ""


def test_channels_beyond_colours_and_alpha_are_told() -> None:
    assert numbers_of(page(greys(channels=2)), "it", b"")[1] == "it has 2 channels; the first is shown."
    five = numbers_of(page(greys(channels=5), photometric=2, extrasamples=(2, 0)), "it", b"")
    assert five[1] == "it has 5 channels; the first three are shown."
    assert five[0].alpha is not None
    assert numbers_of(page(greys(channels=4), photometric=2, extrasamples=(2,)), "it", b"")[1] == ""
    assert numbers_of(page(greys(channels=4), photometric=2, extrasamples=(0,)), "it", b"")[0].alpha is None
    floats = page(np.ones((*HW, 2), np.float32), sampleformat=3, extrasamples=(2,))
    assert numbers_of(floats, "it", b"")[0].alpha is None


@pytest.mark.parametrize("channels", [2, 4])
def test_colours_that_alpha_multiplies_are_divided_by_it(channels: int) -> None:
    values = greys(channels=channels)
    values[0, 0, -1], values[0, 1, -1], values[0, 2] = 0, 1, 65_535
    given = {"photometric": 2 if channels == 4 else 1}
    share = values[..., -1] / 65_535
    apart, _ = numbers_of(page(values, extrasamples=(2,), **given), "it", b"")
    joined, _ = numbers_of(page(values, extrasamples=(1,), **given), "it", b"")
    colours = values[..., :-1] if channels == 4 else values[..., 0]
    assert (apart.values == colours).all()
    divided = colours / np.maximum(share, 1 / 65_535).reshape(*HW, *(1,) * (colours.ndim - 2))
    np.testing.assert_allclose(joined.values, np.minimum(divided, 65_535), rtol=1e-12)
    for numbers in (apart, joined):
        assert (numbers.alpha == np.round(share * 255)).all()


def test_what_a_file_declares_is_its_largest() -> None:
    tags = {"MaxSampleValue": SimpleNamespace(value=(7, 4_095, 9))}
    assert numbers_of(page(greys(channels=3), photometric=2, tags=tags), "it", b"")[0].declared == 4_095
    assert numbers_of(page(greys(np.uint32), tags=tags), "it", b"")[0].declared is None


@pytest.mark.parametrize("bits", [2, 3, 7, 12, 16, 17, 31])
@pytest.mark.parametrize("planarconfig", [1, 2])
def test_packed_bits_follow_each_other_and_rows_begin_on_a_byte(bits: int, planarconfig: int) -> None:
    values = RNG.integers(0, 2**bits, (3, *HW) if planarconfig == 2 else (*HW, 3))
    values[..., 0] = 2**bits - 1
    rows = values.reshape(-1, HW[1] if planarconfig == 2 else HW[1] * 3)
    stored = b""
    for row in rows:
        line = "".join(format(number, f"0{bits}b") for number in row)
        line += "0" * (-len(line) % 8)
        stored += bytes(int(line[at : at + 8], 2) for at in range(0, len(line), 8))
    half = len(stored) // 2
    told = {"bitspersample": bits, "dtype": None, "photometric": 2, "planarconfig": planarconfig}
    strips = {"dataoffsets": (9, half + 12), "databytecounts": (half, len(stored) - half)}
    data = bytes(9) + stored[:half] + b"abc" + stored[half:] + b"beyond"
    numbers, _ = numbers_of(page(values, **told, **strips), "it", data)
    expected = np.moveaxis(values, 0, -1) if planarconfig == 2 else values
    assert (numbers.values == expected).all()
    assert numbers.values.dtype == (np.uint16 if bits <= 16 else np.uint32)
    assert numbers.full == (2**bits - 1 if bits <= 16 else None)


def test_strips_without_a_length_are_named() -> None:
    strips = {"dataoffsets": (0, 9), "databytecounts": (9_000,)}
    with pytest.raises(MediaError, match="not read here"):
        numbers_of(page(greys(), bitspersample=12, dtype=None, **strips), "it", bytes(9_000))


@pytest.mark.parametrize("how", [{"compression": 5}, {"is_tiled": True}, {"fillorder": 2}, {"bitspersample": 33}])
def test_packed_bits_of_other_kinds_are_named(how: dict[str, Any]) -> None:
    told = {"bitspersample": 12, "dtype": None, "dataoffsets": (0,), "databytecounts": (700,)} | how
    with pytest.raises(
        MediaError, match=rf"not read here \({told['bitspersample']} bits, {told.get('compression', 1)}"
    ):
        numbers_of(page(greys(), **told), "it", bytes(9_000))
