"""Size of what an attention layer adds to the residual stream, seen where the network computes that sum.

A block of the paper returns z = W_z y + x, so that its output tells. An attention layer leaves the sum to the network
around it, which may project, scale or norm the layer's output first, put windows together, shift or crop a map. So
every function of torch in the run is watched, and the layer's output is followed, with the query of each of its values,
through functions that move values or keep tokens apart, up to the sum with a tensor that the layer's own input was
computed from. Anything else on the way ends the search, and the size stays unknown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from nonlocal_core.capture.reading import BlockReading

_SUMS = {"add", "add_"}
_MOVES = {
    *("reshape", "reshape_as", "view", "view_as", "flatten", "unflatten", "squeeze", "unsqueeze", "contiguous"),
    *("clone", "permute", "transpose", "mT", "T", "swapaxes", "swapdims", "movedim", "moveaxis", "roll", "flip"),
    *("__getitem__", "narrow", "select", "chunk", "split", "unbind"),
}
"""Functions that move values and change none."""
_JOINS = {"cat", "concat", "concatenate"}
_CASTS = {"to", "float", "half", "bfloat16", "double", "type", "type_as", "detach"}
_POOLS = {f"{kind}_pool{axes}d" for kind in ("max", "avg") for axes in (1, 2, 3)}
_DROPOUTS = {"dropout", "dropout1d", "dropout2d", "dropout3d"}
_OF_VALUES = _DROPOUTS | {
    *("mul", "mul_", "multiply", "div", "div_", "relu", "relu_", "relu6", "leaky_relu", "gelu", "silu", "hardswish"),
    *("mish", "elu", "tanh", "sigmoid"),
}
"""Functions of each value alone, or of two at the same place."""
_NORMS = {"layer_norm", "rms_norm", "group_norm", "batch_norm", "instance_norm"}
_CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}
_OF_TOKENS = _MOVES | _JOINS | _CASTS | _OF_VALUES | _NORMS | _SUMS
"""Functions through which a tensor still holds what it held."""
_OF_A_STREAM = _MOVES | _JOINS | _CASTS | _POOLS | {"mul", "multiply"}
"""Functions whose result is still the stream, scaled perhaps, if they are given the stream."""
_MAY_RETURN = _MOVES | _CASTS | _DROPOUTS
"""Functions that return their argument if there is nothing to do."""
_OF_EACH_TOKEN = _CASTS | _OF_VALUES | _NORMS
"""Functions that keep every value of a token at its place."""
_TORCHS = (RuntimeError, TypeError, ValueError, IndexError)
"""Errors of torch for numbers in the place of values, and for tensors of kinds that have no lengths; the size is then
unknown, and the network runs on."""

_TINY = torch.finfo(torch.float32).tiny
_CHANNELS = (-1, 1)
"""Axes that may hold the channels of tokens and of maps."""


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """Origin of a tensor."""

    number: int
    """Number of the call that made it, from 1; 0 for a tensor that was there before the run."""
    by: str = ""
    """Name of the function that made it."""
    parents: "tuple[_Made, ...]" = ()
    """Origins of the function's arguments."""


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """Part of a layer's output that a tensor holds."""

    layer: str
    inputs: tuple[_Made, ...]
    """Origins of what the layer was called with."""
    queries: Int[Tensor, "..."]
    """Number of the query that each value of the tensor belongs to, from 1; 0 for none."""
    rows: Int[Tensor, " Nq"]
    """Number of the query of each position, since several share one where a layer pools its queries."""
    is_summed: bool = False
    """True behind a sum: a further one with what the layer's input came from shows that the first was not the stream's.
    """


