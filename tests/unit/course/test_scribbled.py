"""Scribbles on a made picture of two colours: mean field fills each half, and says how much is whose."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from nonlocal_core import Session
from nonlocal_core.course.scribbled import LONGEST, SIDE, labelled, shown, small_frame
from nonlocal_core.errors import CaptureError

ROWS, COLS = 96, 150


@pytest.fixture(scope="module")
def halves():
    """Blue on the left third, orange on the right."""
    frame = np.zeros((ROWS, COLS, 3), np.uint8)
    frame[:, :50] = (20, 40, 220)
    frame[:, 50:] = (230, 140, 30)
    return frame


def cell(x, y, cols):
    return int(y * SIDE) * cols + int(x * cols)


def test_a_stroke_on_each_colour_labels_all_of_it(halves):
    session = Session.open(halves, "pixels-crf")
    cols = small_frame(halves).shape[1]
    labels = [(cell(0.1, 0.2 + step / 10, cols), 0) for step in range(6)]
    labels += [(cell(0.8, 0.2 + step / 10, cols), 1) for step in range(6)]
    pictures, said = labelled(session, 0, labels)
    words = [picture.words for picture in pictures.pictures]
    assert words[0].startswith("As scribbled: 0.4 %")  # 6 of 32 x 50
    assert words[-1] == "After 5 steps: 34 % is the thing"  # 17 of 50 columns; one holds both colours
    for picture in pictures.pictures:
        shown_rgb = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.address.partition(",")[2]))))
        red, green, blue = shown_rgb[int(0.5 * ROWS), int((int(0.8 * cols) + 0.5) / cols * COLS)].tolist()
        assert red > 220, "strokes of the rest are drawn"
        assert green > 160
        assert blue < 80
    assert said.text.startswith(f"{SIDE} × {cols} pixels")


def test_a_small_frame_is_bounded_on_both_sides(halves):
    assert small_frame(halves).shape == (SIDE, 50, 3)
    assert small_frame(np.zeros((10, 2000, 3), np.uint8)).shape == (1, LONGEST, 3)
    data = shown(halves, small_frame(halves))
    assert (data["rows"], data["cols"]) == (SIDE, 50)


def test_another_network_is_refused(halves):
    session = Session.open(halves, "pixels-nl-means", short_side=16)
    with pytest.raises(CaptureError, match="kernels of the dense CRF"):
        labelled(session, 0, [(0, 0), (1, 1)])
