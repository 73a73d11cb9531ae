"""Answers of a block: the weights of a row or a column, and the shares, ranks and masks that follow from them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Bool, Float32, Float64

from nonlocal_core.capture.record import asker_words
from nonlocal_core.errors import SelectionError
from nonlocal_core.geometry import Cell, Grid, KeyGrid, QueryGrid
from nonlocal_core.look.sentence import frame_words
from nonlocal_core.vocabulary import Direction, Rule


class RankedCell(NamedTuple):
    """A cell with its weight, also in multiples of an even share of the positive weight."""

    cell: Cell
    value: float
    times_uniform: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class _Weights(ABC):
    """Weights of one direction on the grid they are drawn on.

    Shares and ranks count the positive weight alone. A negative weight, which only the dot product has, subtracts the
    value at its cell from y.
    """

    block: str
    pairwise: Rule
    values: Float32[np.ndarray, " N"]
    """Weights in affinity units, one for each position of ``grid``; signed for the dot product."""
    off_grid: dict[str, float]
    """Weight on off-grid keys, such as a class token."""
    query_grid: QueryGrid
    key_grid: KeyGrid
    subsample: tuple[int, int, int]
    note: str = ""
    """Warning of the block (``BlockCapture.warning``), empty if there is none."""
    also: tuple[Cell, ...] = ()
    """Further cells that were asked: ``values`` are the mean over all of them."""
    minus: tuple[Cell, ...] = ()
    """Cells whose positive weight was subtracted from that of the asked ones; ``values`` may then be negative."""
    plus_mass: float | None = None
    """Total weight before the subtraction (`mass_of`), or None if nothing was subtracted."""
    asker: str | None = None
    """Name of the asker that is not a position, such as "class token", or of a column's off-grid key, such as a word;
    None for positions."""
    asks_by_step: bool = False
    """True if the asker has a copy in each step."""
    hops: int = 1
    """Number of hops: 1 for the answer of one layer, more if passed on through earlier layers (`capture.hops`)."""
    is_walled: bool = False
    """True if positions attend within windows, whose walls are drawn in pictures."""
    draw: Callable[[], str] | None = None
    """Function that returns this answer's figure as SVG; None for an answer that knows no clip. `Session` sets it."""

    def __repr__(self) -> str:
        kind, grid = type(self).__name__, "x".join(map(str, self.grid.shape))
        asked = f"{'query' if self.direction == 'row' else 'key'} {tuple(self.asked)}"
        asked += f" and {len(self.also)} more" * bool(self.also) + f" less {len(self.minus)}" * bool(self.minus)
        return f"{kind}({self.block!r}, {self.pairwise}, {asked}, float32 weights on {grid} cells)"

    def _repr_svg_(self) -> str | None:
        """Return the figure for the cell of a notebook."""
        return self.draw() if self.draw else None

    @property
    @abstractmethod
    def grid(self) -> Grid:
        """The grid that ``values`` lie on."""

    @property
    @abstractmethod
    def asked(self) -> Cell:
        """The cell that was asked."""

    @property
    def asked_cells(self) -> tuple[Cell, ...]:
        """All asked cells, without those that were subtracted."""
        return (self.asked, *self.also)

    @property
    def asker_words(self) -> str | None:
        """Name in a sentence of an asker off the grid, "the class token of frame 2"; None for positions."""
        if self.asker is None:
            return None
        steps = sorted({cell.t for cell in self.asked_cells})
        frames = frame_words(self.asked_grid, steps[0]) if len(steps) == 1 else f"{len(steps)} frames"
        of = f" of {frames}" if self.asks_by_step else ""
        return asker_words(self.asker, is_key=self.direction == "column") + of

    @property
    def marked_cells(self) -> tuple[Cell, ...]:
        """The asked cells as pictures mark them: none if no position asked."""
        return self.asked_cells if self.asker is None else ()

    @property
    def is_signed(self) -> bool:
        """True if weights can be negative: those of a dot product, or after a subtraction."""
        return self.pairwise == "dot_product" or bool(self.minus)

    def mask(self, times_uniform: float = 1.0) -> Bool[np.ndarray, "T H W"]:
        """Return a mask of the cells with at least ``times_uniform`` times an even share of the weight.

        Raises SelectionError for a negative ``times_uniform``.
        """
        if not times_uniform >= 0:
            raise SelectionError(f"times_uniform is 0 or more; got {times_uniform}.")
        return np.asarray(self.heat * self.times_uniform_per_unit >= times_uniform)

    @property
    @abstractmethod
    def asked_grid(self) -> Grid:
        """Grid of the asked cell."""

    @property
    @abstractmethod
    def direction(self) -> Direction:
        """Direction of the question: the asked cell looks, or is looked at."""

    @abstractmethod
    def _over(self, cell: Cell, reach: int) -> Bool[np.ndarray, "T H W"]:
        """Return a mask of the cells of ``grid`` over an asked cell and up to ``reach`` around it, in its step."""

    @property
    def own_cells(self) -> Bool[np.ndarray, "T H W"]:
        """Mask of the cells of ``grid`` over the asked ones."""
        return np.asarray(np.logical_or.reduce([self._over(cell, 0) for cell in self.asked_cells]))

    @property
    def own_place(self) -> Bool[np.ndarray, "T H W"]:
        """Mask of the cells over the asked ones and their neighbours, in the same step."""
        return np.asarray(np.logical_or.reduce([self._over(cell, 1) for cell in self.asked_cells]))

    @property
    @abstractmethod
    def _count(self) -> int:
        """The number of weights over which a uniform answer would spread the mass."""

    @property
    def heat(self) -> Float32[np.ndarray, "T H W"]:
        """The values on their grid."""
        return self.values.reshape(self.grid.shape)

    @property
    def times_uniform_per_unit(self) -> float:
        """Factor from affinity units to multiples of an even share, the total positive weight divided by the cells.

        After a subtraction, the total is that of the asked cells. Absolute weights count if none is positive; 0 if all
        are 0.
        """
        mass = mass_of(self._all) if self.plus_mass is None else self.plus_mass
        return self._count / mass if mass > 0 else 0.0

    @property
    def positive_part(self) -> float:
        """Share in [0, 1] of the positive weight in the sum of all absolute weights; 0 if all are zero."""
        return float(np.maximum(self._all, 0).sum() / max(np.abs(self._all).sum(), np.finfo(float).tiny))

    @property
    def cell_share(self) -> Float64[np.ndarray, "T H W"]:
        """Each cell's share in [0, 1] of the positive weight; zeros if there is none."""
        return self._shares[: self.values.size].reshape(self.grid.shape)

    @property
    def per_step_share(self) -> Float64[np.ndarray, " T"]:
        """Each step's share in [0, 1] of the positive weight; zeros if there is none."""
        return np.asarray(self.cell_share.sum(axis=(1, 2)))

    @property
    def cumulative_share(self) -> Float64[np.ndarray, " N"]:
        """The share in [0, 1] of the positive weight that the 1, 2, ... N strongest cells hold together."""
        return np.asarray(np.sort(self.cell_share.reshape(-1))[::-1].cumsum())

    @property
    def entropy(self) -> float:
        """Entropy in nats of the positive weight as a distribution; log(N) if it is uniform."""
        p = self._shares[self._shares > 0]
        return float(-(p * np.log(p)).sum())

    def top(self, k: int = 20) -> tuple[RankedCell, ...]:
        """Return the k cells with the largest positive weights, largest first, ties in index order.

        Fewer than k if fewer cells have a positive weight.
        """
        order = np.argsort(-self.values, kind="stable")[:k]
        per_unit = self.times_uniform_per_unit
        return tuple(
            RankedCell(self.grid.cell(int(j)), float(self.values[j]), float(self.values[j]) * per_unit)
            for j in order
            if self.values[j] > 0
        )

    @property
    def _all(self) -> Float64[np.ndarray, " N_all"]:
        return np.append(self.values.astype(np.float64), list(self.off_grid.values()))

    @property
    def _shares(self) -> Float64[np.ndarray, " N_all"]:
        positive = np.maximum(self._all, 0)
        mass = positive.sum()
        return np.asarray(positive / mass if mass > 0 else positive)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AffinityRow(_Weights):
    """Row of the affinity: the weight of one query on every key.

    ``values`` sum to 1 for the two Gaussians and a matching; for the dot product and the concatenation they are f / Nk,
    exactly the numbers that multiply g in the network.
    """

    query: Cell
    key_count: int
    """Nk, the keys that this query may attend to."""

    @property
    def grid(self) -> KeyGrid:
        """The key grid, since a row has a weight for each key."""
        return self.key_grid

    @property
    def asked(self) -> Cell:
        """The query."""
        return self.query

    @property
    def asked_grid(self) -> QueryGrid:
        """The query grid."""
        return self.query_grid

    @property
    def direction(self) -> Direction:
        """The asked cell looks."""
        return "row"

    def _over(self, cell: Cell, reach: int) -> Bool[np.ndarray, "T H W"]:
        t, y, x = self.query_grid.own_key(cell, self.subsample)
        inside = np.zeros(self.grid.shape, bool)
        if self.asker is not None:
            return inside
        inside[t, max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
        return inside

    @property
    def _count(self) -> int:
        return self.key_count

    @property
    def uniform(self) -> float:
        """1 / Nk: the weight of each key in a uniform row."""
        return 1.0 / self.key_count

    @property
    def own_key(self) -> Cell:
        """The key cell over the query."""
        return self.query_grid.own_key(self.query, self.subsample)

    @property
    def own_step_share(self) -> float:
        """Share in [0, 1] of the weight that stays in the query's own step."""
        return float(self.per_step_share[self.own_key.t])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AffinityColumn(_Weights):
    """Column of the affinity: the weight of every query on one key. Columns do not sum to 1."""

    key: Cell
    looker_count: int | None = None
    """The number of queries that may look at the key, or None for all."""

    @property
    def grid(self) -> QueryGrid:
        """The query grid, since a column has a weight for each query."""
        return self.query_grid

    @property
    def asked(self) -> Cell:
        """The key."""
        return self.key

    @property
    def asked_grid(self) -> KeyGrid:
        """The key grid."""
        return self.key_grid

    @property
    def direction(self) -> Direction:
        """The asked cell is looked at."""
        return "column"

    def _over(self, cell: Cell, reach: int) -> Bool[np.ndarray, "T H W"]:
        if self.asker is not None:
            return np.zeros(self.grid.shape, bool)
        # Queries of an odd edge that pooling dropped lie over the last key.
        t, y, x = (
            np.abs(keys - at) <= away
            for keys, at, away in zip(self.query_grid.own_keys(self.subsample), cell, (0, reach, reach), strict=True)
        )
        return np.asarray(t[:, None, None] & y[:, None] & x)

    @property
    def _count(self) -> int:
        return self.query_grid.size if self.looker_count is None else self.looker_count


def mass_of(weights: Float64[np.ndarray, " N"]) -> float:
    """Return the total weight: the sum of the positive weights, or of all absolute values if none is positive."""
    return float(np.maximum(weights, 0).sum()) or float(np.abs(weights).sum())


AnyAnswer = TypeVar("AnyAnswer", bound=AffinityRow | AffinityColumn)
