"""Colour maps, judged by formulas that they were not built with: CIE lightness, and simulated colour blindness."""

from itertools import combinations

import numpy as np
import pytest
from cielab import COLOUR_BLINDNESS, cielab

from nonlocal_core.look import COLD, PINS, WARM

UNEVEN_L = 3.0  # furthest that CIE lightness strays from a straight line; worst seen 1.4
SIGNS_APART_L = 3.0  # between the two ramps at one tone; worst seen 2.6
STEP_BACK_L = 0.1  # a step of rounding to bytes; worst seen 0.02


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


@pytest.mark.parametrize("blindness", COLOUR_BLINDNESS)
def test_pins_are_told_apart_at_every_tone_by_every_kind_of_colour_vision(blindness):
    seen = [cielab(ramp, blindness) for ramp in PINS]
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(one - other, axis=1).min() > 15
    assert all(np.diff(ramp[:, 0]).min() > -STEP_BACK_L for ramp in seen), "more is lighter"


def test_the_lightness_measure_finds_a_rainbow_at_fault():
    hue = np.linspace(0, 1, 256)[:, None]
    rainbow = np.clip(1.5 - np.abs(4 * hue - np.array([[3, 2, 1]])), 0, 1) * 255
    assert np.diff(cielab(rainbow)[:, 0]).min() < -STEP_BACK_L


def test_a_ramp_is_shared_and_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        WARM[0] = 0
