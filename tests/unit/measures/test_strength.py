"""What a block adds, scaled: against the network without it, as it is, and with its last layer multiplied."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from loud_networks import loud_session

from nonlocal_core import SelectionError, UnknownNameError
from nonlocal_core.measures.ablation import answer, moved
from nonlocal_core.measures.strength import answer_at_strength

CLOSE = 2e-5
"""Of probabilities; worst seen 1e-6."""


@pytest.fixture(scope="module")
def session():
    return loud_session("embedded_gaussian")


def test_nothing_and_once_are_the_network_without_and_as_it_is(session):
    none, once = (answer_at_strength(session, "stride16", strength) for strength in (0.0, 1.0))
    without, whole = answer(session, switched_off=["stride16"]), answer(session)
    np.testing.assert_array_equal(none.probabilities, without.probabilities)
    np.testing.assert_array_equal(once.probabilities, whole.probabilities)
    assert moved(none, once) > 0.01, "this block matters, so that the slider has something to show"
    assert none.classes == whole.classes


@pytest.mark.parametrize("strength", [0.5, 1.75])
def test_a_scaled_block_is_one_whose_last_layer_is_multiplied(session, strength):
    prepared = session.model
    network = copy.deepcopy(prepared.network)
    module = next(block.module for block in network.inserted if block.name == "stride16")
    with torch.no_grad():
        for parameter in module.out.parameters() if module.norm is None else module.norm.parameters():
            parameter.mul_(strength)
    multiplied = answer(replace(session, model=replace(prepared, network=network)))
    found = answer_at_strength(session, "stride16", strength)
    np.testing.assert_allclose(found.probabilities, multiplied.probabilities, atol=CLOSE)
    assert moved(found, answer(session)) > 100 * CLOSE


def test_what_cannot_be_scaled_is_refused(session):
    with pytest.raises(SelectionError, match="finite"):
        answer_at_strength(session, "stride16", float("nan"))
    with pytest.raises(UnknownNameError, match="no-such"):
        answer_at_strength(session, "no-such", 0.5)
