"""Modules that attend and whose names do not say so: found by what they ask of torch while their network runs once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
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

    @property
    def attending(self) -> tuple[str, ...]:
        """Names of the modules, in the order in which they ran; those within another of them are left out."""
        names = [self._names[module] for module in self._softmaxes if module in self._products]
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
        return func(*args, **(kwargs or {}))

    def _owner(self) -> nn.Module | None:
        """Return the innermost running module with weights; a module without any only does a part of its work."""
        return next((each for each in reversed(self._running) if next(each.parameters(), None) is not None), None)

    def begin(self, module: nn.Module, _args: Any) -> None:
        """Note that a module runs."""
        self._running.append(module)

    def end(self, _module: nn.Module, _args: Any, _output: Any) -> None:
        """Note that it does so no more."""
        self._running.pop()
