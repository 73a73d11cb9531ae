"""Colours of a PNG as its file means them, against the formulas of the specifications."""

import io
import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest
from picture_bytes import chunk, png
from PIL import Image, ImageCms

from nonlocal_core.media import Selection, read_frames
from nonlocal_core.media.colours import (
    _SRGB_CURVE,
    ProfileError,
    _profile,
    coded_profile,
    in_srgb,
    measured_profile,
)

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


def opened(profile: bytes) -> ImageCms.core.CmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile


BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D50 = np.array([0.9642, 1.0, 0.8249])


@pytest.mark.parametrize(
    ("profile", "points"), [(coded_profile(12), P3), (coded_profile(9), BT2020), (measured_profile(0.5, None), SRGB)]
)
def test_a_profile_holds_its_primaries_under_the_white_of_icc(profile: bytes, points: tuple[float, ...]) -> None:
    """Read back by Little CMS: ICC.1, sections 7.2, 8.3 and annex E."""
    cms, xyz = opened(profile), to_xyz(points)
    white = xyz.sum(axis=1)
    moved = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ white)) @ BRADFORD @ xyz
    stored = np.array([colorant[0] for colorant in (cms.red_colorant, cms.green_colorant, cms.blue_colorant)])
    assert np.abs(stored - moved.T).max() < 3e-5  # a 65,536th is 1.5e-5
    assert cms.media_white_point[0] == pytest.approx(D50, abs=2e-5)
    assert (cms.version, cms.device_class, cms.xcolor_space, cms.connection_space) == (4.3, "mntr", "RGB ", "XYZ ")


def test_the_bytes_of_a_profile_are_where_its_head_and_table_say() -> None:
    profile = coded_profile(12)
    assert struct.unpack_from(">I", profile)[0] == len(profile)
    assert profile[36:40] == b"acsp"
    assert struct.unpack_from(">3i", profile, 68) == (0xF6D6, 0x10000, 0xD32D)  # D50, as section 7.2.16 has it
    assert profile[80:128] == bytes(48)
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = [struct.unpack_from(">4sII", profile, 132 + 12 * n) for n in range(count)]
    assert {name for name, _, _ in tags} == {b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"}
    assert tags[0][1] == 132 + 12 * count
    assert all(at + size == following for (_, at, size), (_, following, _) in pairwise(tags))
    assert tags[-1][1] + tags[-1][2] == len(profile)
    for name, at, size in tags:
        assert profile[at : at + 8] == (b"para" if name.endswith(b"TRC") else b"XYZ ") + bytes(4)
        assert size == (32 if name.endswith(b"TRC") else 20)
    (curve,) = {profile[at + 8 : at + size] for name, at, size in tags if name.endswith(b"TRC")}
    numbers = [round(65_536 * n) for n in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)]
    assert curve == struct.pack(">HH5i", 3, 0, *numbers)


@pytest.mark.parametrize("number", [0, 1, 2, 8, 10, 11, 13, 22])
def test_primaries_of_other_codes_have_no_profile(number: int) -> None:
    assert coded_profile(number) is None


@pytest.mark.parametrize(("mode", "keeps"), [("RGB", False), ("RGBA", True), ("L", False), ("LA", True)])
def test_pictures_of_each_mode_are_moved_and_keep_their_alpha(mode: str, keeps: bool) -> None:
    picture = Image.fromarray(PALE.astype(np.uint8)).convert(mode)
    if keeps:
        picture.putalpha(Image.fromarray((PALE[..., 0] - 100).astype(np.uint8)))
    moved = in_srgb(picture, measured_profile(1.0, None))
    assert moved.mode == ("RGBA" if keeps else "RGB")
    greys = np.asarray(picture.convert("RGB")) / 255
    assert np.abs(np.asarray(moved.convert("RGB")) - on_screen(greys)).max() <= 1.5
    if keeps:
        assert (np.asarray(moved)[..., 3] == PALE[..., 0] - 100).all()


def test_a_profile_that_moves_no_colour_by_more_than_a_level_is_left_out() -> None:
    picture = Image.fromarray(PALE.astype(np.uint8))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert in_srgb(picture, srgb) is picture
    moves = []
    for more in range(8):  # a red that is a little further from that of sRGB
        profile = _profile((*SRGB[:2], SRGB[2] + more / 2_000, *SRGB[3:]), _SRGB_CURVE)
        cms = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        way = ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(cms, ImageCms.createProfile("sRGB"), "RGB", "RGB", way)
        levels = np.linspace(0, 255, 9).round().astype(np.uint8)
        patches = np.array([[[r, g, b] for r in levels for g in levels] for b in levels])
        moves.append(np.abs(np.asarray(transform.apply(Image.fromarray(patches))).astype(int) - patches).max())
        assert (in_srgb(picture, profile) is picture) == (moves[-1] <= 1)
    assert {1, 2} <= set(moves)


def test_a_profile_of_other_channels_is_refused_with_what_it_is_for() -> None:
    inks = Image.new("CMYK", (2, 2))
    with pytest.raises(ProfileError, match="it is for RGB, the picture is CMYK"):
        in_srgb(inks, coded_profile(12))


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ((0.3, 0.3, 0.2, 0.2, 0.4, 0.4, 0.6, 0.6), "lie on a line|are no colours"),
        ((0.3127, 0.0, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06), "a primary has no height"),
    ],
)
def test_primaries_that_are_none_are_refused(points: tuple[float, ...], why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        measured_profile(0.5, points)
