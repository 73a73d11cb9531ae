"""Restoration of a network after a run: all that the run may change is saved before and restored after."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_OBJECTS_DEEP = 2
"""Depth of plain objects, such as a custom cache, that are searched: those that a module holds itself."""
ATOMS = (str, bytes, int, float, complex, type, type(None), FunctionType, BuiltinFunctionType, MethodType, ModuleType)
"""Types whose values hold nothing that a run changes."""


@contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Restore on leaving whatever a run changed, even if it failed.

    That is all that the modules hold beside the values of their parameters: buffers, attributes, modes, hooks, and the
    tensors, lists, dictionaries, generators and objects in them. Otherwise a cache that the run filled would remain,
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
    """Former values, and the functions that restore them."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._seen: dict[int, Any] = {}

    def remember(self, value: Any, *, objects: int) -> None:
        """Remember a value and its contents; ``objects``: the depth of plain objects to search."""
        if isinstance(value, ATOMS) or id(value) in self._seen:
            return
        self._seen[id(value)] = value  # alive, so that its id stays its own
        match value:
            case nn.Module():  # also one that no other registers, as in a plain list
                self.remember(vars(value), objects=objects)
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
                if tensor.requires_grad != flag:  # of one made under inference_mode it cannot be set
                    tensor.requires_grad_(flag)
                tensor.grad = grad
        elif type(tensor) is not Tensor or tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
            return  # kept by identity: such a tensor is made anew, not written into
        else:
            alias, saved = tensor.detach(), tensor.detach().clone()

            def undo() -> None:
                if (tensor.data_ptr(), tensor.shape) != (alias.data_ptr(), alias.shape):
                    tensor.data = alias
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
    """Return whether two tensors of one kind hold the same bits. NaN counts like any number."""
    return torch.equal(*(part.reshape(-1).view(torch.uint8) for part in (one, other)))


def _rewinding(generator: Any) -> Callable[[], None] | None:
    """Return a function that restores a random generator's present state, or None for any other object."""
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
