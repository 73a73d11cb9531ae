"""Shapes of a drawing, and the files inside their pictures."""

import io

import numpy as np
import pytest
from PIL import Image
from render_rows import make_frames

from nonlocal_core.render.drawing import Picture, box, centred, disc

ROUNDNESS = 3e-4  # of the radius; four cubic curves come as near to a circle, worst seen 2.7e-4


def test_a_disc_is_round_and_closed():
    shape = disc((30.0, -8.0), 5.0, fill=(1, 2, 3), stroke=(4, 5, 6), pen=0.5)
    assert (shape.closed, shape.fill, shape.stroke, shape.width) == (True, (1, 2, 3), (4, 5, 6), 0.5)
    begin, angles = shape.start, []
    for step in shape.steps:
        a, b, c, d = (np.array(place) for place in (begin, *step))
        for s in np.linspace(0, 1, 9):
            place = (1 - s) ** 3 * a + 3 * s * (1 - s) ** 2 * b + 3 * s**2 * (1 - s) * c + s**3 * d
            across, down = place - (30.0, -8.0)
            assert np.hypot(across, down) == pytest.approx(5.0, rel=ROUNDNESS)
            angles.append(np.arctan2(down, across))
        begin = step[-1]
    assert begin == pytest.approx(shape.start)
    turned = np.diff(np.unwrap(angles))
    assert (turned > -1e-9).all()
    assert turned.sum() == pytest.approx(2 * np.pi)


def test_a_box_has_its_corners_in_order():
    shape = box(3, 5, 20, 7, fill=(9, 8, 7), stroke=(1, 1, 1), pen=2)
    assert (shape.start, *(step[0] for step in shape.steps)) == ((3, 5), (23, 5), (23, 12), (3, 12))
    assert (shape.closed, shape.fill, shape.stroke, shape.width) == (True, (9, 8, 7), (1, 1, 1), 2)


def test_a_layer_is_stored_without_loss_and_a_photograph_without_an_opacity_is_opaque():
    rgb = make_frames(1)[0]
    opacity = np.random.default_rng(1).integers(0, 256, rgb.shape[:2], np.uint8)
    for given, expected in ((opacity, opacity), (None, np.full(rgb.shape[:2], 255))):
        stored = np.asarray(Image.open(io.BytesIO(Picture(box=(0, 0, 1, 1), rgb=rgb, opacity=given).png)))
        assert (stored[..., :3] == rgb).all()
        assert (stored[..., 3] == expected).all()


def test_a_photograph_keeps_its_colours_at_every_pixel():
    rgb = np.zeros((16, 24, 3), np.uint8)
    rgb[:, ::2], rgb[:, 1::2] = (220, 40, 40), (40, 40, 220)  # halved colour would mix the columns into one violet
    stored = Image.open(io.BytesIO(Picture(box=(0, 0, 1, 1), rgb=rgb).jpeg))
    assert stored.format == "JPEG"
    assert np.abs(np.asarray(stored).astype(int) - rgb).mean() < 8  # worst seen 3.4; 60 where colour is halved


def test_centred_words_have_their_middle_at_the_place():
    words = centred(7, 9, "word", 12, (1, 2, 3))
    assert (words.at, words.text, words.size, words.colour, words.anchor) == ((7, 9), "word", 12, (1, 2, 3), "middle")
