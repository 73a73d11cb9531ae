"""Features that several networks compute alike: computed once for all that run inside one ``with``."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

Key = tuple[str, tuple[int, ...], int]
"""Digest and shape of the input, and where the trunk's weights lie: networks of one trunk share its storage."""

_kept: ContextVar[dict[tuple[Key, str], Tensor] | None] = ContextVar("nonlocal_shared_features", default=None)


@contextmanager
def shared_features() -> Iterator[None]:
    """Let networks that share a frozen trunk run it once for each clip, in this thread and context only.

    The features stay in memory until the ``with`` ends, and the trunk's weights must not change meanwhile.
    """
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def key_of(clip: Tensor, weight: Tensor) -> Key | None:
    """Return what tells this input and this trunk from all others; None where nothing is shared."""
    if _kept.get() is None or torch.is_grad_enabled():
        return None
    content = clip.detach().cpu().contiguous().numpy()
    return hashlib.blake2b(content.data, digest_size=16).hexdigest(), tuple(clip.shape), weight.data_ptr()


def computed_once(key: Key | None, layer: str, compute: Callable[[], Tensor]) -> Tensor:
    """Return the features of a layer, from ``compute`` unless they were computed for the same key before."""
    kept = _kept.get()
    if kept is None or key is None:
        return compute()
    if (key, layer) not in kept:
        kept[key, layer] = compute()
    return kept[key, layer]
