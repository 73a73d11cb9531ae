"""The ramps of heat: warm for weight, cold for the negative weight that only a dot product has, one for each pin.

Lightness rises evenly with the tone, so more is lighter in a grey print too, and no step looks like an edge (OKLab:
Ottosson 2020, "A perceptual color space for image processing").
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float, UInt8

LEVELS = 256
_LIGHTNESS = (0.40, 0.965)
"""OKLab lightness at tone 0 and 1, of both ramps: both signs are equally light."""
_WARM = ((0.0, "#8c0046"), (0.33, "#e2401f"), (0.67, "#ffab17"), (1.0, "#fff6b4"))
_COLD = ((0.0, "#00408c"), (0.33, "#1f7fe2"), (0.67, "#2fc4f0"), (1.0, "#c8fbff"))
"""Anchors: (tone, sRGB)."""
_PIN_LIGHTNESS = (0.55, 0.84)
"""Range of lightness of a pin, narrower than that of heat, since black and white have no hue to identify a pin by."""
_PINS = ("#ff8a00", "#3050ff", "#00d0a0")
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(coded: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return linear light of gamma-coded sRGB, both in [0, 1] (IEC 61966-2-1)."""
    return np.asarray(np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4))


def coded(light: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return gamma-coded sRGB of linear light, both in [0, 1]."""
    return np.asarray(np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055))


def _ramp(
    anchors: tuple[tuple[float, str], ...], lightness: tuple[float, float] = _LIGHTNESS
) -> UInt8[np.ndarray, "256 3"]:
    """Return the colours between anchors, which give the hue; read-only, since all callers share them."""
    tones = np.linspace(0, 1, LEVELS)
    assert all(a < b for (a, _), (b, _) in pairwise(anchors)), "anchors ascend"
    srgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for _, colour in anchors])
    lab = np.cbrt(linear(srgb) @ _TO_CONES.T) @ _TO_LAB.T
    hues = [np.interp(tones, [at for at, _ in anchors], lab[:, axis]) for axis in (1, 2)]
    mixed = np.stack([np.linspace(*lightness, LEVELS), *hues], -1)
    light = (mixed @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_CONES).T
    table: np.ndarray = np.rint(255 * np.clip(coded(np.clip(light, 0, 1)), 0, 1)).astype(np.uint8)
    table.setflags(write=False)
    return table


WARM: UInt8[np.ndarray, "256 3"] = _ramp(_WARM)
"""Colour of each tone of a positive weight."""
COLD: UInt8[np.ndarray, "256 3"] = _ramp(_COLD)
"""Colour of each tone of a negative weight."""
PINS: tuple[UInt8[np.ndarray, "256 3"], ...] = tuple(_ramp(((0.0, hue), (1.0, hue)), _PIN_LIGHTNESS) for hue in _PINS)
"""Colours of the pins A, B and C if several are drawn together: orange, blue, green."""
PIN_NAMES = ("orange", "blue", "green")
PIN_TONE = 170
"""Level of a ramp that stands for its pin, on its box and its letter."""
