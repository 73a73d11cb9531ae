"""Axes of a layer's tables and of its outputs: sequences, heads, tokens."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from nonlocal_core.capture.adapters.seen.products import Unclear
from nonlocal_core.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Lead:
    """Leading axes of a layer's tables: sequences, perhaps in two axes, and heads."""

    shape: tuple[int, ...]
    stated: int | None
    """The number of heads that the layer states."""
    sequences: int | None = None
    """The number of sequences whose tokens are the queries, if the axes after these are heads, in groups perhaps."""

    @property
    def heads(self) -> int:
        """Number of heads."""
        if self.sequences is not None:
            return math.prod(self.shape) // self.sequences
        if len(self.shape) < 2:
            return self.stated or 1
        return self.shape[self._axis]

    @property
    def _axis(self) -> int:
        """Axis of the heads: the last of the stated length, else the second."""
        fits = [axis for axis in range(len(self.shape) - 1, -1, -1) if self.shape[axis] == self.stated and axis]
        return fits[0] if fits else 1

    def parted(self, table: Float[Tensor, "*lead n D"]) -> Float[Tensor, "B heads n D"]:
        """Return a table with one axis of sequences and one of heads. Raises Unclear if it has no such axes."""
        if self.sequences is not None:
            return table.reshape(self.sequences, self.heads, *table.shape[-2:])
        if len(self.shape) < 2:
            count = self.shape[0] if self.shape else 1
            if count % self.heads:
                raise Unclear(f"multiplies {count} tables, which are no number of {self.heads} heads")
            return table.reshape(-1, self.heads, *table.shape[-2:])
        return table.movedim(self._axis, -3).flatten(0, -4)

    def joined(self, y: Float[Tensor, "B heads n D"]) -> Float[Tensor, "*lead n D"]:
        """Return a table with the axes that the layer has."""
        if self.sequences is not None or len(self.shape) < 2:
            return y.reshape(*self.shape, *y.shape[-2:])
        batch = [size for axis, size in enumerate(self.shape) if axis != self._axis]
        return y.reshape(*batch, *y.shape[1:]).movedim(len(batch), self._axis)


class Laid:
    """Order in which the output of a layer holds its tokens.

    ``first``: the number of tokens at the front of a sequence that the layer may drop. ``order``: the order of the
    queries if it differs from the layer's. ``are_maps``: whether a map that has as many channels as columns holds them
    in its second axis. Raises Unclear if no order of the queries fits.
    """

    def __init__(
        self,
        z: Tensor,
        sizes: tuple[int, int],
        scope: Scope,
        first: int = 0,
        order: Int[Tensor, " n"] | None = None,
        *,
        are_maps: bool = False,
    ) -> None:
        self._cells: Int[Tensor, "B n"] | None = None
        for dropped in dict.fromkeys((0, first)):
            batch, tokens = sizes[0], sizes[1] - dropped
            shape = tuple(z.shape if z.ndim > 2 else z[None].shape)
            axes = (_map_axes(shape, batch, tokens) if are_maps else None) or _axes(shape, batch, tokens, scope)
            if axes is not None:
                self._axes, self._sizes, self.dropped = axes, (batch, tokens), dropped
                self._order = None if dropped else order
                return
        raise Unclear(
            f"returns {tuple(z.shape)} for {sizes[0]} sequences of {sizes[1]} queries: it pools or drops some of them, "
            "or orders them in a way that this viewer does not know"
        )

    @classmethod
    def of_cells(cls, z: Tensor, cells: Int[Tensor, "B n"]) -> "Laid":
        """Return the order of an output that is a map, of which each query is a cell."""
        made = cls(z, _map_sizes(z, cells.numel()), "space" if z.ndim < 5 else "spacetime")
        made._cells = cells
        return made

    def rows(self, z: Tensor) -> Float[Tensor, "B n C"]:
        """Return the output, sequence by sequence; a single query of each, or a single sequence, may lack its axis.

        Zeros stand for tokens that the layer drops.
        """
        z = z if z.ndim > 2 else z[None]
        made = z.permute(self._axes).reshape(*self._sizes, -1)
        if self._cells is not None:
            return made.flatten(0, 1)[self._cells.to(made.device)]
        made = made if self._order is None else made[:, self._order]
        return functional.pad(made, (0, 0, self.dropped, 0)) if self.dropped else made


def _map_sizes(z: Tensor, cells: int) -> tuple[int, int]:
    """Return the number of sequences in an output of ``cells`` cells, and the number of cells in each."""
    return len(z), cells // max(1, len(z))


def _axes(shape: tuple[int, ...], batch: int, tokens: int, scope: Scope) -> tuple[int, ...] | None:
    """Return the axes of an output in the order sequences, tokens, channels, or None if none is known."""
    count, last = len(shape), len(shape) - 1
    maps, flat = tuple(range(2, count)), tuple(range(count))
    if shape[0] == batch and math.prod(shape[1:-1]) == tokens:
        return flat
    if math.prod(shape[:-2]) == batch and shape[-2] == tokens:  # sequences in several axes
        return flat
    if count == 3 and shape[:2] == (tokens, batch):
        return 1, 0, 2
    if count == 3 and shape[:2] == (1, batch * tokens):  # sequences behind each other
        return flat
    if shape[:2] == (batch, tokens):  # heads apart
        return flat
    if batch == 1 and math.prod(shape[:-1]) == tokens:  # frames of one sequence
        return flat
    if batch == 1 and count > 3 and shape[0] * math.prod(shape[2:]) == tokens:
        return 0, *maps, 1
    if count == 4 and shape[:3] == (1, tokens, batch):  # sequences along time, frames first
        return 0, 2, 1, 3
    of_maps = _map_axes(shape, batch, tokens)
    if of_maps is not None:
        return of_maps
    if scope == "space" and count == 5 and shape[:1] == (1,):  # frames in the middle of a clip
        if shape[1] == batch and math.prod(shape[2:-1]) == tokens:
            return flat
        return (0, *maps, 1) if shape[2] == batch and math.prod(shape[3:]) == tokens else None
    if scope == "time" and count == 4 and shape[0] == tokens:  # frames as a batch
        if math.prod(shape[1:-1]) == batch:
            return 1, 2, 0, last
        return (2, 3, 0, 1) if math.prod(shape[2:]) == batch else None
    if scope == "time" and count == 5 and shape[:1] == (1,):
        if shape[1] == tokens and math.prod(shape[2:-1]) == batch:
            return 0, 2, 3, 1, last
        return (0, 3, 4, 2, 1) if shape[2] == tokens and math.prod(shape[3:]) == batch else None
    return None


def _map_axes(shape: tuple[int, ...], batch: int, tokens: int) -> tuple[int, ...] | None:
    """Return the axes of maps whose channels come second, in the order of ``_axes``, or None if they are none."""
    is_one = len(shape) > 3 and shape[0] == batch and math.prod(shape[2:]) == tokens
    return (0, *range(2, len(shape)), 1) if is_one else None


def tensors_in(output: Any) -> Iterator[tuple[Any, Tensor]]:
    """Yield the tensors that a layer returns, each after its index or key in the output."""
    if isinstance(output, Tensor):
        yield 0, output
    elif isinstance(output, Mapping):
        yield from ((key, part) for key, part in output.items() if isinstance(part, Tensor))
    elif isinstance(output, tuple | list):
        yield from ((index, part) for index, part in enumerate(output) if isinstance(part, Tensor))
