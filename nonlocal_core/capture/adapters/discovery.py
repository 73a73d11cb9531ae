"""Modules that attend and whose names do not say so: found by what they ask of torch while their network runs once."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from nonlocal_core.capture.adapters.factors import PRODUCTS
from nonlocal_core.capture.adapters.products import SOFTMAXES


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
        handles.append(module.register_forward_pre_hook(watch.begin))
        handles.append(module.register_forward_hook(watch.end, always_call=True))
    try:
        with watch:
            yield watch
    finally:
        for handle in handles:
            handle.remove()


class Discovery(TorchFunctionMode):
    """Modules that ask for a softmax and a product, or for torch's own attention."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._names = {module: name for name, module in model.named_modules()}
        self._running: list[nn.Module] = []
        self._softmaxes: dict[nn.Module, None] = {}
        self._products: set[nn.Module] = set()
        self._weights: dict[nn.Module, Any] = {}
        self._weighing: dict[nn.Module, None] = {}

    @property
    def attending(self) -> tuple[str, ...]:
        """Names of the modules, in the order in which they ran; those within another of them are left out."""
        return self._outermost(module for module in self._softmaxes if module in self._products)

    @property
    def weighing(self) -> tuple[str, ...]:
        """Those among them whose product was seen to take the softmax itself, so that they attend for certain."""
        return self._outermost(self._weighing)

    def _outermost(self, modules: Iterable[nn.Module]) -> tuple[str, ...]:
        names = [self._names[module] for module in modules]
        return tuple(
            name for name in names if not any(f"{name}.".startswith(f"{other}.") for other in names if other != name)
        )

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one function of torch, and note which module asked for it."""
        module = self._owner()
        if module is not None and func in (*SOFTMAXES, functional.scaled_dot_product_attention):
            self._softmaxes[module] = None
        if module is not None and func in (*PRODUCTS, functional.scaled_dot_product_attention):
            self._products.add(module)
        made = func(*args, **(kwargs or {}))
        if module is not None and func in SOFTMAXES:
            self._weights[module] = _memory(made)
        own = None if module is None else self._weights.get(module)
        is_weighed = own is not None and func in PRODUCTS and own in map(_memory, args[:2])
        if module is not None and (is_weighed or func is functional.scaled_dot_product_attention):
            self._weighing[module] = None
        return made

    def _owner(self) -> nn.Module | None:
        """Return the innermost running module with weights; a module without any only does a part of its work."""
        own = (each for each in reversed(self._running) if each in self._names)  # not a copy that a proof runs
        return next((each for each in own if next(each.parameters(), None) is not None), None)

    def begin(self, module: nn.Module, _args: Any) -> None:
        """Note that a module runs."""
        self._running.append(module)

    def end(self, _module: nn.Module, _args: Any, _output: Any) -> None:
        """Note that it does so no more."""
        self._running.pop()


def _memory(part: Any) -> int | None:
    """Return where the values of a tensor begin, whatever its shape; None for anything else."""
    is_plain = type(part) is Tensor and part.layout is torch.strided
    return part.untyped_storage().data_ptr() if is_plain else None
