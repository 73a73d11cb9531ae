"""Interface between an affinity row and the pictures of it."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from nonlocal_core.geometry import Cell, KeyGrid, QueryGrid
from nonlocal_core.vocabulary import Pairwise


@runtime_checkable
class AffinityLike(Protocol):
    """One row of the affinity and its grids, for instance a ``query.AffinityRow``."""

    @property
    def values(self) -> Float[np.ndarray, " N"]:
        """The weight of each key, in affinity units."""

    @property
    def heat(self) -> Float[np.ndarray, "T H W"]:
        """The same values on the key grid."""

    @property
    def key_grid(self) -> KeyGrid:
        """Grid of the values."""

    @property
    def query(self) -> Cell:
        """The cell that looks."""

    @property
    def own_key(self) -> Cell:
        """The key cell over it."""

    @property
    def query_grid(self) -> QueryGrid:
        """Grid of the query."""

    @property
    def pairwise(self) -> Pairwise:
        """The pairwise function."""

    @property
    def note(self) -> str:
        """Sentences that stand with every picture and number of this row, or an empty string."""

    @property
    def uniform(self) -> float:
        """1 / Nk, the weight of each key in an even row."""

    @property
    def per_step_share(self) -> Float[np.ndarray, " T"]:
        """The part of each step of the keys in the sum of absolute weights."""


def is_signed(row: AffinityLike) -> bool:
    """Tell whether the row can hold negative weights: only the dot product can (paper, equation 4)."""
    return row.pairwise == "dot_product"


def times_uniform_per_unit(row: AffinityLike) -> float:
    """Return the factor from affinity units to multiples of an even row, 0 for a row without any weight.

    A softmax row sums to 1, so the factor is Nk. Other rows are measured against the mean of their absolute values.
    Weight on keys without a position (class tokens) follows from the rest that the shares leave to 1.
    """
    on_grid = float(np.abs(row.values[np.isfinite(row.values)]).sum(dtype=np.float64))
    kept = float(row.per_step_share.sum())
    total = on_grid / kept if 0 < kept < 1 else on_grid
    return 1.0 / (row.uniform * total) if total > 0 else 0.0


def top_times_uniform(row: AffinityLike) -> float:
    """Return the largest absolute weight as a multiple of an even row, 0 for a row without any weight."""
    sizes = np.where(np.isfinite(row.heat), np.abs(row.heat), 0)
    return float(sizes.max()) * times_uniform_per_unit(row)
