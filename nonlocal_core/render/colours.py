"""Colour maps with even steps of lightness, readable with any colour vision, computed from a few anchors.

Every map is a path through OKLCH (lightness, chroma, hue; Ottosson 2020, "A perceptual color space for image
processing"). Lightness is linear in the value, so that equal differences look equally large, in a grey print too. A map
for signed values gives both signs the same lightness and opposite hues.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, UInt8

LEVELS = 256

# Anchors (chroma, hue in degrees) lie at even steps of the value. Lightness is linear from first to last.
_Anchors = tuple[tuple[float, float], ...]
_EMBER_LIGHTNESS, _TIDE_LIGHTNESS = (0.30, 0.96), (0.28, 0.90)
_EMBER: _Anchors = ((0.11, 300.0), (0.17, 330.0), (0.20, 372.0), (0.17, 412.0), (0.15, 440.0), (0.07, 463.0))
# One arm for each sign, from zero outwards.
_TIDE_NEGATIVE: _Anchors = ((0.0, 265.0), (0.11, 262.0), (0.135, 250.0), (0.105, 228.0), (0.06, 205.0))
_TIDE_POSITIVE: _Anchors = ((0.0, 40.0), (0.11, 40.0), (0.135, 52.0), (0.13, 70.0), (0.07, 85.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourMap:
    """A table of 256 colours. ``signed`` maps run over [-1, 1] with zero in the middle, the others over [0, 1]."""

    signed: bool
    table: UInt8[np.ndarray, "256 3"]

    def colours(self, values: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape 3"]:
        """Return the colour of each value. Values beyond the ends take the last colour. NaN is not accepted."""
        unit = (values + 1) / 2 if self.signed else values
        colours: np.ndarray = self.table[np.rint(np.clip(unit, 0, 1) * (LEVELS - 1)).astype(np.intp)]
        return colours


@cache
def colour_map(signed: bool) -> ColourMap:
    """Return the colour map of signed values, or of values from zero upwards.

    >>> colour_map(signed=False).colours(np.array([0.0, 1.0])).shape
    (2, 3)
    """
    if not signed:
        return ColourMap(signed=False, table=_frozen(_path(_EMBER_LIGHTNESS, _EMBER, LEVELS)))
    negative, positive = (_path(_TIDE_LIGHTNESS, arm, LEVELS // 2) for arm in (_TIDE_NEGATIVE, _TIDE_POSITIVE))
    return ColourMap(signed=True, table=_frozen(np.concatenate([negative[::-1], positive])))


def _path(lightness: tuple[float, float], anchors: _Anchors, levels: int) -> Float[np.ndarray, "levels 3"]:
    """Return sRGB along a path of anchors (chroma, hue), with linear lightness and smooth hue and chroma."""
    polar = np.array([(chroma, np.deg2rad(hue)) for chroma, hue in anchors])
    corners = polar[:, :1] * np.stack([np.cos(polar[:, 1]), np.sin(polar[:, 1])], -1)
    value, stops = np.linspace(0, 1, levels), np.linspace(0, 1, len(anchors))
    bends = np.stack([np.interp(value, stops, corners[:, axis]) for axis in (0, 1)], -1)
    reach = levels // len(anchors) // 2
    window = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(bends, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    smooth = np.stack([np.convolve(padded[:, axis], window / window.sum(), "valid") for axis in (0, 1)], -1)
    return _oklab_to_srgb(np.column_stack([np.linspace(*lightness, levels), smooth]))


def _oklab_to_srgb(lab: Float[np.ndarray, "levels 3"]) -> Float[np.ndarray, "levels 3"]:
    """Convert OKLab to gamma-coded sRGB. Colours without an sRGB equivalent leave [0, 1]."""
    to_cone_roots = np.array(
        [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
    )
    to_linear_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = (lab @ to_cone_roots.T) ** 3 @ to_linear_rgb.T
    curved = 1.055 * np.clip(linear, 0.0031308, None) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, curved))


def _frozen(srgb: Float[np.ndarray, "256 3"]) -> UInt8[np.ndarray, "256 3"]:
    """Round to bytes and make the table read-only, since all callers share it."""
    table: np.ndarray = np.rint(np.clip(srgb, 0, 1) * 255).astype(np.uint8)
    table.setflags(write=False)
    return table
