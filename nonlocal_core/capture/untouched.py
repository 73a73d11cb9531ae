"""A network left as it was: what a run may change in it is remembered and put back, and a copy of it runs apart."""

import copy
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_OBJECTS_DEEP = 1
"""Plain objects, such as a cache of somebody's own, are looked into where a module holds them itself."""
_ATOMS = (str, bytes, int, float, complex, type, type(None), FunctionType, BuiltinFunctionType, MethodType, ModuleType)
_RECOMPUTES = "torch.nn.utils"
"""Where the hooks come from without which a layer has no weight: old weight norm, old spectral norm, pruning."""

_POWER_STEPS = 15
"""As many as ``torch.nn.utils.parametrizations.spectral_norm`` takes itself on first sight of a weight."""


@contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Put back on leaving whatever a run changed, also where it failed.

    That is what the modules hold beside the values of their parameters: buffers, attributes, modes, hooks, and the
    tensors, lists, dictionaries, generators and objects in them. A cache that the run filled would otherwise stay
    without the gradients that training needs.
    """
    kept = _Kept()
    for module in model.modules():
        kept.remember(vars(module), objects=_OBJECTS_DEEP)
    try:
        yield
    finally:
        kept.put_back()


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Leave the global generators of Python, NumPy and torch as they were."""
    pythons, numpys, torchs = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    cudas = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        random.setstate(pythons)
        np.random.set_state(numpys)  # noqa: NPY002
        torch.set_rng_state(torchs)
        if cudas:
            torch.cuda.set_rng_state_all(cudas)


class _Kept:
    """Former values, and how to have them again."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._seen: dict[int, Any] = {}

    def remember(self, value: Any, *, objects: int) -> None:
        """Remember a value and what it holds; ``objects``: how many plain objects deep."""
        if isinstance(value, _ATOMS) or id(value) in self._seen:
            return
        self._seen[id(value)] = value  # alive, so that its id stays its own
        match value:
            case nn.Module():
                return  # ``left_as_it_was`` visits each itself
            case Tensor():
                self._tensor(value)
            case dict():
                self._dictionary(value, objects)
            case list() | deque() | set():
                self._collection(value, objects)
            case tuple() | frozenset():
                for part in value:
                    self.remember(part, objects=objects)
            case _:
                self._object(value, objects)

    def put_back(self) -> None:
        """Undo all changes."""
        for undo in reversed(self._undo):
            undo()

    def _tensor(self, tensor: Tensor) -> None:
        if isinstance(tensor, nn.Parameter):
            flag, grad = tensor.requires_grad, tensor.grad

            def undo() -> None:
                tensor.requires_grad_(flag)
                tensor.grad = grad
        else:
            alias, saved = tensor.detach(), tensor.detach().clone()

            def undo() -> None:
                if not _same(alias, saved):
                    with torch.inference_mode(alias.is_inference()), torch.no_grad():
                        alias.copy_(saved)

        self._undo.append(undo)

    def _dictionary(self, table: dict[Any, Any], objects: int) -> None:
        saved = dict(table)

        def undo() -> None:
            for key in [key for key in table if key not in saved]:
                del table[key]
            for key, value in saved.items():
                if key not in table or table[key] is not value:
                    table[key] = value

        self._undo.append(undo)
        for value in saved.values():
            self.remember(value, objects=objects)

    def _collection(self, values: Any, objects: int) -> None:
        saved = list(values)

        def undo() -> None:
            now = list(values)
            if len(now) != len(saved) or any(a is not b for a, b in zip(now, saved, strict=True)):
                values.clear()
                (values.update if isinstance(values, set) else values.extend)(saved)

        self._undo.append(undo)
        for value in saved:
            self.remember(value, objects=objects)

    def _object(self, value: Any, objects: int) -> None:
        rewind = _rewinding(value)
        if rewind is not None:
            self._undo.append(rewind)
        elif objects and isinstance(getattr(value, "__dict__", None), dict):
            self.remember(vars(value), objects=objects - 1)


def _same(one: Tensor, other: Tensor) -> bool:
    if one.is_floating_point() or one.is_complex():
        return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
    return torch.equal(one, other)


def _rewinding(generator: Any) -> Callable[[], None] | None:
    """Return what gives a random generator its present state again, None for any other object."""
    match generator:
        case torch.Generator():
            drawn = generator.get_state()
            return _calling(generator.set_state, drawn)
        case np.random.Generator():
            state = generator.bit_generator.state
            return _calling(partial(setattr, generator.bit_generator, "state"), state)
        case np.random.RandomState():
            return _calling(generator.set_state, generator.get_state())
        case random.Random():
            return _calling(generator.setstate, generator.getstate())
    return None


def _calling(function: Callable[[Any], Any], argument: Any) -> Callable[[], None]:
    def call() -> None:
        function(argument)

    return call


def copied_apart(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return copies of modules, and of what refers to them, that can run without a trace on the modules themselves.

    Tensors that a run or a training step left on a module, which Python's copy refuses, come without their history.
    Hooks stay behind, except those that compute a layer's weight. What cannot be copied, such as a lock, is shared.
    """
    memo: dict[int, Any] = {}
    for module in (module for part in parts if isinstance(part, nn.Module) for module in part.modules()):
        for name, value in vars(module).items():
            if name.endswith(("_hooks", "_hooks_with_kwargs", "_hooks_always_called")):
                memo[id(value)] = OrderedDict(_needed_hooks(value) if name == "_forward_pre_hooks" else ())
            else:
                _ease(value, memo)
    return copy.deepcopy(parts, memo)


