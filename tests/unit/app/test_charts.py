"""The charts of a pin: their numbers are those of the picture beside them."""

from dataclasses import replace

import numpy as np
import pytest
from bundles import make_block

from nonlocal_core import Pin, Session
from nonlocal_core.app.widgets import charts
from nonlocal_core.capture.record import Capture

PIN = Pin(frame=1, x=0.4, y=0.6, block="softmax")


@pytest.fixture(scope="module")
def session():
    opened = Session.open("sample:bunny", "lite0-parameter-free", frames=2, short_side=64)
    kinds = {"softmax": "embedded_gaussian", "product": "dot_product"}
    blocks = tuple(make_block(kind, name=name, grid=(2, 4, 6)) for name, kind in kinds.items())
    return replace(opened, capture=Capture(blocks=blocks, classes=()))


def test_hops_change_the_answers_of_rows_that_pass_on_and_no_others(session):
    plain, followed = (charts.answers(session, replace(PIN, hops=hops)) for hops in (1, 2))
    assert followed["Block softmax"].note.startswith("2 hops, the further ones through Block softmax again")
    assert not np.allclose(followed["Block softmax"].values, plain["Block softmax"].values)
    np.testing.assert_array_equal(followed["Block product"].values, plain["Block product"].values)


def test_a_temperature_changes_the_answers_of_a_softmax_and_no_others(session):
    plain, tempered = (charts.answers(session, replace(PIN, temperature=t)) for t in (1.0, 0.5))
    assert tempered["Block softmax"].note.startswith("Temperature 0.5, not the network's")
    assert not np.allclose(tempered["Block softmax"].values, plain["Block softmax"].values)
    np.testing.assert_array_equal(tempered["Block product"].values, plain["Block product"].values)
    assert any("Block softmax: Temperature 0.5" in said for said in charts.notes(tempered)), (
        "the charts say whose it is"
    )
