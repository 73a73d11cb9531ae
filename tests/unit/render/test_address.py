"""Pictures as addresses, read back by Pillow."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from nonlocal_core.render.address import PICTURE_SIDE, jpeg_address, png_address


def read(address):
    head, _, content = address.partition(",")
    picture = Image.open(io.BytesIO(base64.b64decode(content, validate=True)))
    assert head == f"data:image/{picture.format.lower()};base64"
    return picture


@pytest.mark.parametrize(
    ("hw", "kept"), [((300, 900), (213, 640)), ((1280, 400), (640, 200)), ((47, 83), (47, 83)), ((640, 90), (640, 90))]
)
def test_a_photograph_is_made_no_larger_than_its_side_and_keeps_its_shape(hw, kept):
    rows, columns = np.mgrid[: hw[0], : hw[1]]
    slopes = (200 * rows / hw[0], 150 * columns / hw[1], np.full(hw, 90))
    made = read(jpeg_address(np.stack(slopes, axis=-1).astype(np.uint8)))
    assert (made.format, made.size[::-1]) == ("JPEG", kept)
    assert max(made.size) <= PICTURE_SIDE
    rows, columns = np.mgrid[: kept[0], : kept[1]]
    smaller = np.stack((200 * rows / kept[0], 150 * columns / kept[1], np.full(kept, 90)), axis=-1)
    assert np.abs(np.asarray(made) - smaller).mean() < 4  # of 255; worst seen 1.3


def test_colours_are_kept_exactly_and_what_lies_beyond_is_clipped():
    values = np.random.default_rng(0).integers(0, 256, (5, 7, 3)) / 255
    values[0, 0], values[4, 6] = (-0.4, 0.5, 1.7), (0.0, 1.0, 0.2)
    made = read(png_address(values))
    assert made.format == "PNG"
    expected = np.array([[[round(255 * min(max(part, 0), 1)) for part in pixel] for pixel in row] for row in values])
    assert (np.asarray(made) == expected).all()
