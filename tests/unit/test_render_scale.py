"""The colour scale: one for all frames, from zero, with defined answers for heat that has nothing to say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_rows import make_row

from nonlocal_core.errors import RenderError
from nonlocal_core.render import ScaleSpec, fit_scale, own_times, times_uniform_per_unit


def heat_with(peaks, shape=(5, 6, 8)):
    heat = np.full(shape, 0.01, np.float32)
    for (t, y, x), value in peaks.items():
        heat[t, y, x] = value
    heat.setflags(write=False)
    return heat


def test_the_limit_is_the_largest_value_of_all_frames_or_of_the_others():
    heat = heat_with({(1, 2, 3): 0.8, (4, 5, 7): 0.2})
    everything = fit_scale(heat, ScaleSpec(rule="max"), signed=False, own_times=(1,))
    others = fit_scale(heat, ScaleSpec(rule="max_other_frames"), signed=False, own_times=(1,))
    assert (everything.limit, everything.clipped) == (pytest.approx(0.8), False)
    assert (others.limit, others.clipped) == (pytest.approx(0.2), True)
    assert others.unit(heat)[1, 2, 3] == 1.0


def test_others_falls_back_when_no_other_frame_has_weight():
    heat = np.zeros((5, 6, 8), np.float32)
    heat[1, 2, 3] = 0.8
    assert fit_scale(heat, ScaleSpec(), signed=False, own_times=(1,)).limit == pytest.approx(0.8)
    assert fit_scale(heat[1:2], ScaleSpec(), signed=False, own_times=(0,)).limit == pytest.approx(0.8)


def test_a_fixed_limit_wins_over_the_rule():
    scale = fit_scale(heat_with({(1, 2, 3): 0.8}), ScaleSpec(limit=0.5), signed=False)
    assert (scale.limit, scale.clipped) == (0.5, True)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_a_fixed_limit_must_be_a_positive_number(limit):
    with pytest.raises(RenderError, match="positive number"):
        ScaleSpec(limit=limit)


def test_signed_values_count_by_size_and_keep_their_sign():
    heat = heat_with({(1, 2, 3): -0.8, (4, 5, 7): 0.2})
    signed = fit_scale(heat, ScaleSpec(rule="max"), signed=True)
    assert signed.limit == pytest.approx(0.8)
    assert signed.unit(heat)[1, 2, 3] == -1.0
    assert signed.unit(heat)[4, 5, 7] == pytest.approx(0.25)
    unsigned = fit_scale(heat, ScaleSpec(rule="max"), signed=False)
    assert unsigned.limit == pytest.approx(0.2)
    assert unsigned.unit(heat)[1, 2, 3] == 0.0


def test_heat_without_weight_has_no_colour():
    heat = np.zeros((5, 6, 8), np.float32)
    scale = fit_scale(heat, ScaleSpec(), signed=False)
    assert scale.limit == 0
    assert (scale.unit(heat) == 0).all()


def test_values_that_are_not_finite_have_no_say():
    heat = heat_with({(0, 0, 0): np.nan, (0, 0, 1): np.inf, (2, 3, 4): 0.3})
    assert fit_scale(heat, ScaleSpec(rule="max"), signed=False).limit == pytest.approx(0.3)
    assert fit_scale(np.full((2, 3, 4), np.nan), ScaleSpec(), signed=True).limit == 0


@settings(deadline=None, max_examples=60)  # shape checks make single calls slow on a busy machine
@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=24, max_size=24),
    st.sampled_from(["max", "max_other_frames"]),
    st.booleans(),
    st.sets(st.integers(0, 1)),
)
def test_one_value_has_one_colour_in_every_frame(values, rule, signed, own):
    heat = np.array(values, np.float32).reshape(2, 3, 4)
    scale = fit_scale(heat, ScaleSpec(rule=rule), signed=signed, own_times=own)
    unit = scale.unit(heat)
    assert unit.min() >= (-1 if signed else 0)
    assert unit.max() <= 1
    order = np.argsort(heat, axis=None)
    assert (np.diff(unit.flat[order]) >= 0).all(), "a larger value never looks smaller, whatever its frame"


def test_own_times_are_the_key_cells_that_share_a_frame_with_the_query():
    assert own_times(make_row(query=(1, 2, 3))) == (1,)
    assert own_times(make_row(query=(3, 2, 3), subsample=(2, 2, 2))) == (1,)
    assert own_times(make_row(query=(4, 2, 3), subsample=(2, 2, 2))) == (), "the odd last frame has no key"
    assert own_times(make_row(query=(1, 2, 3), clip_frames=10)) == (1,)


def test_times_uniform_is_measured_against_the_mean_weight():
    softmax = make_row()
    assert times_uniform_per_unit(softmax) == pytest.approx(5 * 6 * 8, rel=1e-5)
    values = np.random.default_rng(5).normal(size=(5, 6, 8))
    signed = make_row(values, pairwise="dot_product")
    assert times_uniform_per_unit(signed) == pytest.approx(1 / np.abs(values).mean(), rel=1e-5)
    assert times_uniform_per_unit(make_row(np.zeros((5, 6, 8)))) == 0
    top = softmax.top(1)[0]
    assert top.value * times_uniform_per_unit(softmax) == pytest.approx(top.times_uniform, rel=1e-5)
