"""The path from y to the output of a layer: the layer runs once more with another y inside."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

_LINEAR = 1e-4
"""Maximum error of the linear map, relative to its range, for the path to count as linear."""

_SEED = 5


@dataclass(slots=True, kw_only=True, eq=False)
class Tail:
    """Function from rows of y to a layer's output, less its output for y = 0."""

    run: Callable[[Float[Tensor, "B heads n Dv"]], Float[Tensor, "B n C"]]
    """Function that returns the layer's output for another y."""
    real: Float[Tensor, "B heads n Dv"]
    """The layer's own y."""
    numbers: Int[Tensor, " m"] = field(default_factory=lambda: torch.arange(0))
    """Number of the token, over all sequences, of each query in the order of the reading, the askers last."""
    _without: Float[Tensor, "B n C"] | None = field(default=None)
    _matrix: Float[Tensor, "heads_Dv C"] | None = field(default=None)
    _is_linear: bool = True

    @property
    def without(self) -> Float[Tensor, "B n C"]:
        """The output for y = 0: biases, and whatever else the layer adds."""
        if self._without is None:
            self._without = self.run(torch.zeros_like(self.real))
        return self._without

    def __call__(self, y: Float[Tensor, "1 m heads_Dv"]) -> Float[Tensor, "1 m C"]:
        """Return the layer's output for rows of y, computed token by token, wherever they lie."""
        matrix = self._found()
        return y @ matrix if matrix is not None else self._by_runs(y[0])[None]

    def at(self, y: Float[Tensor, "1 m heads_Dv"], queries: Int[Tensor, " m"]) -> Float[Tensor, "1 m C"]:
        """Return the layer's output for the y of some queries at their own places, for a layer that is not linear in y.

        A sum with the layer's input followed by a norm, for example, maps the same y to other outputs elsewhere.
        """
        matrix = self._found()
        if matrix is not None:
            return y @ matrix
        batch, heads, tokens, width = self.real.shape
        slots = self.real.transpose(1, 2).reshape(-1, heads * width).clone()
        places = self.numbers[queries.cpu()].to(slots.device)
        slots[places] = y[0].to(slots)
        run = self.run(slots.reshape(batch, tokens, heads, width).transpose(1, 2))
        return (run - self.without).flatten(0, 1)[places][None].to(y.dtype)

    def _found(self) -> Float[Tensor, "heads_Dv C"] | None:
        """Return the result of ``_linear``, computed once."""
        if self._matrix is None and self._is_linear:
            self._matrix = self._linear()
            self._is_linear = self._matrix is not None
        return self._matrix

    def _linear(self) -> Float[Tensor, "heads_Dv C"] | None:
        """Return the matrix that the layer multiplies y by, or None if it does something else."""
        width = self.real.shape[1] * self.real.shape[3]
        matrix = self._by_runs(torch.eye(width).to(self.real))
        generator = torch.Generator().manual_seed(_SEED)
        tried = torch.randn(min(width, self._slots), width, generator=generator).to(self.real)
        made = self._by_runs(tried)
        error = (made - tried @ matrix).abs().max()
        return matrix if bool(error <= _LINEAR * made.abs().max()) else None

    @property
    def _slots(self) -> int:
        batch, _, tokens, _ = self.real.shape
        return batch * tokens

    def _by_runs(self, y: Float[Tensor, "m heads_Dv"]) -> Float[Tensor, "m C"]:
        batch, heads, tokens, width = self.real.shape
        made = []
        for start in range(0, len(y), self._slots):
            some = y[start : start + self._slots]
            slots = torch.zeros(self._slots, heads * width).to(self.real)
            slots[: len(some)] = some.to(self.real)
            run = self.run(slots.reshape(batch, tokens, heads, width).transpose(1, 2))
            made.append((run - self.without).flatten(0, 1)[: len(some)])
        return torch.cat(made).to(y.dtype)
