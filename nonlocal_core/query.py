"""From a captured block and one cell to what a person asked: where does this position look, who looks at it?"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import column_weights, row_weights
from nonlocal_core.geometry import Cell, Grid, KeyGrid, QueryGrid
from nonlocal_core.vocabulary import Pairwise


class RankedCell(NamedTuple):
    """A cell with its weight, and that weight over the mean one (1.0 means: no more than any other)."""

    cell: Cell
    value: float
    times_uniform: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weights(ABC):
    """Weights of one direction on the grid they are drawn on."""

    block: str
    pairwise: Pairwise
    values: Float32[np.ndarray, " N"]
    """In affinity units, one for each position of ``grid``; signed for the dot product."""
    off_grid: dict[str, float]
    """Weight on what is no position, such as a class token."""
    note: str = ""
    """Warning of the block (``BlockCapture.warning``), empty when there is none."""

    @property
    @abstractmethod
    def grid(self) -> Grid:
        """The grid that ``values`` lie on."""

    @property
    def heat(self) -> Float32[np.ndarray, "T H W"]:
        """The values on their grid."""
        return self.values.reshape(self.grid.shape)

    @property
    def _mass(self) -> float:
        return float(np.abs(self.values).sum(dtype=np.float64)) + sum(abs(v) for v in self.off_grid.values())

    @property
    def per_step_share(self) -> Float64[np.ndarray, " T"]:
        """Each step's share in [0, 1] of the sum of absolute weights; zeros if all are zero."""
        mass = np.asarray(np.abs(self.heat).sum(axis=(1, 2), dtype=np.float64))
        return mass / self._mass if self._mass > 0 else mass

    @property
    def cumulative_share(self) -> Float64[np.ndarray, " N"]:
        """The share in [0, 1] of the sum of absolute weights that the 1, 2, ... N strongest cells hold together."""
        strongest_first = np.sort(np.abs(self.values).astype(np.float64))[::-1]
        return np.asarray(strongest_first.cumsum() / self._mass if self._mass > 0 else strongest_first)

    def top(self, k: int = 20) -> tuple[RankedCell, ...]:
        """Return the k cells of the largest absolute weight, largest first; ties in index order."""
        magnitude = np.abs(self.values)
        order = np.argsort(-magnitude, kind="stable")[:k]
        mean = self._mass / self._count if self._mass > 0 else 1.0
        return tuple(
            RankedCell(self.grid.cell(int(j)), float(self.values[j]), float(magnitude[j]) / mean) for j in order
        )

    @property
    @abstractmethod
    def _count(self) -> int:
        """The number of weights that a uniform answer would share the mass over."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffinityRow(_Weights):
    """Row of the affinity: the weight of one query on every key.

    ``values`` sum to 1 for the two Gaussians; for the dot product and the concatenation they are f / Nk,
    the very numbers that multiply g in the network.
    """

    query: Cell
    query_grid: QueryGrid
    key_grid: KeyGrid
    subsample: tuple[int, int, int]
    key_count: int
    """Nk, the keys that this query may attend to."""

    @property
    def grid(self) -> KeyGrid:
        """The key grid: a row lies on what is looked at."""
        return self.key_grid

    @property
    def _count(self) -> int:
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
    def own_key(self) -> Cell:
        """The key cell over the query."""
        return self.query_grid.own_key(self.query, self.subsample)

    @property
    def own_step_share(self) -> float:
        """Share in [0, 1] of the weight that stays in the query's own step."""
        return float(self.per_step_share[self.own_key.t])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffinityColumn(_Weights):
    """Column of the affinity: the weight of every query on one key. Columns do not sum to 1."""

    key: Cell
    query_grid: QueryGrid
    key_grid: KeyGrid

    @property
    def grid(self) -> QueryGrid:
        """The query grid: a column lies on what looks."""
        return self.query_grid

    @property
    def _count(self) -> int:
        return self.query_grid.size


def row(block: BlockCapture, query: Cell) -> AffinityRow:
    """Return where one query cell looks. Raises GeometryError when the cell is not on the query grid."""
    weights = row_weights(block, query).astype(np.float32)
    on_grid = block.key_grid.size
    # Of the copies of an off-grid key only the query's own has a weight.
    off_grid = weights[on_grid:].reshape(block.off_grid_copies, -1).sum(axis=0)
    return AffinityRow(
        block=block.name,
        pairwise=block.pairwise,
        values=weights[:on_grid],
        off_grid=dict(zip(block.off_grid_keys, off_grid.tolist(), strict=True)),
        note=block.warning,
        query=query,
        query_grid=block.query_grid,
        key_grid=block.key_grid,
        subsample=block.subsample,
        key_count=block.key_count,
    )


def column(block: BlockCapture, key: Cell, normaliser: Float64[np.ndarray, " Nq"] | None = None) -> AffinityColumn:
    """Return who looks at one key cell.

    ``normaliser``: what ``log_normaliser(block)`` returned, to spare its computation for the Gaussians.
    Raises GeometryError when the cell is not on the key grid.
    """
    return AffinityColumn(
        block=block.name,
        pairwise=block.pairwise,
        values=column_weights(block, key, normaliser).astype(np.float32),
        off_grid={},
        note=block.warning,
        key=key,
        query_grid=block.query_grid,
        key_grid=block.key_grid,
    )
