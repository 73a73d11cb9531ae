"""Removal of wrapper names from the names of tensors."""

from collections.abc import Callable, Mapping

from torch import Tensor

COMPILED = "_orig_mod."
"""Part that ``torch.compile`` puts before the names of a compiled network or layer."""

MAX_WRAPPERS = 8
"""Number of wrappers, one inside another, whose names are removed. A file may hold names of a hundred parts."""

COUNTS = ("n_averaged", "steps")
"""Names of the counters that torch's and mmengine's running averages keep beside the tensors."""


def unwrapped(
    tensors: Mapping[str, Tensor], knows: Callable[[str], bool], *, stands_beside: Callable[[str], bool]
) -> dict[str, Tensor]:
    """Return the tensors without the names of wrappers, if that makes more names known.

    A wrapper puts its own name of the network before all names: ``DataParallel`` "module", users' own any other.
    ``stands_beside``: a test for names that may lie outside a wrapper, like a classifier's; all others have its prefix.

    >>> import torch
    >>> held = {"model.a": torch.ones(2), "model.b": torch.ones(3)}
    >>> list(unwrapped(held, {"a", "b"}.__contains__, stands_beside=lambda name: False))
    ['a', 'b']
    """
    best, most = dict(tensors), sum(map(knows, tensors))
    tried = _renamed(best, COMPILED, everywhere=True)
    for _ in range(MAX_WRAPPERS + 1):
        if tried is None:
            break
        known = sum(map(knows, tried))
        if known > most:
            best, most = tried, known
        prefix = _prefix(tried, stands_beside)
        tried = None if prefix is None else _renamed(tried, prefix)
    return best


def _renamed(tensors: Mapping[str, Tensor], part: str, *, everywhere: bool = False) -> dict[str, Tensor] | None:
    """Return the tensors without a part of their names, at the front or anywhere, or None if names would coincide."""
    names = [name.replace(part, "") if everywhere else name.removeprefix(part) for name in tensors]
    return dict(zip(names, tensors.values(), strict=True)) if len(set(names)) == len(names) else None


def _prefix(tensors: Mapping[str, Tensor], stands_beside: Callable[[str], bool]) -> str | None:
    """Return the first part of the names that all share except those that stand beside, or None if they share none."""
    parts = {name.partition(".")[0] if "." in name else "" for name in tensors if not stands_beside(name)}
    return f"{parts.pop()}." if len(parts) == 1 and parts != {""} else None
