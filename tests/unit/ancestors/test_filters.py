"""Ids of filters: they carry the settings, and refuse what is no setting."""

import pytest

from nonlocal_core import SelectionError, UnknownNameError
from nonlocal_core.ancestors.filters import (
    FILTERS,
    Bilateral,
    DenseCrf,
    NlMeans,
    filter_id,
    filter_name,
    is_filter,
    parse_filter,
)


@pytest.mark.parametrize(
    "chosen",
    [
        *(kind() for kind in FILTERS),
        NlMeans(h=0.1234567, patch=7, noise=0.1),
        Bilateral(steps=1.5),
        DenseCrf(near=0.03),
    ],
)
def test_an_id_leads_back_to_its_settings(chosen):
    model = filter_id(chosen)
    assert parse_filter(model) == chosen
    assert is_filter(model)
    assert filter_name(model) == chosen.name


def test_other_networks_are_no_filters():
    assert not any(map(is_filter, ("lite0-gaussian", "default", "pixels", "own:pixels-crf", "")))


@pytest.mark.parametrize(
    ("model", "fault", "sentence"),
    [
        ("pixels-blur", UnknownNameError, "There is no filter called 'pixels-blur'"),
        (
            "pixels-nl-means:sigma=2",
            UnknownNameError,
            "no setting of pixels-nl-means called 'sigma'. .* h, patch, noise",
        ),
        ("pixels-nl-means:h=soft", SelectionError, "h of pixels-nl-means is a number; got 'soft'"),
        ("pixels-nl-means:h=0", SelectionError, "h of pixels-nl-means goes from 0.02 to 0.5; got 0.0"),
        ("pixels-nl-means:h=nan", SelectionError, "goes from 0.02 to 0.5; got nan"),
        ("pixels-nl-means:patch=4", SelectionError, "odd number of pixels; got 4"),
        ("pixels-nl-means:patch=3.5", SelectionError, "patch of pixels-nl-means is a whole number; got 3.5"),
        ("pixels-crf:noise=9", SelectionError, "noise of pixels-crf goes from 0 to 0.3; got 9.0"),
    ],
)
def test_a_refusal_says_what_was_expected(model, fault, sentence):
    with pytest.raises(fault, match=sentence):
        parse_filter(model)


@pytest.mark.parametrize("kind", FILTERS)
def test_every_map_says_that_it_has_no_weights_and_when_noise_was_added(kind):
    for block in kind.blocks:
        assert kind().note(block).startswith("No weights: these are pixels, not features.")
        assert "noise" not in kind().note(block).lower()
        assert "Noise of deviation 0.1 was added" in kind(noise=0.1).note(block)
