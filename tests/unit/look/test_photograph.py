"""Photographs in muted colours: as bright as before, pixel by pixel."""

import numpy as np
from render_rows import make_frames

from nonlocal_core.look import muted
from nonlocal_core.look.photograph import KEPT_COLOUR


def light(byte):
    value = byte / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(pixel):
    return 0.2126 * light(pixel[0]) + 0.7152 * light(pixel[1]) + 0.0722 * light(pixel[2])


def test_muting_keeps_the_luminance_of_every_pixel_and_takes_colour_away():
    frame = make_frames(1, 20, 30)[0]
    quiet = muted(frame)
    for y, x in np.ndindex(20, 30):
        before, after = (picture[y, x].astype(float) for picture in (frame, quiet))
        assert abs(luminance(after) - luminance(before)) < 0.004
        grey = luminance(before)
        for channel in range(3):
            expected = KEPT_COLOUR * light(before[channel]) + (1 - KEPT_COLOUR) * grey
            assert abs(light(after[channel]) - expected) < 0.005


def test_greys_stay_as_they_are():
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert (muted(greys) == greys).all()
