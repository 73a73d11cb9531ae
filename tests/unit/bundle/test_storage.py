"""Storage of a bundle: pictures of two codecs, and the blocks that fit into a limit."""

import io
from dataclasses import replace

import numpy as np
import pytest
from bundles import MODEL, header_of, make_block, make_bundle, make_frames, rebuilt
from PIL import Image

from nonlocal_core.bundle import PictureStorage, Storage, blocks_within, decode_bundle, encode_bundle
from nonlocal_core.bundle.encode import stored_bytes
from nonlocal_core.capture.record import Capture
from nonlocal_core.errors import BundleError

WEBP = PictureStorage(long_side=40, codec="webp", quality=80)
SMALL = Storage(precision="int8")


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


@pytest.mark.parametrize("damage", [(0, b"RIFX"), (8, b"WAVE")])
def test_a_webp_that_is_none_is_refused(damage):
    header, payload = header_of(make_bundle(pictures=WEBP))
    start = header["frames"][0]["offset"] + damage[0]
    with pytest.raises(BundleError, match="picture of image/webp"):
        decode_bundle(rebuilt(header, payload[:start] + damage[1] + payload[start + 4 :]))


def test_pictures_of_another_type_are_refused():
    header, payload = header_of(make_bundle(pictures=WEBP))
    header["frames"][1]["type"] = "image/svg+xml"
    with pytest.raises(BundleError, match=r"image/jpeg, image/webp"):
        decode_bundle(rebuilt(header, payload))


def test_a_picture_of_the_other_type_is_refused():
    header, payload = header_of(make_bundle(pictures=WEBP))
    header["frames"][1]["type"] = "image/jpeg"
    with pytest.raises(BundleError, match="picture of image/jpeg"):
        decode_bundle(rebuilt(header, payload))


# What fits


@pytest.fixture
def capture():
    """Three blocks of very different size; the largest is the one to show."""
    sizes = {"small": 7, "large": 90, "middle": 30}
    blocks = tuple(
        make_block(name=name, channels=channels, scale=0.01, seed=channels) for name, channels in sizes.items()
    )
    return Capture(blocks=blocks, shown="large")


def weight(capture):
    """Return what the blocks of a bundle weigh, all else apart."""
    without = encode_bundle(make_frames(), replace(capture, blocks=(), shown=None), model=MODEL, storage=SMALL)
    return len(encode_bundle(make_frames(), capture, model=MODEL, storage=SMALL)) - len(without)


def test_what_fits_is_kept_in_its_order_and_weighs_no_more(capture):
    sizes = {block.name: stored_bytes(block, SMALL) for block in capture.blocks}
    assert sizes["small"] < sizes["middle"] < sizes["large"]
    cases = {
        2 * sum(sizes.values()): (["small", "large", "middle"], "large"),
        sizes["large"] + sizes["middle"] // 2 + sizes["small"] // 2: (["small", "large"], "large"),
        sizes["large"] - 3000: (["small", "middle"], "small"),
        sizes["small"] + 1500: (["small"], "small"),
    }
    for most, (names, shown) in cases.items():
        kept = blocks_within(capture, most, SMALL)
        assert ([block.name for block in kept.blocks], kept.shown) == (names, shown)
        assert weight(kept) <= most


def test_where_nothing_fits_the_smallest_is_kept(capture):
    kept = blocks_within(capture, 10, SMALL)
    assert ([block.name for block in kept.blocks], kept.shown) == (["small"], "small")


def test_equal_tables_are_counted_once(capture):
    block = replace(capture.block("large"), pairwise="gaussian")
    twin = replace(block, phi=block.theta)
    one = blocks_within(Capture(blocks=(capture.block("small"), twin)), stored_bytes(twin, SMALL) + 1200, SMALL)
    assert one.shown == twin.name