class ResidualSums(TorchFunctionMode):
    """Watch of a run of a network inside the ``with``, whenever ``is_watching`` returns true.

    ``found``: ``|added| / |stream|`` at each position, for each layer whose sum was seen.
    """

    def __init__(self, is_watching: Callable[[], bool]) -> None:
        super().__init__()
        self.found: dict[str, Float32[np.ndarray, " Nq"]] = {}
        self._is_watching = is_watching
        self._calls = 0
        self._summed = set[str]()
        self._made: Any = WeakTensorKeyDictionary()
        self._followed: Any = WeakTensorKeyDictionary()

    def begin(self, layer: str, inputs: Any, output: Tensor, reading: BlockReading) -> None:
        """Follow the output of a layer that was read and proved; ``inputs``: all that it was called with."""
        origins = tuple(map(self._origin, _tensors(inputs)))
        of_each = None if self._holds(output, origins) else _query_of_each(output, reading)
        if of_each is not None:
            self._followed[output] = _Followed(layer, origins, *of_each)

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one function of torch; note what it made of what, and follow what a layer will add."""
        kwargs = kwargs or {}
        if not self._is_watching():
            return func(*args, **kwargs)
        name = _name_of(func)
        given = list(_tensors((args, kwargs)))
        held = [(each, self._followed[each]) for each in given if each in self._followed] if self._followed else []
        sums = (each for each in held if name in _SUMS and self._is_the_sum(*each, given, args, kwargs))
        summed = next(sums, None)
        made = func(*args, **kwargs)
        if name == "__setitem__":
            self._made[args[0]] = self._origin_of_next(name, given)
            self._followed.pop(args[0], None)
        results = list(_tensors(made))
        if name in _MAY_RETURN:
            results = [each for each in results if all(each is not other for other in given)]
        origin = self._origin_of_next(name, given) if results else None
        for each in results:
            self._made[each] = origin
            self._followed.pop(each, None)
        if summed is not None and results:
            self._followed[results[0]] = replace(summed[1], is_summed=True)
        elif held and len({followed.layer for _, followed in held}) == 1:
            try:
                moved = _moved(held, name, func, args, kwargs, results)
            except _TORCHS:
                moved = []
            for each, queries in zip(results, moved, strict=False):
                if queries is not None and queries.shape == each.shape:
                    self._followed[each] = replace(held[0][1], queries=queries)
        return made

    def _is_the_sum(
        self, added: Tensor, followed: _Followed, given: list[Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> bool:
        """Return whether a sum is that with the stream, and note the size of what it adds, before it is computed."""
        others = [each for each in given if each is not added]
        if len(args) + len(kwargs) != 2 or len(others) != 1 or others[0].shape != added.shape:
            return False
        if not self._is_stream(others[0], followed.inputs):
            return False
        if followed.layer in self._summed:
            self.found.pop(followed.layer, None)
            return True
        self._summed.add(followed.layer)
        try:
            sizes = [_sizes(each, followed) for each in (added, others[0])]
        except _TORCHS:
            return True
        if sizes[0] is not None and sizes[1] is not None:
            self.found[followed.layer] = (sizes[0] / sizes[1].clamp_min(_TINY)).cpu().numpy()
        return True

    def _origin_of_next(self, name: str, given: list[Tensor]) -> _Made:
        """Return the origin of what a function makes of some tensors, the next of the run."""
        self._calls += 1
        return _Made(self._calls, name, tuple(map(self._origin, given)))

    def _origin(self, tensor: Tensor) -> _Made:
        if tensor not in self._made:
            self._made[tensor] = _Made(0)
        origin: _Made = self._made[tensor]
        return origin

    def _holds(self, output: Tensor, inputs: tuple[_Made, ...]) -> bool:
        """Return whether a layer's output holds its input already, or what else was there before: it added within."""
        latest = max((each.number for each in inputs), default=0)
        return any(
            each in inputs or 0 < each.number <= latest
            for each in _walk((self._origin(output),), lambda each: each.by in _OF_TOKENS)
        )

    def _is_stream(self, tensor: Tensor, inputs: tuple[_Made, ...]) -> bool:
        """Return whether the inputs of a layer were computed from a tensor, or from what it was cut or pooled of."""
        of_it = set(_walk((self._origin(tensor),), lambda each: each.by in _OF_A_STREAM))
        earliest = min(each.number for each in of_it)
        return any(each in of_it for each in _walk(inputs, lambda each: each.number > earliest))


def _walk(origins: tuple[_Made, ...], goes_on: Callable[[_Made], bool]) -> Iterator[_Made]:
    """Yield origins and those that they come from, each once; ``goes_on``: whether to look behind one."""
    waiting = list(dict.fromkeys(origins))
    seen = set(waiting)
    for each in waiting:
        yield each
        if goes_on(each):
            new = [parent for parent in dict.fromkeys(each.parents) if parent not in seen]
            seen.update(new)
            waiting.extend(new)


