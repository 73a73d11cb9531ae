"""Calls of attention layers: their tokens, and every argument by its name."""

from collections.abc import Mapping
from contextlib import suppress
from contextvars import Context
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nonlocal_core.capture.reading import first_input, named_arguments


class LayerCall(NamedTuple):
    """One call of an attention layer."""

    tokens: Any
    """Source of the queries: the first argument, unless the layer makes its own tokens."""
    key: Any
    """Source of the keys; ``tokens`` if the layer takes no other."""
    value: Any
    arguments: Mapping[str, Any]
    """Every argument that was given and is not None, by its name in the layer's ``forward``."""

    def given(self, *names: str) -> str | None:
        """Return the first of these names that the call has an argument for."""
        return next((name for name in names if name in self.arguments), None)


def layer_call(layer: nn.Module, projection: nn.Linear, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LayerCall:
    """Return the record of a self-attention call; ``projection``: the module that makes its queries.

    A layer that makes its own tokens runs once more, up to that module, to get them.
    """
    tokens = first_input(args, kwargs)
    takes = isinstance(tokens, Tensor) and tokens.ndim in (2, 3) and tokens.shape[-1] == projection.in_features
    if not takes:
        made = input_of_part(layer, projection, args, kwargs)
        tokens = tokens if made is None else made
    return LayerCall(tokens, tokens, tokens, named_arguments(layer, args, kwargs))


class _ReachedError(Exception):
    """Signal that ends a run once it has reached the part."""


def input_of_part(block: nn.Module, part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """Return the input of one part of a block in a call with these arguments, or None if the part is not reached.

    Runs the block again, up to the part, outside any recording.
    """
    seen: list[Tensor] = []

    def stop(_part: nn.Module, given: tuple[Any, ...]) -> None:
        seen.append(given[0])
        raise _ReachedError

    handle = part.register_forward_pre_hook(stop)
    try:
        with suppress(_ReachedError):
            Context().run(block.forward, *args, **kwargs)
    finally:
        handle.remove()
    return seen[0] if seen else None


class Reached(NamedTuple):
    """Tensors of a rerun of a module up to one of its parts."""

    tokens: Tensor
    """The first argument of the part."""
    maps: tuple[Tensor, ...]
    """The noise that the module was given, and the outputs of its parts on the way."""
    before: tuple[Tensor, ...]
    """Inputs of the parts around the part, of the shape of its tokens, the nearest first: its tokens before a norm."""


def rerun_up_to(
    module: nn.Module, part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], *, seed: int
) -> Reached | None:
    """Return the input of a part of a module in a call of the module with noise instead of its first tensor.

    None if the part is not reached.
    """
    generator = torch.Generator().manual_seed(seed)
    first = next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)), None)
    if first is None or not first.is_floating_point():
        return None
    noise = torch.randn(first.shape, generator=generator).to(first)
    maps, given_to, reached = [noise], list[Tensor](), list[Tensor]()

    def stop(_part: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        reached.append(first_input(given, named))
        raise _ReachedError

    def enter(_part: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        value = first_input(given, named) if given or named else None
        if isinstance(value, Tensor):
            given_to.append(value)

    def keep(_part: nn.Module, _given: tuple[Any, ...], made: Any) -> None:
        if isinstance(made, Tensor):
            maps.append(made)

    inside = [inner for inner in module.modules() if inner is not part]
    handles = [inner.register_forward_hook(keep) for inner in inside]
    handles += [inner.register_forward_pre_hook(enter, with_kwargs=True) for inner in inside]
    handles.append(part.register_forward_pre_hook(stop, with_kwargs=True))
    try:
        with suppress(_ReachedError):
            Context().run(
                module.forward,
                *(noise if value is first else value for value in args),
                **{name: noise if value is first else value for name, value in kwargs.items()},
            )
    finally:
        for handle in handles:
            handle.remove()
    if not (reached and isinstance(reached[0], Tensor)):
        return None
    before = dict.fromkeys(value for value in reversed(given_to) if value.shape == reached[0].shape)
    return Reached(reached[0], tuple(maps), tuple(before))
