"""Both ways that are timed give the same output; the time itself is not tested."""

import pytest
import torch

from nonlocal_core import SelectionError
from nonlocal_core.measures import costs
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


def test_the_largest_matrix_is_of_4096_positions_and_each_way_runs_four_times(monkeypatch):
    runs = []

    def noted(theta, *tables, **_):
        runs.append(theta.shape[1])
        return torch.ones(1, 1, 1) if len(tables) == 1 else torch.ones(1, 1, costs.CHANNELS)

    monkeypatch.setattr(costs, "respond", noted)
    monkeypatch.setattr(
        costs, "affinity", lambda theta, phi, **said: noted(theta, phi, **said)[:, :, :1].expand(1, 1, 4096)
    )
    assert timed("dot_product", 4096).positions == 4096
    assert runs == [4096] * 8
    with pytest.raises(SelectionError, match="from 1 to 4096 positions; got 4097"):
        timed("dot_product", 4097)
