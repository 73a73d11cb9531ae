"""Further hops of a row: its product with the rows of the layer before, with the residual, never a matrix.

A block that looks at a place gathers what that place holds: its input there, and what the layer before added, which is
what that place looked at. Each hop leaves ``STAYS`` of the weight in place for the first, and passes the rest on along
the rows of the layer before for the second: attention rollout (S. Abnar, W. Zuidema, "Quantifying attention flow in
transformers", ACL 2020, section 3) for one query, so that a hop costs one row of each position. The half is their
convention, not a measurement. Convolutions between the layers are left out.

``viewer/model/hops.js`` does the same in the browser, and a test holds the two together.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import summed_rows
from nonlocal_core.geometry import Grid, carried

STAYS = 0.5
"""Fraction of the weight that a further hop leaves in place."""
Heads = tuple[BlockCapture, ...]
"""All heads of one layer."""


class Looked(NamedTuple):
    """Weight of a row on the grid of the asked block, and off it."""

    values: Float64[np.ndarray, " N"]
    off_grid: Mapping[str, float]
    """Weight on off-grid keys, where it stays."""


def follow(looked: Looked, grid: Grid, route: Sequence[Heads], *, stays: float = STAYS) -> Looked:
    """Return a row after one further hop for each layer of the route; ``grid``: the grid of the values.

    The rows of several heads are averaged. Weight is carried between grids by overlap; its sum is kept if rows sum
    to 1.
    """
    for heads in route:
        looked = _hop(looked, grid, heads, stays)
    return looked


def _hop(looked: Looked, grid: Grid, heads: Heads, stays: float) -> Looked:
    passed = np.zeros(grid.shape)
    off_grid = dict(looked.off_grid)
    queries, keys = heads[0].query_grid, heads[0].key_grid
    asking = carried(looked.values.reshape(grid.shape), grid, queries).reshape(-1) * (1 - stays) / len(heads)
    for head in heads:
        rows = summed_rows(head, asking)
        passed += carried(rows[: keys.size].reshape(keys.shape), keys, grid)
        beside = rows[keys.size :].reshape(head.off_grid_copies, -1).sum(axis=0)
        for name, weight in zip(head.off_grid_keys, beside.tolist(), strict=True):
            off_grid[name] = off_grid.get(name, 0.0) + weight
    return Looked(stays * looked.values + passed.reshape(-1), off_grid)
