"""The colour scale: one for all frames, from zero, with defined answers for heat that has nothing to say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_rows import make_row

from nonlocal_core.render import fit_scale, times_uniform_per_unit


def heat_with(peaks, shape=(5, 6, 8)):
    heat = np.full(shape, 0.01, np.float32)
    for (t, y, x), value in peaks.items():
        heat[t, y, x] = value
    heat.setflags(write=False)
    return heat


def test_the_limit_is_the_largest_value_of_all_frames_or_of_the_others():
    heat = heat_with({(1, 2, 3): 0.8, (4, 5, 7): 0.2})
    everything = fit_scale(heat, signed=False)
    others = fit_scale(heat, signed=False, own_t=1)
    assert (everything.limit, everything.clipped) == (pytest.approx(0.8), False)
    assert (others.limit, others.clipped) == (pytest.approx(0.2), True)
    assert others.unit(heat)[1, 2, 3] == 1.0


def test_others_falls_back_when_no_other_frame_has_weight():
    heat = np.zeros((5, 6, 8), np.float32)
    heat[1, 2, 3] = 0.8
    assert fit_scale(heat, signed=False, own_t=1).limit == pytest.approx(0.8)
    assert fit_scale(heat[1:2], signed=False, own_t=0).limit == pytest.approx(0.8)


def test_signed_values_count_by_size_and_keep_their_sign():
    heat = heat_with({(1, 2, 3): -0.8, (4, 5, 7): 0.2})
    signed = fit_scale(heat, signed=True)
    assert signed.limit == pytest.approx(0.8)
    assert signed.unit(heat)[1, 2, 3] == -1.0
    assert signed.unit(heat)[4, 5, 7] == pytest.approx(0.25)
    unsigned = fit_scale(heat, signed=False)
    assert unsigned.limit == pytest.approx(0.2)
    assert unsigned.unit(heat)[1, 2, 3] == 0.0


def test_heat_without_weight_has_no_colour():
    heat = np.zeros((5, 6, 8), np.float32)
    scale = fit_scale(heat, signed=False)
    assert scale.limit == 0
    assert (scale.unit(heat) == 0).all()


def test_values_that_are_not_finite_have_no_say():
    heat = heat_with({(0, 0, 0): np.nan, (0, 0, 1): np.inf, (2, 3, 4): 0.3})
    assert fit_scale(heat, signed=False).limit == pytest.approx(0.3)
    assert fit_scale(np.full((2, 3, 4), np.nan), signed=True).limit == 0


@settings(deadline=None, max_examples=60)  # shape checks make single calls slow on a busy machine
@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=24, max_size=24),
    st.booleans(),
    st.none() | st.integers(0, 1),
)
def test_one_value_has_one_colour_in_every_frame(values, signed, own_t):
    heat = np.array(values, np.float32).reshape(2, 3, 4)
    scale = fit_scale(heat, signed=signed, own_t=own_t)
    unit = scale.unit(heat)
    assert unit.min() >= (-1 if signed else 0)
    assert unit.max() <= 1
    order = np.argsort(heat, axis=None)
    assert (np.diff(unit.flat[order]) >= 0).all(), "a larger value never looks smaller, whatever its frame"


def test_the_own_step_is_that_of_the_key_over_the_query():
    assert make_row(query=(1, 2, 3)).own_key == (1, 2, 3)
    assert make_row(query=(3, 2, 3), subsample=(2, 2, 2)).own_key == (1, 1, 1)
    assert make_row(query=(4, 5, 7), subsample=(2, 4, 3)).own_key == (1, 0, 1), "an odd edge takes the last key"


def test_times_uniform_is_measured_against_the_mean_weight():
    softmax = make_row()
    assert times_uniform_per_unit(softmax) == pytest.approx(5 * 6 * 8, rel=1e-5)
    values = np.random.default_rng(5).normal(size=(5, 6, 8))
    signed = make_row(values, pairwise="dot_product")
    assert times_uniform_per_unit(signed) == pytest.approx(1 / np.abs(values).mean(), rel=1e-5)
    assert times_uniform_per_unit(make_row(np.zeros((5, 6, 8)))) == 0
    top = softmax.top(1)[0]
    assert top.value * times_uniform_per_unit(softmax) == pytest.approx(top.times_uniform, rel=1e-5)
