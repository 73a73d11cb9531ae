"""Colours of a PNG as its file means them, against the formulas of the specifications."""

import struct
import zlib

import numpy as np
import pytest
from picture_bytes import chunk, png
from PIL import ImageCms

from nonlocal_core.media import Selection, read_frames

RNG = np.random.default_rng(4)
PALE = RNG.integers(110, 150, (20, 30, 3))
"""Colours that are within sRGB whatever the primaries below make of them."""
P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
BT2020 = (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)
SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)


def shown(chunks: bytes, *notes: str) -> np.ndarray:
    frames = read_frames(png(PALE, bits=8, colour=2, chunks=chunks), Selection(frames=1), name="it.png")
    assert len(frames.info.warnings) == len(notes)
    for warning, note in zip(frames.info.warnings, notes, strict=True):
        assert note in warning
    return frames.rgb[0].astype(int)


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def primaries(*values: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(100_000 * value) for value in values)))


def to_xyz(points: tuple[float, ...]) -> np.ndarray:
    """Return red, green and blue as columns of XYZ, white having a height of 1."""
    x, y = np.array(points).reshape(4, 2).T
    columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    return columns[:, 1:] * np.linalg.solve(columns[:, 1:], columns[:, 0])


def linear(values: np.ndarray) -> np.ndarray:
    share = values / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def on_screen(light: np.ndarray) -> np.ndarray:
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("value", [100_000, 55_556, 30_000])
def test_a_gamma_of_its_own(value: int) -> None:
    expected = on_screen((PALE / 255) ** (100_000 / value))
    assert np.abs(shown(gamma(value)) - expected).max() <= 1.5


def test_greys_follow_a_profile_of_colours() -> None:
    greys = PALE[..., :1]
    data = png(greys, bits=8, colour=0, chunks=gamma(100_000))
    expected = on_screen(greys / 255)
    assert np.abs(read_frames(data, Selection(frames=1), name="it.png").rgb[0] - expected).max() <= 1.5
    assert np.abs(expected - greys).max() > 40  # it matters


@pytest.mark.parametrize(
    "chunks", [gamma(45_455), chunk(b"sRGB", b"\0") + gamma(100_000), b""], ids=["2.2", "named", "none"]
)
def test_what_is_srgb_stays_as_it_is(chunks: bytes) -> None:
    assert (shown(chunks) == PALE).all()


@pytest.mark.parametrize(("number", "points"), [(12, P3), (9, BT2020)], ids=["P3", "BT.2020"])
def test_coded_primaries_have_the_curve_of_srgb(number: int, points: tuple[float, ...]) -> None:
    expected = on_screen(linear(PALE) @ to_xyz(points).T @ np.linalg.inv(to_xyz(SRGB)).T)
    assert np.abs(shown(chunk(b"cICP", bytes((number, 13, 0, 1)))) - expected).max() <= 1.5
    assert np.abs(expected - PALE).max() > 4  # it matters


def test_measured_primaries_have_the_gamma_that_stands_beside_them() -> None:
    expected = on_screen((PALE / 255) ** 2.2 @ to_xyz(P3).T @ np.linalg.inv(to_xyz(SRGB)).T)
    assert np.abs(shown(primaries(*P3) + gamma(45_455)) - expected).max() <= 1.5


def test_coded_primaries_that_are_srgbs_or_unknown_change_nothing() -> None:
    assert (shown(chunk(b"cICP", bytes((1, 13, 0, 1)))) == PALE).all()
    assert (shown(chunk(b"cICP", bytes((200, 13, 0, 1)))) == PALE).all()


@pytest.mark.parametrize("curve", [16, 18])
def test_high_dynamic_range_is_told(curve: int) -> None:
    assert (shown(chunk(b"cICP", bytes((9, curve, 0, 1))), "is an HDR picture") == PALE).all()


def test_a_profile_in_the_file_is_used() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (shown(chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))) == PALE).all()


NO_USE = "has a colour profile that cannot be used"


@pytest.mark.parametrize(
    ("chunks", "why"),
    [
        pytest.param(chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile" * 30)), NO_USE, id="no profile"),
        pytest.param(chunk(b"iCCP", b"x\0\0not packed"), NO_USE, id="not packed"),
        pytest.param(primaries(*[0.0] * 8) + gamma(50_000), NO_USE, id="no height"),
        pytest.param(primaries(0.3, 0.3, 0.2, 0.2, 0.4, 0.4, 0.6, 0.6) + gamma(50_000), NO_USE, id="on a line"),
    ],
)
def test_a_profile_that_cannot_be_used_is_told(chunks: bytes, why: str) -> None:
    assert (shown(chunks, why) == PALE).all()


@pytest.mark.parametrize("value", [0, 1, 999, 1_000_001])
def test_a_gamma_that_is_none_is_left_aside(value: int) -> None:
    assert (shown(gamma(value)) == PALE).all()
