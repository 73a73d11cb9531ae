"""Mean field of the dense CRF: against loops over all pairs in float64, and on a labelling that it must mend."""

import itertools
import math

import numpy as np
import pytest
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core import DenseCrf, ShapeError
from nonlocal_core.ancestors import mean_field as room
from nonlocal_core.ancestors.mean_field import UNLABELLED, mean_field, scribbled

TOLERANCE = 1e-9
"""Of a probability, after three steps; worst seen 4e-14."""


def step_by_loops(rgb, unary, q, kernels, weights):
    """One step, a pair of pixels at a time."""
    frames, rows, cols, labels = unary.shape
    cells = [(t, y, x) for t in range(frames) for y in range(rows) for x in range(cols)]
    short, out = min(rows, cols), np.empty_like(q)
    for i in cells:
        score = np.log(unary[i])
        for name, weight in weights.items():
            message, mass = np.zeros(labels), 0.0
            for j in cells:
                if i == j:
                    continue
                space = kernels.space if name == "appearance" else kernels.near
                exponent = -((i[1] - j[1]) ** 2 + (i[2] - j[2]) ** 2) / (2 * (space * short) ** 2)
                exponent -= (i[0] - j[0]) ** 2 / (2 * kernels.steps**2)
                if name == "appearance":
                    difference = (rgb[i].astype(float) - rgb[j]) / 255
                    exponent -= float(difference @ difference) / (2 * kernels.colour**2)
                message += math.exp(exponent) * q[j]
                mass += math.exp(exponent)
            score = score + weight * message / mass
        likely = np.exp(score - score.max())
        out[i] = likely / likely.sum()
    return out


@pytest.mark.parametrize("at_once", [2**22, 70])
def test_steps_are_those_of_loops_over_all_pairs(monkeypatch, at_once):
    monkeypatch.setattr(room, "_PAIRS_AT_ONCE", at_once)  # several panels, or one
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    unary = rng.dirichlet(np.ones(3), (2, 4, 5))
    kernels = DenseCrf(space=0.5, colour=0.4, near=0.3, steps=1.5)
    found = mean_field(rgb, unary, kernels, appearance=2.5, smoothness=0.7, steps=3)
    np.testing.assert_allclose(found[0], unary, atol=TOLERANCE)
    for before, after in itertools.pairwise(found):
        loops = step_by_loops(rgb, unary, before, kernels, {"appearance": 2.5, "smoothness": 0.7})
        np.testing.assert_allclose(after, loops, atol=TOLERANCE)


def test_two_scribbles_fill_the_two_halves_of_a_picture():
    rng = np.random.default_rng(0)
    rgb = np.full((1, 16, 24, 3), 60, np.uint8)
    rgb[:, :, 13:] = (190, 120, 40)
    rgb += rng.integers(0, 20, rgb.shape, dtype=np.uint8)
    labels = np.full((1, 16, 24), UNLABELLED)
    labels[0, 4:7, 2:5], labels[0, 9:12, 19:22] = 0, 1
    steps = mean_field(rgb, scribbled(labels, count=2), DenseCrf(space=1.0), appearance=6.0, steps=10)
    truth = np.arange(24) >= 13
    wrong = [float((q[0].argmax(-1) != truth).mean()) for q in steps]
    assert wrong[0] > 0.4
    assert wrong[-1] < 0.01
    sure = [float(q[0, 0, 12, 0]) for q in steps]
    assert sure == sorted(sure), "each step makes the corner of the left half surer"
    assert sure[-1] > 0.9


def test_without_kernels_nothing_changes():
    unary = scribbled(np.array([[[0, UNLABELLED, 2]]]), count=3)
    rgb = np.zeros((1, 1, 3, 3), np.uint8)
    found = mean_field(rgb, unary, appearance=0, smoothness=0, steps=2)
    np.testing.assert_allclose(found[-1], unary, atol=1e-12)
    np.testing.assert_allclose(unary.sum(-1), 1)


def test_one_pixel_hears_nobody():
    unary = np.array([[[[0.3, 0.7]]]])
    found = mean_field(np.zeros((1, 1, 1, 3), np.uint8), unary, steps=1)
    np.testing.assert_allclose(found[-1], unary)


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_labelling_is_refused(monkeypatch):
    rgb, even = np.zeros((1, 3, 4, 3), np.uint8), np.full((1, 3, 4, 2), 0.5)
    with pytest.raises(ShapeError, match="Labels go from 0 to 1, -1 where"):
        scribbled(np.array([[[2]]]), count=2)
    with pytest.raises(ShapeError, match=r"got \(1, 3, 4\) and \(1, 3, 3\)"):
        mean_field(rgb, even[:, :, :3])
    with pytest.raises(ShapeError, match=r"from 0 to 1 at each pixel; got nan to nan"):
        mean_field(rgb, np.where(np.arange(2) == 1, np.nan, even))
    monkeypatch.setattr(room, "MOST_PIXELS", 11)
    with pytest.raises(ShapeError, match="at most 11 pixels"):
        mean_field(rgb, even)
