"""The non-local operation over tables of positions: a lean form, an explicit form, and the reach of a query."""

from nonlocal_core.geometry import THW
from nonlocal_core.ops.explicit import affinity
from nonlocal_core.ops.lean import respond
from nonlocal_core.ops.reach import Reach

__all__ = ["THW", "Reach", "affinity", "respond"]
