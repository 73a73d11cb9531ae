"""Storage of a bundle: pictures of two codecs, in their size."""

import io
from dataclasses import replace

import numpy as np
import pytest
from bundles import header_of, make_bundle, make_frames
from PIL import Image

from nonlocal_core.bundle import PictureStorage, decode_bundle

WEBP = PictureStorage(long_side=40, codec="webp", quality=80)


@pytest.mark.parametrize(("codec", "form"), [("jpeg", "JPEG"), ("webp", "WEBP")])
def test_pictures_come_back_in_their_codec_and_size(codec, form):
    frames = make_frames(3)
    data = make_bundle(frames=frames, pictures=replace(WEBP, codec=codec))
    assert {section["type"] for section in header_of(data)[0]["frames"]} == {f"image/{codec}"}
    for picture, rgb in zip(decode_bundle(data).frames, frames.rgb, strict=True):
        image = Image.open(io.BytesIO(picture))
        assert (image.format, image.size) == (form, (40, 30))
        shown = np.asarray(image.convert("RGB"), float).mean(axis=(0, 1))
        np.testing.assert_allclose(shown, rgb.mean(axis=(0, 1)), atol=4)
