"""From a captured block and one cell to the row that a person asked for: where does this position look?

Everything here is numpy and exact; no matrix is built. ``viewer/affinity.js`` does the same in the browser,
and a test holds the two together.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.geometry import Cell, Grid, KeyGrid, QueryGrid
from nonlocal_core.vocabulary import Pairwise

_CHUNK_ELEMENTS = 2**22
"""Scores held at once while walking over all queries: 16 MB of float32."""


class RankedCell(NamedTuple):
    """A cell with its weight, and that weight over the mean one (1.0 means: no more than any other)."""

    cell: Cell
    value: float
    times_uniform: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weights:
    """Weights of one direction on the grid they are drawn on."""

    block: str
    pairwise: Pairwise
    values: np.ndarray
    """(N,) float32 in affinity units, one for each position of ``grid``; signed for the dot product."""
    off_grid: dict[str, float]
    """Weight on what is no position, such as a class token."""

    @property
    def grid(self) -> Grid:
        raise NotImplementedError

    @property
    def heat(self) -> np.ndarray:
        """(T, H, W) float32: the values on their grid."""
        return self.values.reshape(self.grid.shape)

    @property
    def _mass(self) -> float:
        return float(np.abs(self.values).sum(dtype=np.float64)) + sum(abs(v) for v in self.off_grid.values())

    @property
    def per_frame(self) -> np.ndarray:
        """(T,) float64: the sum of the weights in each temporal cell."""
        return self.heat.sum(axis=(1, 2), dtype=np.float64)

    @property
    def per_frame_share(self) -> np.ndarray:
        """(T,) float64 in [0, 1]: each temporal cell's share of the sum of absolute weights; zeros if all are zero."""
        mass = np.abs(self.heat).sum(axis=(1, 2), dtype=np.float64)
        return mass / self._mass if self._mass > 0 else mass

    def top(self, k: int = 20) -> tuple[RankedCell, ...]:
        """Return the k cells of the largest absolute weight, largest first; ties in index order."""
        magnitude = np.abs(self.values)
        order = np.argsort(-magnitude, kind="stable")[:k]
        mean = self._mass / self._keys if self._mass > 0 else 1.0
        return tuple(
            RankedCell(self.grid.cell(int(j)), float(self.values[j]), float(magnitude[j]) / mean) for j in order
        )

    @property
    def _keys(self) -> int:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffinityRow(_Weights):
    """Where one query looks: its weight on every key.

    ``values`` sum to 1 for the two Gaussians; for the dot product and the concatenation they are f / Nk,
    the very numbers that multiply g in the network.
    """

    query: Cell
    query_grid: QueryGrid
    key_grid: KeyGrid
    key_count: int
    """Nk, the keys that this query may attend to."""

    @property
    def grid(self) -> KeyGrid:
        return self.key_grid

    @property
    def _keys(self) -> int:
        return self.key_count

    @property
    def uniform(self) -> float:
        """1 / Nk: the weight of each key if the query did not care."""
        return 1.0 / self.key_count

    @property
    def entropy(self) -> float:
        """Entropy in nats of the absolute weights taken as a distribution; log(Nk) when uniform."""
        weights = np.append(np.abs(self.values), [abs(v) for v in self.off_grid.values()]).astype(np.float64)
        p = weights[weights > 0] / weights.sum() if weights.sum() > 0 else weights[:0]
        return float(-(p * np.log(p)).sum())

    @property
    def own_frame_share(self) -> float:
        """Share in [0, 1] of the weight that stays in the query's own frames."""
        start, _ = self.query_grid.span(self.query.t)
        return float(self.per_frame_share[self.key_grid.t_of_frame(min(start, self.key_grid.frame_spans[-1][1] - 1))])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffinityColumn(_Weights):
    """Who looks at one key: the weight that every query gives it. Columns do not sum to 1."""

    key: Cell
    query_grid: QueryGrid
    key_grid: KeyGrid

    @property
    def grid(self) -> QueryGrid:
        return self.query_grid

    @property
    def _keys(self) -> int:
        return self.query_grid.size


def row(block: BlockCapture, query: Cell) -> AffinityRow:
    """Return the row of one query cell: (Nk,) weights in one matrix-vector product.

    Raises GeometryError when the cell is not on the query grid.
    """
    i = block.query_grid.index(query)
    allowed = allowed_keys(block, query)
    weights = np.zeros(len(block.phi), np.float32)
    weights[allowed] = _weights(block, _scores(block, block.theta[i], block.phi[allowed]))
    on_grid = block.key_grid.size
    return AffinityRow(
        block=block.name,
        pairwise=block.pairwise,
        values=weights[:on_grid],
        off_grid=dict(zip(block.off_grid_keys, weights[on_grid:].tolist(), strict=True)),
        query=query,
        query_grid=block.query_grid,
        key_grid=block.key_grid,
        key_count=block.key_count,
    )


