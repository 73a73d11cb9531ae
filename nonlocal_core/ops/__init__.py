"""The non-local operation over tables of positions: the lean form, the explicit form, and who may attend to whom."""

from nonlocal_core.geometry import THW
from nonlocal_core.ops.explicit import affinity
from nonlocal_core.ops.lean import respond
from nonlocal_core.ops.reach import Reach

__all__ = ["THW", "Reach", "affinity", "respond"]