def _moved(
    held: list[tuple[Tensor, _Followed]],
    name: str,
    func: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    results: list[Tensor],
) -> list[Int[Tensor, "..."] | None]:
    """Return the query of each value of a function's results; nothing if the function mixes tokens.

    ``held``: the arguments that hold what a layer will add, all of the same layer.
    """
    queries = held[0][1].queries
    if held[0][1].is_summed and name not in _OF_A_STREAM:
        return []
    if name in _MOVES or name in _JOINS:

        def of(value: Any) -> Any:
            if isinstance(value, list | tuple) and name in _JOINS:
                return [of(each) for each in value]
            found = next((followed.queries for each, followed in held if each is value), None)
            if found is None and name in _JOINS and isinstance(value, Tensor):
                return torch.zeros_like(value, dtype=queries.dtype)
            return value if found is None else found

        move = Tensor.reshape if name == "view" else func  # for the queries take other strides than the values
        return list(_tensors(move(*map(of, args), **{key: of(value) for key, value in kwargs.items()})))
    if len(held) != 1 or len(results) != 1:
        return []
    others = [each for each in _tensors((args, kwargs)) if each is not held[0][0]]
    if name == "linear" or (name in _CONVOLUTIONS and others[0].shape[2:].numel() == 1):
        return [_widened(queries, results[0].shape, -1 if name == "linear" else 1)]
    is_sum_with_weights = name in _SUMS and all(isinstance(each, nn.Parameter) for each in others)
    return [queries] if is_sum_with_weights or name in _OF_EACH_TOKEN else []


def _query_of_each(output: Tensor, reading: BlockReading) -> tuple[Int[Tensor, "..."], Int[Tensor, " Nq"]] | None:
    """Return ``_Followed.queries`` and ``rows`` of a layer's output, or None if its positions do not ask."""
    count, layout = reading.theta.shape[1], reading.layout or reading.rows
    for axis in _CHANNELS:
        shape = list(output.shape)
        shape[axis] = 1
        tokens = torch.Size(shape).numel()
        numbers = torch.arange(1, tokens + 1, dtype=torch.float64, device=output.device).reshape(shape)
        try:
            laid = layout(numbers)
        except _TORCHS:  # for a shape that cannot be laid out so
            continue
        is_certain = output.shape[1] != output.shape[-1] or _is_of_channels(axis, output, layout)
        if count and laid.shape == (count, 1) and bool((laid > 0).all()) and is_certain:
            used, rows = torch.unique(laid[:, 0].long(), return_inverse=True)
            queries = torch.zeros(tokens + 1, dtype=torch.int32, device=output.device)
            queries[used] = torch.arange(1, len(used) + 1, dtype=torch.int32, device=output.device)
            return queries[1:].reshape(shape).expand(output.shape), rows + 1
    return None


def _is_of_channels(axis: int, output: Tensor, layout: Callable[[Tensor], Tensor]) -> bool:
    """Return whether an axis of a layer's output holds the channels, where another one has the same length."""
    place = torch.arange(output.shape[axis], dtype=torch.float64, device=output.device)
    sizes = [1] * output.ndim
    sizes[axis] = -1
    return bool((layout(place.reshape(sizes).expand(output.shape)) == place).all())


def _sizes(values: Float[Tensor, "..."], followed: _Followed) -> Float32[Tensor, " Nq"] | None:
    """Return the length of the channels of each position, or None if they lie along no axis, or not all are there."""
    for axis in _CHANNELS:
        first = followed.queries.narrow(axis, 0, 1)
        if bool((followed.queries == first).all()):
            number = first.flatten().long()
            squares = torch.linalg.vector_norm(values.float(), dim=axis).square().flatten()
            most = max(int(number.max()), int(followed.rows.max()))
            are_there = number.new_zeros(most + 1).index_fill_(0, number, 1)[followed.rows]
            sums = squares.new_zeros(most + 1).index_add_(0, number, squares)
            return torch.sqrt(sums[followed.rows]) if bool(are_there.all()) else None
    return None


def _widened(queries: Int[Tensor, "..."], shape: torch.Size, axis: int) -> Int[Tensor, "..."] | None:
    """Return the query of each value of a result with other channels, or None if an axis holds more than channels."""
    first = queries.narrow(axis, 0, 1)
    is_channels = bool((queries == first).all())
    wide = list(first.shape)
    wide[axis] = shape[axis]
    return first.expand(shape) if is_channels and tuple(wide) == tuple(shape) else None


def _name_of(func: Any) -> str:
    """Return the name of a function of torch; for a property, that of the property."""
    name: str = getattr(func, "__name__", "")
    return getattr(func.__self__, "__name__", "") if name == "__get__" else name


def _tensors(values: Any) -> Iterator[Tensor]:
    """Yield the tensors in arguments or results, also those in lists, tuples and dictionaries."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)
