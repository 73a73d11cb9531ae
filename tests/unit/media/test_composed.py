"""The composed clips in committed numbers: trained networks, findings and tours of the samples rest on them."""

import numpy as np
import pytest

from nonlocal_core.media.composed import BACKGROUND, CUT_OUTS, Composition, compose
from nonlocal_core.media.marked import ALIKE, SPACE

CLIPS = {
    "composed": lambda: compose(frames=7, size_hw=(144, 216), cut_outs=CUT_OUTS, ground=BACKGROUND),
    "marked": lambda: compose(frames=4, size_hw=(224, 224), cut_outs=SPACE.cut_outs, ground=SPACE.ground),
    "alike": lambda: compose(frames=4, size_hw=(224, 224), cut_outs=ALIKE.cut_outs, ground=ALIKE.ground),
}
WITHIN = (1.5, 0.03, 0.2, 0.2)
"""A degree of a path, or a pixel of a photograph, moves some figure at least twice as far."""


def figures(clip: Composition) -> dict[str, list[tuple[float, ...]]]:
    """Return four figures of each object, and of the ground, in each frame; zeros where it is out of sight.

    Its pixels, the mean of their green, and that mean weighted by the pixels to the right of its middle, and below it.
    """
    seen = dict(zip(clip.names, clip.masks, strict=True)) | {"ground": ~clip.masks.any(axis=0)}
    return {name: [_figures_of(*frame) for frame in zip(masks, clip.rgb, strict=True)] for name, masks in seen.items()}


def _figures_of(mask: np.ndarray, rgb: np.ndarray) -> tuple[float, ...]:
    if not mask.any():
        return (0, 0, 0, 0)
    (rows, columns), green = np.nonzero(mask), rgb[mask][:, 1].astype(np.float64)
    across, down = columns - columns.mean(), rows - rows.mean()
    return (int(mask.sum()), green.mean(), (green * across).mean(), (green * down).mean())


COMMITTED = {
    "composed": {
        "cup": [
            (1960, 160.26, 66.5, -93.0),
            (1827, 159.82, 75.3, -79.5),
            (1686, 159.18, 80.6, -65.5),
            (98, 194.89, -134.5, -51.3),
            (808, 154.34, -21.1, -53.9),
            (1287, 159.00, 95.5, -1.2),
            (1174, 158.35, 84.8, 7.3),
        ],
        "patch": [
            (719, 102.41, -0.3, -71.1),
            (835, 103.76, 47.3, -48.9),
            (324, 90.37, 50.3, -67.6),
            (0, 0.00, 0.0, 0.0),
            (0, 0.00, 0.0, 0.0),
            (491, 105.88, 124.0, 118.9),
            (722, 102.34, -28.3, 71.7),
        ],
        "cat": [
            (3717, 105.63, 82.3, 14.7),
            (3915, 105.71, 80.6, 19.6),
            (4205, 105.77, 80.4, 21.6),
            (4507, 106.15, 84.2, 16.8),
            (4686, 106.01, 73.3, 32.3),
            (4618, 105.83, 79.5, 37.2),
            (4203, 105.85, 76.9, 37.8),
        ],
        "ground": [
            (24708, 19.89, 2.7, -56.8),
            (24527, 19.95, -17.0, -34.2),
            (24889, 20.03, -68.2, -9.5),
            (26499, 20.46, 1.6, 18.1),
            (25610, 20.74, 4.8, 26.8),
            (24708, 20.97, 5.8, 30.9),
            (25005, 20.89, 33.8, 18.5),
        ],
    },
    "marked": {
        "cup": [
            (3635, 160.92, 85.1, -128.6),
            (3640, 160.79, 123.2, -94.4),
            (3222, 160.72, 127.3, -39.8),
            (3221, 160.82, 142.4, -14.2),
        ],
        "patch": [
            (3546, 103.09, 5.6, -163.5),
            (4040, 103.18, 88.4, -146.2),
            (4027, 103.33, 152.6, -85.8),
            (4552, 103.20, 185.9, 3.9),
        ],
        "cat": [
            (5576, 106.00, 96.2, 14.1),
            (5580, 105.90, 93.7, 24.3),
            (5030, 105.94, 84.2, 36.7),
            (5032, 105.92, 83.7, 41.8),
        ],
        "ground": [
            (37419, 20.47, 60.5, -143.3),
            (36916, 20.05, -2.3, -99.1),
            (37897, 20.27, -38.9, -55.4),
            (37371, 20.35, -17.2, -13.2),
        ],
    },
    "alike": {
        "coin": [
            (3550, 173.00, 112.0, -11.7),
            (3551, 173.12, 98.0, -57.1),
            (3551, 173.12, 70.4, -92.0),
            (3544, 173.23, 26.8, -109.3),
        ],
        "large coin": [
            (5106, 151.10, 16.6, -105.5),
            (5113, 151.08, -7.5, -102.8),
            (5110, 151.22, -39.7, -98.0),
            (5107, 151.32, -57.1, -90.8),
        ],
        "face": [
            (4682, 143.57, -135.2, 181.8),
            (4678, 143.72, -117.9, 194.3),
            (4690, 143.56, -136.2, 177.7),
            (4686, 143.56, -155.8, 166.8),
        ],
        "ground": [
            (36838, 69.81, 171.2, 1080.8),
            (36834, 73.66, 419.9, 1471.1),
            (36825, 73.58, -15.8, 1350.0),
            (36839, 73.43, -256.5, 1154.2),
        ],
    },
}


@pytest.mark.parametrize("clip", CLIPS)
def test_a_composed_clip_is_the_one_that_was_committed(clip: str) -> None:
    found = figures(CLIPS[clip]())
    assert list(found) == list(COMMITTED[clip])
    for name, frames in COMMITTED[clip].items():
        assert (np.abs(np.array(found[name]) - frames) <= WITHIN).all(), name
