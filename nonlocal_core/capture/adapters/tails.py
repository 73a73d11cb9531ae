"""The way from y to the output of a layer, by the layer itself: it runs once more with another y in its middle."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

_LINEAR = 1e-4
"""Error of the linear map, in its own range, up to which the way counts as linear."""

_SEED = 5


@dataclass(slots=True, kw_only=True, eq=False)
class Tail:
    """Function from rows of y to what a layer makes of them, beside what it would give without any."""

    run: Callable[[Float[Tensor, "B heads n Dv"]], Float[Tensor, "B n C"]]
    """Returns the layer's output for another y."""
    like: Float[Tensor, "B heads n Dv"]
    """A tensor of the sizes and the kind of y."""
    _without: Float[Tensor, "B n C"] | None = field(default=None)
    _matrix: Float[Tensor, "heads_Dv C"] | None = field(default=None)
    _is_linear: bool = True

    @property
    def without(self) -> Float[Tensor, "B n C"]:
        """The output where y is zero: biases, and whatever else the layer adds."""
        if self._without is None:
            self._without = self.run(torch.zeros_like(self.like))
        return self._without

    def __call__(self, y: Float[Tensor, "1 m heads_Dv"]) -> Float[Tensor, "1 m C"]:
        """Return what the layer makes of rows of y; token by token, wherever they lie."""
        if self._matrix is None and self._is_linear:
            self._matrix = self._linear()
            self._is_linear = self._matrix is not None
        return y @ self._matrix if self._matrix is not None else self._by_runs(y[0])[None]

    def _linear(self) -> Float[Tensor, "heads_Dv C"] | None:
        """Return the matrix that the layer multiplies y by, None where it does something else."""
        width = self.like.shape[1] * self.like.shape[3]
        matrix = self._by_runs(torch.eye(width).to(self.like))
        generator = torch.Generator().manual_seed(_SEED)
        tried = torch.randn(min(width, self._slots), width, generator=generator).to(self.like)
        made = self._by_runs(tried)
        error = (made - tried @ matrix).abs().max()
        return matrix if bool(error <= _LINEAR * made.abs().max()) else None

    @property
    def _slots(self) -> int:
        batch, _, tokens, _ = self.like.shape
        return batch * tokens

    def _by_runs(self, y: Float[Tensor, "m heads_Dv"]) -> Float[Tensor, "m C"]:
        batch, heads, tokens, width = self.like.shape
        made = []
        for start in range(0, len(y), self._slots):
            some = y[start : start + self._slots]
            slots = torch.zeros(self._slots, heads * width).to(self.like)
            slots[: len(some)] = some.to(self.like)
            run = self.run(slots.reshape(batch, tokens, heads, width).transpose(1, 2))
            made.append((run - self.without).flatten(0, 1)[: len(some)])
        return torch.cat(made).to(y.dtype)
