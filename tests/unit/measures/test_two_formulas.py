"""Both formulas on a clip that ran: against loops, and only for an embedded Gaussian."""

import math

import numpy as np
import pytest

from nonlocal_core import Session
from nonlocal_core.errors import OutsideGridError, SelectionError, UnknownNameError
from nonlocal_core.measures.two_formulas import two_formulas

AT = {"frame": 1, "x": 0.4, "y": 0.6}


@pytest.fixture(scope="module")
def session():
    return Session.open("sample:bunny", "lite0-embedded-gaussian", frames=2, short_side=64, device="cpu")


def places(scores):
    """As many positions as would share evenly, by a loop in float64."""
    parts = [math.exp(score - max(scores)) for score in scores]
    shares = [part / sum(parts) for part in parts]
    return math.exp(-sum(share * math.log(share) for share in shares if share > 0))


def test_the_outputs_differ_by_rounding_and_the_row_by_its_scale(session):
    block = session.block("stride16")
    found = two_formulas(session, block, **AT)
    assert 0 < found.difference < 1e-5
    assert (found.channels, found.scale) == (block.theta.shape[1], block.scale)
    query = block.query_grid.index(block.query_grid.cell_at(**AT))
    products = np.float64(block.phi) @ np.float64(block.theta[query])
    assert found.places_as_it_is == pytest.approx(places((block.scale * products).tolist()), rel=1e-3)
    assert found.places_scaled == pytest.approx(places((products / math.sqrt(found.channels)).tolist()), rel=1e-3)
    assert found.places_scaled > 2 * found.places_as_it_is


def test_what_is_no_embedded_gaussian_or_adds_nothing_is_refused(session):
    other = Session.open("sample:bunny", "lite0-dot-product", frames=2, short_side=64, device="cpu")
    with pytest.raises(SelectionError, match="is none"):
        two_formulas(other, other.block("stride16"), **AT)
    with pytest.raises(UnknownNameError):
        two_formulas(session, session.block("stride8+16"), **AT)
    with pytest.raises(OutsideGridError):
        two_formulas(session, session.block("stride16"), frame=5, x=0.5, y=0.5)
