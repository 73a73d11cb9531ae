"""Statements of a network about itself, read from its attributes, which may have any type."""

from collections.abc import Mapping
from typing import Any


def stated(holder: Any, *path: str) -> Any:
    """Return the value at a path of attribute names or keys, or None if there is none or the access raises.

    >>> from types import SimpleNamespace
    >>> stated(SimpleNamespace(config={"image_size": 64}), "config", "image_size"), stated(3, "config", "image_size")
    (64, None)
    """
    for name in path:
        try:
            holder = holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
        except Exception:  # a property of somebody's own: what raises states nothing
            return None
    return holder