def column(block: BlockCapture, key: Cell, normaliser: np.ndarray | None = None) -> AffinityColumn:
    """Return the weight that every query gives to one key cell: (Nq,) values.

    ``normaliser``: what ``log_normaliser(block)`` returned, to spare its computation for the Gaussians.
    Raises GeometryError when the cell is not on the key grid.
    """
    j = block.key_grid.index(key)
    scores = _scores(block, block.phi[j], block.theta)
    if block.pairwise in ("gaussian", "embedded_gaussian"):
        normaliser = log_normaliser(block) if normaliser is None else normaliser
        values = np.exp(scores.astype(np.float64) - normaliser)
    else:
        values = scores / np.float32(block.key_count)
    values = np.where(allowed_queries(block, key), values, 0.0)
    return AffinityColumn(
        block=block.name,
        pairwise=block.pairwise,
        values=values.astype(np.float32),
        off_grid={},
        key=key,
        query_grid=block.query_grid,
        key_grid=block.key_grid,
    )


def allowed_keys(block: BlockCapture, query: Cell) -> np.ndarray:
    """Return (Nk + off-grid,) bool: the keys that scope and temporal groups leave to this query."""
    t, y, x = (_own_index(query[d], block.query_grid.shape[d], block.key_grid.shape[d]) for d in range(3))
    mask = np.zeros(block.key_grid.shape, bool)
    if block.scope == "space":
        mask[t] = True
    else:
        start, stop = _group(query.t, block.query_grid.frames, block.key_grid.frames, block.temporal_groups)
        mask[start:stop] = True
        if block.scope == "time":
            only = np.zeros_like(mask)
            only[:, y, x] = True
            mask &= only
    return np.append(mask.reshape(-1), np.ones(len(block.off_grid_keys), bool))


def allowed_queries(block: BlockCapture, key: Cell) -> np.ndarray:
    """Return (Nq,) bool: the queries that may attend to this key."""
    own = [
        np.array([_own_index(i, queries, keys) for i in range(queries)])
        for queries, keys in zip(block.query_grid.shape, block.key_grid.shape, strict=True)
    ]
    frames = range(block.query_grid.frames)
    if block.scope == "space":
        in_time = own[0] == key.t
    else:
        groups = [_group(t, block.query_grid.frames, block.key_grid.frames, block.temporal_groups) for t in frames]
        in_time = np.array([start <= key.t < stop for start, stop in groups])
    mask = np.broadcast_to(in_time[:, None, None], block.query_grid.shape).copy()
    if block.scope == "time":
        mask &= (own[1] == key.y)[None, :, None] & (own[2] == key.x)[None, None, :]
    return mask.reshape(-1)


def log_normaliser(block: BlockCapture) -> np.ndarray:
    """Return (Nq,) float64: log of the sum over allowed keys of exp(score), in chunks of queries.

    Only the two Gaussians have one; a column of the softmax needs it.
    """
    out = np.empty(block.query_grid.size)
    phi = block.phi.T
    for start, stop, mask in _query_chunks(block):
        scores = (block.theta[start:stop] @ phi) * np.float32(block.scale)
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        peak = scores.max(axis=1, keepdims=True)
        out[start:stop] = np.log(np.exp(scores - peak).sum(axis=1, dtype=np.float64)) + peak[:, 0]
    return out


def _query_chunks(block: BlockCapture) -> list[tuple[int, int, np.ndarray | None]]:
    """Cut the queries into runs that may attend to the same keys and whose scores fit in one chunk."""
    queries, keys = block.query_grid, len(block.phi)
    step = max(1, _CHUNK_ELEMENTS // keys)
    restricted = block.scope != "spacetime" or block.temporal_groups > 1
    run = 1 if block.scope == "time" else queries.rows * queries.cols if restricted else queries.size
    return [
        (start, min(start + step, first + run), allowed_keys(block, queries.cell(first)) if restricted else None)
        for first in range(0, queries.size, run)
        for start in range(first, first + run, step)
    ]


def _scores(block: BlockCapture, vector: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return f before normalisation, between one embedding (Ci,) and a table (N, Ci): (N,) float32."""
    if block.pairwise == "concatenation":
        summed: np.ndarray = np.maximum(table[:, 0] + vector[0], 0)
        return summed
    product: np.ndarray = table @ vector
    return product if block.pairwise == "dot_product" else product * np.float32(block.scale)


def _weights(block: BlockCapture, scores: np.ndarray) -> np.ndarray:
    if block.pairwise in ("gaussian", "embedded_gaussian"):
        unnormalised = np.exp(scores.astype(np.float64) - scores.max())
        softmax: np.ndarray = unnormalised / unnormalised.sum()
        return softmax
    return scores / np.float32(len(scores))


def _own_index(i: int, queries: int, keys: int) -> int:
    """Return the pooled cell over a query index; an odd edge that pooling dropped takes the last one."""
    return min(i // (queries // keys), keys - 1)


def _group(t: int, query_frames: int, key_frames: int, groups: int) -> tuple[int, int]:
    """Return the temporal key cells [start, stop) of the group that query frame ``t`` belongs to."""
    group, length = t // (query_frames // groups), key_frames // groups
    return group * length, (group + 1) * length
