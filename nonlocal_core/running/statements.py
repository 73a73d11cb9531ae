"""Statements of a network about itself, read from its attributes, which may be anything."""

from collections.abc import Mapping
from typing import Any


def stated(holder: Any, *path: str) -> Any:
    """Return what lies behind names, of attributes or of keys, None where nothing does or looking there raises.

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
