"""Colour maps, judged by formulas that they were not built with: CIE lightness, and simulated colour blindness."""

import numpy as np
import pytest

from nonlocal_core.render import colour_map

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
UNEVEN_L = 3.0  # furthest that CIE lightness strays from a straight line; worst seen 2.1 (ember)
STEP_BACK_L = 0.1  # a step of rounding to bytes; worst seen 0.05


def cielab(table, blindness="none"):
    srgb = table / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ COLOUR_BLINDNESS[blindness].T, 0, 1)
    ratio = linear @ TO_XYZ.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


def arms(signed):
    """Each run from no value to full value: one for a sequential map, two for a diverging one."""
    table = colour_map(signed).table
    return [table] if not signed else [table[127::-1], table[128:]]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("blindness", COLOUR_BLINDNESS)
def test_lightness_rises_with_the_value_for_every_kind_of_colour_vision(signed, blindness):
    for arm in arms(signed):
        lightness = cielab(arm, blindness)[:, 0]
        assert np.diff(lightness).min() > -STEP_BACK_L
        assert lightness[-1] - lightness[0] > 60


@pytest.mark.parametrize("signed", [False, True])
def test_lightness_is_a_straight_line(signed):
    for arm in arms(signed):
        lightness = cielab(arm)[:, 0]
        line = np.linspace(lightness[0], lightness[-1], len(lightness))
        assert np.abs(lightness - line).max() < UNEVEN_L


@pytest.mark.parametrize("blindness", COLOUR_BLINDNESS)
def test_signs_differ_in_hue_and_not_in_lightness(blindness):
    table = colour_map(signed=True).table
    negative, positive = cielab(table[127::-1], blindness), cielab(table[128:], blindness)
    if blindness == "none":
        assert np.abs(negative[:, 0] - positive[:, 0]).max() < UNEVEN_L
    distance = np.linalg.norm(negative - positive, axis=1)
    assert distance[0] < 2, "zero is no colour of either sign"
    assert distance[40:].min() > 15, "from a third of the scale on, the sign shows"


def test_the_lightness_measure_finds_a_rainbow_at_fault():
    hue = np.linspace(0, 1, 256)[:, None]
    rainbow = np.clip(1.5 - np.abs(4 * hue - np.array([[3, 2, 1]])), 0, 1) * 255
    assert np.diff(cielab(rainbow)[:, 0]).min() < -STEP_BACK_L


def test_values_beyond_the_ends_take_the_last_colour():
    ember, tide = colour_map(signed=False), colour_map(signed=True)
    assert (ember.colours(np.array([-3.0, 0.0, 1.0, 9.0])) == ember.table[[0, 0, 255, 255]]).all()
    assert (tide.colours(np.array([-9.0, -1.0, 1.0, 9.0])) == tide.table[[0, 0, 255, 255]]).all()


def test_a_table_is_shared_and_cannot_be_changed():
    assert colour_map(signed=False) is colour_map(signed=False)
    with pytest.raises(ValueError, match="read-only"):
        colour_map(signed=False).table[0] = 0