def cast(module: nn.Module, device: str, dtype: torch.dtype) -> None:
    """Move a copy whole: its parameters and buffers, and the tensors that its modules hold as plain attributes."""
    module.to(device, dtype)
    for part in module.modules():
        for name, value in list(vars(part).items()):
            if isinstance(value, Tensor | dict | list | tuple) and not name.startswith("_"):
                vars(part)[name] = _cast(value, device, dtype)


def _cast(value: Any, device: str, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
        return value.to(device, dtype) if value.is_floating_point() else value.to(device)
    if type(value) is dict:
        return {key: _cast(part, device, dtype) for key, part in value.items()}
    return type(value)(_cast(part, device, dtype) for part in value) if type(value) in (list, tuple) else value


def _needed_hooks(hooks: dict[int, Any]) -> dict[int, Any]:
    return {key: copy.deepcopy(hook) for key, hook in hooks.items() if type(hook).__module__.startswith(_RECOMPUTES)}


def _ease(value: Any, memo: dict[int, Any]) -> None:
    """Write into a memo of ``copy.deepcopy`` what to take for values that it refuses."""
    if isinstance(value, (*_ATOMS, nn.Module, nn.Parameter)) or id(value) in memo:
        return
    if isinstance(value, Tensor):
        memo[id(value)] = value.detach().clone()
    elif isinstance(value, torch.Generator):
        memo[id(value)] = torch.Generator(value.device).set_state(value.get_state())
    elif isinstance(value, dict | list | deque | set | tuple | frozenset):
        for part in value.values() if isinstance(value, dict) else value:
            _ease(part, memo)
    else:
        try:
            copy.deepcopy(value, dict(memo))
        except Exception:  # whatever it raises, it is not for copying
            memo[id(value)] = value


def settle_weight_norms(block: nn.Module) -> None:
    """Let every spectral norm of a block follow weights that were just drawn: some training steps of its own do."""
    for layer in block.modules():
        hooks: tuple[Any, ...] = tuple(layer._forward_pre_hooks.values())  # a copy has no others
        weights: tuple[str, ...] = tuple(getattr(layer, "parametrizations", ()))
        if not (hooks or weights):
            continue
        layer.train()
        for _ in range(_POWER_STEPS):
            for hook in hooks:
                hook(layer, ())
            for name in weights:
                getattr(layer, name)
        layer.eval()
