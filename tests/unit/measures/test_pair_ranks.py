"""Rankings of two queries: alike for a concatenation whatever its tables, different for an MLP over pairs."""

import itertools

import numpy as np
import pytest
from affinity_oracle import capture

from nonlocal_core.errors import OutsideGridError
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.pair_ranks import pair_ranks

GRID = (3, 7, 9)
POINT = {"frame": 1, "x": 0.3, "y": 0.6}


def found(seed=0):
    concatenation = capture("concatenation", grid=GRID, subsample=(1, 1, 1), seed=seed)
    features = capture("gaussian", grid=GRID, subsample=(1, 1, 1), seed=seed + 1)
    return concatenation, features, pair_ranks(concatenation, features, **POINT)


@pytest.mark.parametrize("seed", range(3))
def test_a_concatenation_never_disagrees_and_an_mlp_does(seed):
    _, _, ranks = found(seed)
    assert ranks.concatenation.disagreement == 0
    assert ranks.mlp.disagreement > 0.1


def test_the_strongest_are_those_of_loops():
    concatenation, features, ranks = found()
    grid = features.query_grid
    assert ranks.asked == grid.cell_at(**POINT)
    distances = {
        place: {
            (y, x): float(np.abs(features.theta[grid.index(cell)] - features.phi[grid.index(Cell(1, y, x))]).sum())
            for y in range(7)
            for x in range(9)
        }
        for place, cell in enumerate((ranks.asked, ranks.other))
    }
    assert max(distances[0], key=distances[0].get) == (ranks.other.y, ranks.other.x)
    for place, mask in enumerate(ranks.mlp.strongest):
        nearest = sorted(distances[place], key=distances[place].get)[:6]  # a tenth of 63
        assert set(zip(*map(np.ndarray.tolist, np.nonzero(mask)), strict=True)) == set(nearest)
    b = concatenation.phi[63:126, 0]
    order = np.argsort(-b, kind="stable")[:6]
    for cell, mask in zip((ranks.asked, ranks.other), ranks.concatenation.strongest, strict=True):
        a = float(concatenation.theta[grid.index(cell), 0])
        assert set(np.flatnonzero(mask)) == {int(j) for j in order if a + b[j] > 0}


def test_a_point_beyond_the_frames_is_refused():
    concatenation, features, _ = found()
    with pytest.raises(OutsideGridError):
        pair_ranks(concatenation, features, frame=3, x=0.5, y=0.5)


@pytest.mark.parametrize(("grid", "queries", "keys"), [((2, 3, 5), range(15), range(15)), ((1, 10, 13), 24, 96)])
def test_the_disagreement_is_over_cells_from_the_first_to_the_last(grid, queries, keys):
    concatenation, features = (
        capture(function, grid=grid, subsample=(1, 1, 1), seed=4) for function in ("concatenation", "gaussian")
    )
    found = pair_ranks(concatenation, features, frame=0, x=0.3, y=0.6).mlp.disagreement
    last = grid[1] * grid[2] - 1
    some, compared = (
        each if isinstance(each, range) else [last * n // (each - 1) for n in range(each)] for each in (queries, keys)
    )
    theta, phi = (table[: last + 1].astype(np.float64) for table in (features.theta, features.phi))
    distances = [[float(np.abs(theta[query] - phi[key]).sum()) for key in compared] for query in some]
    opposite = cases = 0
    for one, other in itertools.combinations(np.array(distances), 2):
        signs = np.sign(one[:, None] - one) * np.sign(other[:, None] - other)
        opposite += (signs < 0).sum()
        cases += len(one) * (len(one) - 1)
    assert found == pytest.approx(opposite / cases, abs=1e-4)
