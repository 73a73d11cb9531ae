"""Rankings of the same keys by two queries: by a concatenation, the same for both, and by an MLP over pairs.

found = pair_ranks(concatenation, features, frame=3, x=0.4, y=0.5)
found.concatenation.disagreement, found.mlp.disagreement
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from nonlocal_core.ancestors.relation import disagreement, likeness
from nonlocal_core.capture import BlockCapture
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.geometry import Cell
from nonlocal_core.geometry.grid import QueryGrid

STRONGEST = 0.1
"""Fraction of a frame's cells that are shown."""
QUERIES, KEYS = 24, 96
"""Numbers of evenly spread cells of the frame whose rankings are compared."""

_Scores = Callable[[Cell], Float[np.ndarray, " N"]]
"""Scores of all keys of the asked frame for a query."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """Rankings of the keys of a frame by two queries."""

    strongest: tuple[Bool[np.ndarray, "rows cols"], Bool[np.ndarray, "rows cols"]]
    """The strongest tenth for each, of those with any weight."""
    disagreement: float
    """Share of cases in which two queries of the frame rank two of its keys in opposite orders, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairRanks:
    """Rankings for the asked cell and for the cell of its frame that resembles it least, by both functions."""

    asked: Cell
    other: Cell
    concatenation: Ranking
    mlp: Ranking


def pair_ranks(concatenation: BlockCapture, features: BlockCapture, *, frame: int, x: float, y: float) -> PairRanks:
    """Return the rankings of the keys of a point's frame by a concatenation and by an MLP over pairs.

    ``concatenation``: a block without pooled keys. ``features``: a block on the same grid whose theta and phi the MLP
    compares, one hidden layer of two units for each channel (`ancestors.relation.likeness`; its weights are set, not
    learned). Raises OutsideGridError for a point that the networks did not see.
    """
    grid = features.query_grid
    asked = grid.cell_at(frame=frame, x=x, y=y)
    per_frame = grid.rows * grid.cols
    of_frame = slice(asked.t * per_frame, (asked.t + 1) * per_frame)
    mlp, phi = likeness(features.phi.shape[1]), torch.from_numpy(features.phi[of_frame])

    def likely(cell: Cell) -> Float[np.ndarray, " N"]:
        return np.asarray(mlp.scores(torch.from_numpy(features.theta[grid.index(cell)][None]), phi)[0])

    def summed(cell: Cell) -> Float[np.ndarray, " N"]:
        return np.asarray(row_weights(concatenation, cell)[of_frame])

    other = grid.cell(of_frame.start + int(likely(asked).argmin()))
    return PairRanks(
        asked=asked,
        other=other,
        concatenation=_ranking(summed, grid, (asked, other), least=0.0),
        mlp=_ranking(likely, grid, (asked, other), least=-np.inf),
    )


def _ranking(scores: _Scores, grid: QueryGrid, pair: tuple[Cell, Cell], *, least: float) -> Ranking:
    count = grid.rows * grid.cols
    strongest = []
    for cell in pair:
        values = scores(cell)
        mask = np.zeros(count, bool)
        mask[np.argsort(-values, kind="stable")[: max(1, round(STRONGEST * count))]] = True
        strongest.append((mask & (values > least)).reshape(grid.rows, grid.cols))
    queries, keys = (np.unique(np.linspace(0, count - 1, most).astype(int)) for most in (QUERIES, KEYS))
    first = pair[0].t * count
    compared = np.stack([scores(grid.cell(first + int(query)))[keys] for query in queries])
    return Ranking(
        strongest=(strongest[0], strongest[1]), disagreement=disagreement(torch.from_numpy(compared.astype(np.float64)))
    )
