"""Colour maps, judged by formulas that they were not built with: CIE lightness, and simulated colour blindness."""

import numpy as np
import pytest

from nonlocal_core.look import COLD, WARM

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear sRGB.
COLOUR_BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
UNEVEN_L = 3.0  # furthest that CIE lightness strays from a straight line; worst seen 1.4
SIGNS_APART_L = 3.0  # between the two ramps at one tone; worst seen 2.6
STEP_BACK_L = 0.1  # a step of rounding to bytes; worst seen 0.02


def cielab(table, blindness="none"):
    srgb = table / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ COLOUR_BLINDNESS[blindness].T, 0, 1)
    ratio = linear @ TO_XYZ.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


@pytest.mark.parametrize("ramp", [WARM, COLD], ids=["warm", "cold"])
@pytest.mark.parametrize("blindness", COLOUR_BLINDNESS)
def test_lightness_rises_with_the_tone_for_every_kind_of_colour_vision(ramp, blindness):
    lightness = cielab(ramp, blindness)[:, 0]
    assert np.diff(lightness).min() > -STEP_BACK_L
    assert lightness[-1] - lightness[0] > 60


@pytest.mark.parametrize("ramp", [WARM, COLD], ids=["warm", "cold"])
def test_lightness_is_nearly_a_straight_line(ramp):
    lightness = cielab(ramp)[:, 0]
    line = np.linspace(lightness[0], lightness[-1], len(lightness))
    assert np.abs(lightness - line).max() < UNEVEN_L


@pytest.mark.parametrize("blindness", COLOUR_BLINDNESS)
def test_signs_differ_in_hue_and_not_in_lightness(blindness):
    warm, cold = cielab(WARM, blindness), cielab(COLD, blindness)
    if blindness == "none":
        assert np.abs(warm[:, 0] - cold[:, 0]).max() < SIGNS_APART_L
    assert np.linalg.norm(warm - cold, axis=1)[:230].min() > 15


def test_the_lightness_measure_finds_a_rainbow_at_fault():
    hue = np.linspace(0, 1, 256)[:, None]
    rainbow = np.clip(1.5 - np.abs(4 * hue - np.array([[3, 2, 1]])), 0, 1) * 255
    assert np.diff(cielab(rainbow)[:, 0]).min() < -STEP_BACK_L


def test_a_ramp_is_shared_and_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        WARM[0] = 0
