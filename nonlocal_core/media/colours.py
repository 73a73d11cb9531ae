"""Colours as a screen shows them: conversion from a file's own colour profile to sRGB."""

import io
import struct
from functools import lru_cache

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageCms

from nonlocal_core.errors import NonlocalError

_D50 = (0.9642, 1.0, 0.8249)
"""The white of every ICC profile (ICC.1, section 7.2.16)."""
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_CODED_PRIMARIES = {  # white, red, green, blue (ITU-T H.273, table 2)
    9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
HDR_TRANSFERS = frozenset((16, 18))
"""PQ and HLG (ITU-T H.273, table 3)."""
SAME_WITHIN = 1
"""Maximum change in levels by a profile that counts as the screen's own, so that pixels stay exactly as they are."""


class ProfileError(NonlocalError):
    """A colour profile cannot be used: the picture is shown without it, and a note says so."""


def in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture of mode RGB, RGBA, L, LA or CMYK in sRGB, by its profile. Raises ProfileError."""
    alpha = picture.getchannel("A") if picture.mode in ("RGBA", "LA") else None
    plain = picture.convert(picture.mode[:-1]) if alpha is not None else picture
    if plain.mode == "L" and profile[16:20] == b"RGB ":  # browsers show greys by it as well
        plain = plain.convert("RGB")
    try:
        transform = _transform(profile, plain.mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as fault:
        raise ProfileError(str(fault)) from fault
    if transform is None:
        return picture
    shown = transform.apply(plain)
    if alpha is not None:
        shown.putalpha(alpha)
    return shown


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform to sRGB, or None if it would change nothing."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if opened.profile.xcolor_space != _SPACES.get(mode):
        raise ValueError(f"it is for {opened.profile.xcolor_space.strip()}, the picture is {mode}")
    transform = ImageCms.buildTransform(
        opened, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    if mode == "CMYK":
        return transform
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    patches = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    sample = Image.fromarray(patches).convert(mode)
    moved = np.abs(np.asarray(transform.apply(sample)).astype(int) - np.asarray(sample.convert("RGB"))).max()
    return None if moved <= SAME_WITHIN else transform


def coded_profile(primaries: int) -> bytes | None:
    """Return the profile of coded primaries with the curve of sRGB, or None if they are sRGB's or not known."""
    return None if primaries not in _CODED_PRIMARIES else _profile(_CODED_PRIMARIES[primaries], _SRGB_CURVE)


def measured_profile(gamma: float, chromaticities: tuple[float, ...] | None) -> bytes:
    """Return the profile of a PNG's gAMA and cHRM: white, red, green and blue as x and y, or sRGB's if None."""
    exponent = struct.pack(">4sIHHi", b"para", 0, 0, 0, round(65536 / gamma))
    return _profile(chromaticities or (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06), exponent)


_SRGB_CURVE = struct.pack(
    ">4sIHH5i", b"para", 0, 3, 0, *(round(65536 * n) for n in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def _profile(chromaticities: tuple[float, ...], curve: bytes) -> bytes:
    """Return an ICC profile of version 4 with three primaries and one curve (ICC.1, sections 7 and 8.3)."""
    red, green, blue = _primaries(chromaticities).T
    tags = [(b"wtpt", _xyz(_D50)), *((n, _xyz(c)) for n, c in ((b"rXYZ", red), (b"gXYZ", green), (b"bXYZ", blue)))]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    at = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for name, body in tags:
        table += struct.pack(">4sII", name, at + len(bodies), len(body))
        bodies += body
    size = at + len(bodies)
    header = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x04300000, b"mntr", b"RGB ", b"XYZ ") + bytes(12)
    header += b"acsp" + bytes(28) + _xyz(_D50)[8:] + bytes(48)
    return header + table + bodies


def _xyz(values: tuple[float, ...] | Float64[np.ndarray, "3"]) -> bytes:
    if not np.all(np.abs(values) < 2**15):
        raise ProfileError("its primaries are no colours")
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(65536 * float(value)) for value in values))


def _primaries(chromaticities: tuple[float, ...]) -> Float64[np.ndarray, "3 3"]:
    """Return red, green and blue as columns of XYZ, their white moved to D50 by Bradford's method."""
    points = np.array(chromaticities, dtype=np.float64).reshape(4, 2)
    if (points[:, 1] <= 0).any():
        raise ProfileError("a primary has no height")
    xyz = np.stack([points[:, 0] / points[:, 1], np.ones(4), (1 - points.sum(axis=1)) / points[:, 1]])
    white, corners = xyz[:, 0], xyz[:, 1:]
    try:
        scaled = corners * np.linalg.solve(corners, white)
    except np.linalg.LinAlgError as fault:
        raise ProfileError("its primaries lie on a line") from fault
    cones = np.diag((_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white))
    adapted: Float64[np.ndarray, "3 3"] = np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD @ scaled
    return adapted
