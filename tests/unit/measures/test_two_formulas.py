"""Both formulas on a clip that ran: against loops, and only for an embedded Gaussian."""

import math

import numpy as np
import pytest

from nonlocal_core import Session
from nonlocal_core.ancestors.self_attention import both_formulas
from nonlocal_core.errors import OutsideGridError, SelectionError, UnknownNameError
from nonlocal_core.measures.two_formulas import places, two_formulas

AT = {"frame": 1, "x": 0.4, "y": 0.6}


@pytest.fixture(scope="module")
def session():
    return Session.open("sample:bunny", "lite0-embedded-gaussian", frames=2, short_side=64, device="cpu")


def evenly_shared(scores):
    """As many positions as would share evenly, by a loop in float64."""
    parts = [math.exp(score - max(scores)) for score in scores]
    shares = [part / sum(parts) for part in parts]
    return math.exp(-sum(share * math.log(share) for share in shares if share > 0))


def test_the_outputs_differ_by_rounding_and_the_row_by_its_scale(session):
    block = session.block("stride16")
    found = two_formulas(session, block)
    assert 0 < found.difference < 1e-5
    assert found.channels == block.theta.shape[1]
    query = block.query_grid.index(block.query_grid.cell_at(**AT))
    products = np.float64(block.phi) @ np.float64(block.theta[query])
    root = 1 / math.sqrt(found.channels)
    as_it_is, scaled = (places(block, **AT, scale=scale) for scale in (block.scale, root))
    assert as_it_is == pytest.approx(evenly_shared((block.scale * products).tolist()), rel=1e-3)
    assert scaled == pytest.approx(evenly_shared((root * products).tolist()), rel=1e-3)
    assert scaled > 2 * as_it_is


def test_what_is_no_embedded_gaussian_or_adds_nothing_is_refused(session):
    other = Session.open("sample:bunny", "lite0-dot-product", frames=2, short_side=64, device="cpu")
    with pytest.raises(SelectionError, match="is none"):
        two_formulas(other, other.block("stride16"))
    with pytest.raises(UnknownNameError):
        two_formulas(session, session.block("stride8+16"))
    with pytest.raises(OutsideGridError):
        places(session.block("stride16"), frame=5, x=0.5, y=0.5, scale=1.0)


def test_the_outputs_are_compared_at_64_positions_from_the_first_to_the_last(session, monkeypatch):
    compared = []

    def noted(theta, *tables):
        compared.append(theta)
        return both_formulas(theta, *tables)

    monkeypatch.setattr("nonlocal_core.measures.two_formulas.both_formulas", noted)
    opened = Session.open("sample:bunny", "lite0-embedded-gaussian", frames=8, short_side=64, device="cpu")
    table = opened.block("stride16").theta
    two_formulas(opened, opened.block("stride16"))
    (asked,) = compared
    assert asked.shape[1] == 64 < len(table)
    np.testing.assert_array_equal(asked[0, [0, -1]], table[[0, -1]])
