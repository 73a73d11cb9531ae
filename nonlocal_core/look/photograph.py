"""Photographs under heat: of the same brightness, with muted colours, so that colour means heat.

Parts that the network was never shown, as around a centre crop, are shaded.
"""

import numpy as np
from jaxtyping import UInt8

from nonlocal_core.geometry import Box, box_mask
from nonlocal_core.look.palette import coded, linear

KEPT_COLOUR = 0.35
"""Fraction of a colour's distance from the grey of its luminance that a muted photograph keeps."""
LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Luminance of linear red, green and blue (ITU-R BT.709)."""
SHADE, SHADED = (20, 20, 26), 0.6
"""Colour of the shade, and its opacity."""
_LINEAR = linear(np.arange(256) / 255).astype(np.float32)


def muted(frame: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a new picture of the same luminance in muted colours.

    The mixture is one of linear light: in gamma-coded values it would change the luminance by several percent.
    """
    light = _LINEAR[frame]
    grey = light @ np.array(LUMINANCE, np.float32)
    mixed = KEPT_COLOUR * light + (1 - KEPT_COLOUR) * grey[..., None]
    return np.asarray(np.rint(255 * coded(mixed)).astype(np.uint8))


def shaded(frame: UInt8[np.ndarray, "h w 3"], box: Box) -> UInt8[np.ndarray, "h w 3"]:
    """Return a new picture with a shade outside of a box, (x0, y0, x1, y1) in units of the frame."""
    outside = ~box_mask(box, frame.shape[:2])
    made = frame.copy()
    made[outside] = np.rint((1 - SHADED) * frame[outside] + SHADED * np.array(SHADE, np.float32))
    return made
