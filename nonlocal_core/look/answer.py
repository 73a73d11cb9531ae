"""Interface between an answer and the pictures and words about it."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from nonlocal_core.geometry import Cell, Grid
from nonlocal_core.vocabulary import Direction, Rule


@runtime_checkable
class Answer(Protocol):
    """Weights of one question on the grid they are drawn on: a ``query.AffinityRow`` or ``query.AffinityColumn``."""

    @property
    def heat(self) -> Float[np.ndarray, "T H W"]:
        """Weights in affinity units."""

    @property
    def grid(self) -> Grid:
        """Grid of the weights."""

    @property
    def asked(self) -> Cell:
        """The cell that was asked."""

    @property
    def asked_cells(self) -> tuple[Cell, ...]:
        """All asked cells, ``asked`` first."""

    @property
    def marked_cells(self) -> tuple[Cell, ...]:
        """Asked cells that pictures mark: none if no position asked."""

    @property
    def asked_grid(self) -> Grid:
        """Grid of the asked cell."""

    @property
    def direction(self) -> Direction:
        """Direction of the question: the asked cell looks, or is looked at."""

    @property
    def pairwise(self) -> Rule:
        """The pairwise function, or the rule in its place."""

    @property
    def is_signed(self) -> bool:
        """True if weights can be negative."""

    @property
    def is_walled(self) -> bool:
        """True if positions attend within windows, whose walls are drawn in pictures."""

    @property
    def minus(self) -> tuple[Cell, ...]:
        """Cells whose mean was subtracted from that of the asked ones."""

    @property
    def asker_words(self) -> str | None:
        """Name in a sentence of an asker or key off the grid, such as "the class token"; None for positions."""

    @property
    def note(self) -> str:
        """Sentences shown with every picture and number of this answer, or an empty string."""

    @property
    def times_uniform_per_unit(self) -> float:
        """Factor from affinity units to multiples of an even share; 0 for an answer without any weight."""

    @property
    def positive_part(self) -> float:
        """Share in [0, 1] of the positive weight in the sum of absolute weights."""

    @property
    def cell_share(self) -> Float[np.ndarray, "T H W"]:
        """Share of each cell in the sum of positive weights, on and off the grid; zeros if that sum is 0."""

    @property
    def own_cells(self) -> Bool[np.ndarray, "T H W"]:
        """The cells of the grid that lie over the asked ones."""

    @property
    def own_place(self) -> Bool[np.ndarray, "T H W"]:
        """Cells over the asked ones, and their neighbours in the same step."""
