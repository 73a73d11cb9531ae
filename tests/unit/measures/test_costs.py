"""Both ways that are timed give the same output; the time itself is not tested."""

import pytest

from nonlocal_core import SelectionError
from nonlocal_core.measures.costs import MOST_POSITIONS, timed
from nonlocal_core.vocabulary import PAIRWISE


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_short_way_is_exact(pairwise):
    cost = timed(pairwise, 130)
    assert cost.positions == 130
    assert cost.difference < 1e-5
    assert min(cost.short_seconds, cost.explicit_seconds) > 0


@pytest.mark.parametrize("positions", [0, MOST_POSITIONS + 1])
def test_a_matrix_that_is_too_large_is_not_built(positions):
    with pytest.raises(SelectionError, match=str(positions)):
        timed("dot_product", positions)
