"""Pixels of a drawing."""

import numpy as np
import pytest
from drawn_shapes import SHAPES

from nonlocal_core.render import pixels
from nonlocal_core.render.drawing import Drawing, Outline, box


def test_pixels_are_what_the_drawing_says():
    picture = pixels(SHAPES).astype(int)
    assert picture.shape == (120, 240, 3)
    assert (picture[25, 95] == (255, 0, 0)).all()
    assert (picture[0, 0] == 255).all()
    assert (picture[35, 35] == (200, 100, 50)).all(), "the second row and third column of the layer, opaque"
    under = pixels(Drawing(size_hw=(120, 240), per_inch=60, title="", shapes=SHAPES.shapes[:1])).astype(int)
    assert picture[55, 65] == pytest.approx(under[55, 65] * 0.6 + np.array((0, 0, 250)) * 0.4, abs=1)
    assert (picture[45, 15] == under[45, 15]).all()
    assert (picture[60, 150] == 255).all(), "the disc is white within"
    ring = picture[60, 161:164].mean()
    assert ring < 200, "and has a rim"
    for s in (0.25, 0.5, 0.75):
        x, y = (
            (1 - s) ** 3 * a + 3 * s * (1 - s) ** 2 * b + 3 * s**2 * (1 - s) * c + s**3 * d
            for a, b, c, d in ((5, 1, 3, 50.5), (5, 2, 4, 60.25))
        )
        here = picture[int(y), int(x)]
        assert here[2] > here[0] + 20, "the curve is blue where it runs"


def test_opacity_of_a_path_lets_the_ground_shine_through():
    shapes = (
        box(0, 0, 40, 40, fill=(0, 0, 0)),
        Outline(
            start=(10, 10),
            steps=(((30, 10),), ((30, 30),), ((10, 30),)),
            closed=True,
            fill=(255, 255, 255),
            opacity=0.4,
        ),
    )
    picture = pixels(Drawing(size_hw=(40, 40), per_inch=60, title="", shapes=shapes))
    assert picture[20, 20].tolist() == [102, 102, 102]
