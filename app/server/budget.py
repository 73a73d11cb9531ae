"""Budget in bytes of everything that the server holds for its visitors: sessions, frames, features, bundles, uploads.

The least recently used values make room. Values held for visitors are dropped soon after the last of them leaves.
"""

import ctypes
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Literal

from . import visitors

MAX_HELD_BYTES = 1_500_000_000
"""Maximum number of bytes held for all visitors together, without networks."""
MAX_VISITOR_UPLOAD_BYTES = 200_000_000
"""Maximum number of bytes of uploads held for one visitor, whose oldest make room."""
Kind = Literal["bundle", "features", "frames", "session", "upload"]
"""Kind of a held value."""
SWEEPS = 2
"""Number of sweeps without any of a value's visitors before it is dropped, since a reloaded page comes back."""

Key = tuple[Kind, Hashable]
"""Kind of a value, and its identity within the kind."""


@dataclass(slots=True, kw_only=True)
class _Holding:
    value: object
    size: int
    visitors: set[str] = field(default_factory=set)
    is_the_servers: bool = False
    absent_sweeps: int = 0


class Budget:
    """Store of values by key, bounded by their total size in bytes; safe to use from several threads."""

    def __init__(self, max_bytes: int, max_visitor_upload_bytes: int = MAX_VISITOR_UPLOAD_BYTES) -> None:
        self.max_bytes = max_bytes
        self._most_uploads = max_visitor_upload_bytes
        self._lock = threading.RLock()
        self._held: OrderedDict[Key, _Holding] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """Number of bytes held at present."""
        with self._lock:
            return sum(holding.size for holding in self._held.values())

    def put(self, key: Key, value: object, size: int) -> None:
        """Hold a value for the visitor whose page runs, or for the server if none does; others may make room."""
        visitor = visitors.here()
        with self._lock:
            holding = self._held.setdefault(key, _Holding(value=value, size=size))
            holding.value, holding.size = value, size
            self._touch(key, holding, visitor)
            if visitor is not None and key[0] == "upload":
                self._bound_uploads(visitor)
            while len(self._held) > 1 and self.held_bytes > self.max_bytes:
                self._held.popitem(last=False)

    def get(self, key: Key) -> object | None:
        """Return a value, or None if it was never stored or was evicted."""
        visitor = visitors.here()
        with self._lock:
            holding = self._held.get(key)
            if holding is None:
                return None
            if visitor is not None:
                self._touch(key, holding, visitor)
            self._held.move_to_end(key)
            return holding.value

    def drop(self, key: Key) -> None:
        """Drop a value, if it is held."""
        with self._lock:
            self._held.pop(key, None)

    def sweep(self, is_here: Callable[[str], bool]) -> bool:
        """Drop the values whose visitors have all been absent for some sweeps; return whether there were any."""
        with self._lock:
            before = len(self._held)
            for key, holding in list(self._held.items()):
                if holding.is_the_servers or any(map(is_here, holding.visitors)):
                    holding.absent_sweeps = 0
                    continue
                holding.absent_sweeps += 1
                if holding.absent_sweeps >= SWEEPS:
                    del self._held[key]
            return len(self._held) < before

    def _touch(self, key: Key, holding: _Holding, visitor: str | None) -> None:
        if visitor is None:
            holding.is_the_servers = True
        else:
            holding.visitors.add(visitor)
        holding.absent_sweeps = 0
        self._held.move_to_end(key)

    def _bound_uploads(self, visitor: str) -> None:
        own = [key for key, holding in self._held.items() if key[0] == "upload" and holding.visitors == {visitor}]
        while len(own) > 1 and sum(self._held[key].size for key in own) > self._most_uploads:
            del self._held[own.pop(0)]


def return_free_memory() -> None:
    """Return freed memory to the system, which Linux's C library would otherwise keep: 200 MB after a few visits."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


HELD = Budget(MAX_HELD_BYTES)
