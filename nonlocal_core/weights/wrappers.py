"""Removal of wrapper names from the names of tensors."""

from collections.abc import Callable, Mapping

from torch import Tensor

PREFIXES = ("module.", "model.", "backbone.")
"""Prefixes that ``DataParallel``, Lightning's modules and users' own classifiers put before the names of a network."""

COMPILED = "_orig_mod."
"""Part that ``torch.compile`` puts before the names of a compiled network or layer."""

COUNTS = ("n_averaged", "steps")
"""Names of the counters that torch's and mmengine's running averages keep beside the tensors."""


def unwrapped(
    tensors: Mapping[str, Tensor],
    knows: Callable[[str], bool],
    *,
    stands_beside: Callable[[str], bool],
    prefixes: tuple[str, ...] = PREFIXES,
) -> dict[str, Tensor]:
    """Return the tensors without the names of wrappers, if that makes more names known.

    ``stands_beside``: a test for names that may lie outside a wrapper, like a classifier's; all others have its prefix.

    >>> import torch
    >>> held = {"model.a": torch.ones(2), "model.b": torch.ones(3)}
    >>> list(unwrapped(held, {"a", "b"}.__contains__, stands_beside=lambda name: False))
    ['a', 'b']
    """
    best, most = dict(tensors), sum(map(knows, tensors))
    tried = _renamed(best, COMPILED, everywhere=True)
    while tried is not None:
        known = sum(map(knows, tried))
        if known > most:
            best, most = tried, known
        prefix = next((prefix for prefix in prefixes if _wraps(prefix, tried, stands_beside)), None)
        tried = None if prefix is None else _renamed(tried, prefix)
    return best


def _renamed(tensors: Mapping[str, Tensor], part: str, *, everywhere: bool = False) -> dict[str, Tensor] | None:
    """Return the tensors without a part of their names, at the front or anywhere, or None if names would coincide."""
    names = [name.replace(part, "") if everywhere else name.removeprefix(part) for name in tensors]
    return dict(zip(names, tensors.values(), strict=True)) if len(set(names)) == len(names) else None


def _wraps(prefix: str, tensors: Mapping[str, Tensor], stands_beside: Callable[[str], bool]) -> bool:
    rest = [name for name in tensors if not name.startswith(prefix)]
    return len(rest) < len(tensors) and all(map(stands_beside, rest))
