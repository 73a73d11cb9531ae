"""Outputs of a layer's projections from its run, so that recording does not compute them a second time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class _Made:
    given: Tensor
    table: Tensor
    version: int
    """Version of the table when it was made: torch counts how often a tensor was written into."""


@dataclass(frozen=True, slots=True, eq=False)
class Projections:
    """Memory of the projections of one layer; empty except while the layer runs and is watched.

    ``watch`` hooks the projections. Their outputs are dropped when the layer's own hooks have run.
    """

    layer: nn.Module
    names: tuple[str, ...]
    _made: dict[nn.Module, _Made] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Projections":
        """Return an empty memory for a copy of the layer, which carries no hooks."""
        return Projections(memo.get(id(self.layer), self.layer), self.names)

    def watch(self) -> Callable[[], None]:
        """Remember the outputs of the projections until the returned function is called."""
        handles = [getattr(self.layer, name).register_forward_hook(self._keep) for name in self.names]
        handles.append(self.layer.register_forward_hook(self._forget, always_call=True))

        def stop() -> None:
            for handle in handles:
                handle.remove()
            self._made.clear()

        return stop

    def of(self, name: str, tokens: Tensor) -> Tensor:
        """Return the projection of tokens: its last output if it was for these tokens, else the output of a new run."""
        projection = getattr(self.layer, name)
        kept = self._made.get(projection)
        if kept is not None and kept.given is tokens and kept.table._version == kept.version:
            return kept.table
        made: Tensor = projection(tokens)
        return made

    def _keep(self, projection: nn.Module, given: tuple[Any, ...], table: Any) -> None:
        if given and isinstance(table, Tensor) and not table.is_inference():  # which counts no writing
            self._made[projection] = _Made(given[0], table, table._version)

    def _forget(self, _layer: nn.Module, _given: tuple[Any, ...], _output: Any) -> None:
        self._made.clear()
