"""Discovery of modules that attend under other names, by the torch functions that they call in one run."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nonlocal_core.capture.adapters.seen.factors import PRODUCTS, memory_of, memory_of_weights
from nonlocal_core.capture.adapters.seen.products import SOFTMAXES, WHOLE

_LOOKED = frozenset((*SOFTMAXES, *PRODUCTS, *WHOLE))


@contextmanager
def discovering(model: nn.Module) -> Iterator["Discovery"]:
    """Watch the runs of a network inside the ``with``.

    >>> class Plain(nn.Linear):
    ...     def forward(self, x):
    ...         return (self.weight @ x @ x.mT).softmax(-1) @ x
    >>> network = nn.Sequential(nn.Linear(3, 5), Plain(7, 7))
    >>> tokens = nn.Linear(3, 7).weight[None]
    >>> with discovering(network) as watch:
    ...     _ = network(tokens)
    >>> watch.attending
    ('1',)
    """
    watch, handles = Discovery(model), []
    for module in model.modules():
        if isinstance(module, torch.jit.ScriptModule):  # which takes no such hooks, and is one piece
            continue
        handles.append(module.register_forward_pre_hook(watch.begin))
        handles.append(module.register_forward_hook(watch.end, always_call=True))
    try:
        with watch:
            yield watch
    finally:
        for handle in handles:
            handle.remove()


class Discovery(TorchFunctionMode):
    """Modules that call a softmax and a product, or torch's own attention."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._names = {module: name for name, module in model.named_modules()}
        self._running: list[tuple[nn.Module, bool]] = []
        self._softmaxes: dict[nn.Module, None] = {}
        self._products: set[nn.Module] = set()
        self._weights: dict[nn.Module, Any] = {}
        self._weighing: dict[nn.Module, None] = {}
        self._own = memory_of_weights(model)
        self._comparing: Counter[nn.Module] = Counter()
        self._tabled: dict[nn.Module, None] = {}

    @property
    def attending(self) -> tuple[str, ...]:
        """Names of the modules, in the order in which they ran; those within another of them are left out."""
        return self._outermost(module for module in self._softmaxes if module in self._products)

    @property
    def weighing(self) -> tuple[str, ...]:
        """Names of modules that multiply the softmax itself, so that they certainly attend."""
        return self._outermost(self._weighing)

    @property
    def comparing(self) -> tuple[str, ...]:
        """Names of the modules that twice multiply tables which they computed, as for scores and for values."""
        return self._outermost(module for module, count in self._comparing.items() if count > 1)

    @property
    def likely(self) -> tuple[str, ...]:
        """Names of `weighing`, and of `comparing` that enclose none of them: their softmax is cast, or not torch's."""
        certain = self.weighing
        return (*certain, *(name for name in self.comparing if not any(_holds(name, other) for other in certain)))

    @property
    def suspects(self) -> tuple[str, ...]:
        """Names of the modules that attend; else of those that compare, or take a softmax within tables."""
        certain = self.weighing
        around = [name for name in self.attending if not any(_holds(name, other) for other in certain)]
        return (*certain, *around) or self.comparing or self._outermost(self._tabled)

    def _outermost(self, modules: Iterable[nn.Module]) -> tuple[str, ...]:
        names = [self._names[module] for module in modules]
        return tuple(
            name for name in names if not any(f"{name}.".startswith(f"{other}.") for other in names if other != name)
        )

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one function of torch, and note the module that called it."""
        if func not in _LOOKED:
            return func(*args, **(kwargs or {}))
        asking = self._asking()
        module = asking[-1] if asking else None
        if module is not None and (func in SOFTMAXES or func in WHOLE):
            self._softmaxes[module] = None
        if module is not None and (func in PRODUCTS or func in WHOLE):
            self._products.add(module)
        made = func(*args, **(kwargs or {}))
        if module is not None and func in SOFTMAXES:
            self._weights |= dict.fromkeys(asking, memory_of(made))
            if made.ndim > 2:
                self._tabled[module] = None
        if module is not None and func in PRODUCTS:
            given = (*args, *(kwargs or {}).values())
            self._comparing[module] += self._are_computed(given)
            factors = [memory_of(part) for part in given if isinstance(part, Tensor)]
            self._weighing |= dict.fromkeys([each for each in asking if self._weights.get(each, 0) in factors][:1])
        if module is not None and func in WHOLE:
            self._weighing[module] = None
        return made

    def _are_computed(self, given: tuple[Any, ...]) -> bool:
        """Return whether a product is one of two tensors, neither of which is a weight."""
        parts = [part for part in given if isinstance(part, Tensor)]
        return len(parts) > 1 and not any(memory_of(part.detach()) in self._own for part in parts[-2:])

    def _asking(self) -> list[nn.Module]:
        """Return the running modules that may attend here, from the innermost up to the first that has weights.

        A module without weights counts if it takes one tensor alone. Others do a part of another module's work.
        """
        own = [each for each in self._running if each[0] in self._names]  # not a copy that a proof runs
        asking = []
        for module, is_alone in reversed(own):
            has_weights = next(module.parameters(), None) is not None
            if has_weights or is_alone:
                asking.append(module)
            if has_weights:
                return asking
        return []

    def begin(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Add a module to those that run."""
        self._running.append((module, sum(isinstance(each, Tensor) for each in args) == 1))

    def end(self, _module: nn.Module, _args: Any, _output: Any) -> None:
        """Remove the module from those that run."""
        self._running.pop()


def _holds(name: str, other: str) -> bool:
    """Return whether a module is another one or encloses it, by their names."""
    return not name or f"{other}.".startswith(f"{name}.")
