"""Features shared by several networks, and tables shared by a run and its reader: each is computed once."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Key = tuple[str, tuple[int, ...], int]
"""Digest and shape of the input, and the address of the trunk's weights, which networks of one trunk share."""

Features = dict[tuple[Key, str], Tensor]
"""Features of layers, by their names, of inputs that went through a trunk, and a weight of each trunk, which keeps its
address from being used again."""
_WEIGHT = "weight of the trunk"


_kept: ContextVar[Features | None] = ContextVar("nonlocal_shared_features", default=None)

T = TypeVar("T")


@dataclass(slots=True)
class _Tables:
    """Tables of the latest block that computed some, and their input."""

    block: nn.Module | None = None
    x: Tensor | None = None
    tables: Any = None


_last: ContextVar[_Tables | None] = ContextVar("nonlocal_last_tables", default=None)


@contextmanager
def shared_features(kept: Features | None = None) -> Iterator[None]:
    """Let networks that share a frozen trunk run it once for each clip, in this thread and context only.

    ``kept``: features of earlier runs, to which new ones are added; None: they stay until the ``with`` ends. The
    trunk's weights must not change as long as features are kept.
    """
    token = _kept.set({} if kept is None else kept)
    try:
        yield
    finally:
        _kept.reset(token)


def key_of(clip: Tensor, weight: Tensor) -> Key | None:
    """Return the key of this input and this trunk, or None if nothing is shared."""
    kept = _kept.get()
    if kept is None or torch.is_grad_enabled():
        return None
    content = clip.detach().cpu().contiguous().numpy()
    key = hashlib.blake2b(content.data, digest_size=16).hexdigest(), tuple(clip.shape), weight.data_ptr()
    kept[key, _WEIGHT] = weight.detach()
    return key


def computed_once(key: Key | None, layer: str, compute: Callable[[], Tensor]) -> Tensor:
    """Return the features of a layer, from ``compute`` unless they were computed for the same key before."""
    kept = _kept.get()
    if kept is None or key is None:
        return compute()
    if (key, layer) not in kept:
        kept[key, layer] = compute()
    return kept[key, layer]


@contextmanager
def last_tables_kept() -> Iterator[None]:
    """Keep the tables of a run for the block's reader just after it, in this thread and context only."""
    token = _last.set(_Tables())
    try:
        yield
    finally:
        _last.reset(token)


def tables_once(block: nn.Module, x: Tensor, compute: Callable[[Tensor], T]) -> T:
    """Return ``compute(x)``; inside ``last_tables_kept`` the same object for the same tensor, until another block's."""
    last = _last.get()
    if last is None:
        return compute(x)
    if last.block is not block or last.x is not x:
        last.block, last.x, last.tables = block, x, compute(x)
    kept: T = last.tables
    return kept
