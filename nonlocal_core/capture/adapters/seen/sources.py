"""Sources of a layer's queries and keys: the input token of each, learned by changing the input.

A layer may put text, registers or learned keys beside the tokens that it is given, or cut a map into rows, columns or
windows itself. So it runs a few more times with noise at some of its tokens. The runs in which a token is changed spell
its number in binary, so that every movement shows the token that it came from.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nonlocal_core.capture.adapters.seen.windows import GivenMap, Windows, divided
from nonlocal_core.capture.reading import NotReadable

_SEED = 13
_MOVED = 1e-4
"""Fraction of the largest movement of any query or key above which one counts as moved."""

Tables = tuple[Float[Tensor, "B heads n D"], Float[Tensor, "B heads N D"]]
Sources = tuple[Int[Tensor, "B n"], Int[Tensor, "B N"]]
"""Numbers of tokens over the whole batch, -1 for a query or key of no token."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arranged:
    """Orders of queries and keys, the same in all sequences, that put those which the layer adds to its input first."""

    queries: Int[Tensor, " n"]
    keys: Int[Tensor, " N"]
    inner_queries: int
    inner_keys: int


def tokens_of(x: Tensor) -> tuple[int, int] | None:
    """Return the sequences and the tokens of each in a layer's input, or None for one of other axes.

    (B, N, C) are tokens, (B, C, H, W) maps of one frame each, (1, C, T, H, W) a clip.
    """
    if not x.is_floating_point() or x.ndim not in (3, 4, 5) or (x.ndim == 5 and len(x) > 1):
        return None
    return len(x), x.shape[1] if x.ndim == 3 else x[0, 0].numel()


def channels_first(x: Any, cells: int, layer: nn.Module) -> tuple[Any, Callable[[Tensor], Tensor]]:
    """Return a layer's input, a map (B, H, W, C) of ``cells`` cells with its channels first, and the way back.

    Where either axis may hold the channels, as many as rows, they come last for a layer of linear maps alone.
    """
    if not isinstance(x, Tensor) or x.ndim != 4 or x[..., 0].numel() != cells or has_channels_first(x, cells, layer):
        return x, lambda other: other
    return x.movedim(-1, 1), lambda other: other.movedim(1, -1).contiguous()


def has_channels_first(x: Any, cells: int, layer: nn.Module) -> bool:
    """Return whether a layer's input is a map (B, C, H, W) of ``cells`` cells; as for ``channels_first``."""
    if not isinstance(x, Tensor) or x.ndim != 4 or x[:, 0].numel() != cells:
        return False
    kinds = {nn.Linear if isinstance(part, nn.Linear) else nn.Conv2d for part in layer.modules() if _projects(part)}
    return x[..., 0].numel() != cells or kinds != {nn.Linear}


def _projects(part: nn.Module) -> bool:
    return isinstance(part, nn.Linear | nn.Conv2d)


def why_too_many(x: Any, batch: int, tokens: int) -> NotReadable | None:
    """Return the reason why sequences larger than a layer's map are not placed, or None for a layer without one."""
    if not isinstance(x, Tensor) or x.ndim != 4 or batch <= len(x):
        return None
    if batch * tokens <= max(x[:, 0].numel(), x[..., 0].numel()):
        return None
    return NotReadable(
        f"cuts its input of {tuple(x.shape)} into {batch} sequences of {tokens} tokens, which hold padding or some "
        "cells twice. Feed the network a size that its windows divide, with input_spec"
    )


def sources_of(tables: Callable[[Tensor], Tables], x: Tensor) -> Sources | None:
    """Return the source token of each query and of each key, or None if any depends on several tokens.

    ``tables``: a function that returns the queries and keys for an input of a shape that ``tokens_of`` knows.
    """
    before, shape = tables(x), (*x.shape[:2], 1) if x.ndim == 3 else (len(x), 1, *x.shape[2:])
    numbers = torch.arange(1, len(x) * (x.shape[1] if x.ndim == 3 else x[0, 0].numel()) + 1).reshape(shape)
    generator = torch.Generator().manual_seed(_SEED)
    noise = (torch.randn(x.shape, generator=generator) * float(x.float().std())).to(x)
    codes = [torch.zeros(part.shape[0], part.shape[2], dtype=torch.long) for part in before]
    for digit in range(int(numbers.max()).bit_length()):
        changed = (numbers >> digit & 1).bool().to(x.device)
        after = tables(torch.where(changed, x + noise, x))
        if any(one.shape != other.shape for one, other in zip(before, after, strict=True)):
            return None
        for code, one, other in zip(codes, before, after, strict=True):
            moved = (other - one).abs().amax(dim=(1, 3)).cpu()
            code += (moved > _MOVED * moved.max()).long() << digit
    if any(bool(code.gt(numbers.numel()).any()) for code in codes):
        return None
    return codes[0] - 1, codes[1] - 1


def arranged(sources: Sources, tokens: int) -> Arranged | None:
    """Return the order in which the input's tokens come last, each once, or None if sequences hold others."""
    orders = list[Tensor]()
    for made in sources:
        first = made[0]
        offsets = tokens * torch.arange(len(made))[:, None]
        if not torch.equal(made, torch.where(first < 0, -1, first + offsets)):
            return None
        order = first.argsort(stable=True)
        inner = int((first < 0).sum())
        if not torch.equal(first[order[inner:]], torch.arange(tokens)):
            return None
        orders.append(order)
    inside = [len(order) - tokens for order in orders]
    return Arranged(queries=orders[0], keys=orders[1], inner_queries=inside[0], inner_keys=inside[1])


def parted(sources: Sources, given: GivenMap) -> Windows | NotReadable | None:
    """Return the sequences that a layer cuts its map into, if each cell is in exactly one of them, else None."""
    queries, keys = sources
    count = math.prod(given.thw)
    if not torch.equal(queries, keys) or not torch.equal(queries.reshape(-1).sort().values, torch.arange(count)):
        return None
    if given.tokens is None:
        return divided(queries, given.thw, given.within_frames)
    made = divided(given.tokens.argsort()[queries], given.thw, given.within_frames)
    return made if isinstance(made, NotReadable) else replace(made, tokens=queries)
