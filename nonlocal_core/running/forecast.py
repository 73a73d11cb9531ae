"""Forecast of what recording a network of somebody's own keeps, from a recording of a few of the frames.

Its tables grow with the frames, whatever its layers are; how large those of one frame are, only a run tells.
"""

from collections.abc import Callable, Hashable, Iterable
from weakref import WeakKeyDictionary

from torch import nn

from nonlocal_core.capture import BlockCapture
from nonlocal_core.errors import CaptureError

_known: WeakKeyDictionary[nn.Module, dict[Hashable, int | None]] = WeakKeyDictionary()


def kept_bytes(blocks: Iterable[BlockCapture]) -> int:
    """Return the bytes of the tables of some blocks. The mean over heads has none of its own."""
    held = ((block.theta, block.phi, block.asker_theta, block.effect) for block in blocks)
    return sum(table.nbytes for tables in held for table in tables if table is not None)


def few_of(frames: int, least: int) -> int | None:
    """Return how many frames tell what all of them take: as few as a network takes, None where that is over a quarter.

    >>> few_of(8, 1), few_of(8, 2), few_of(16, 16)
    (1, 2, None)
    """
    return least if 4 * least <= frames else None


def forecast(
    model: nn.Module, size: Hashable, frames: int, few: int | None, record: Callable[[int], Iterable[BlockCapture]]
) -> int | None:
    """Return the bytes that a recording of ``frames`` frames keeps, None where a few of them cannot be recorded.

    ``size``: whatever the tables depend on; the forecast is remembered for it, with the network. ``record``: records
    the first of the frames, as many as it is given. Raises what it raises for want of memory.
    """
    known = _known.setdefault(model, {})
    if size not in known:
        known[size] = None if few is None else _scaled(frames, few, record)
    return known[size]


def _scaled(frames: int, few: int, record: Callable[[int], Iterable[BlockCapture]]) -> int | None:
    try:
        return kept_bytes(record(few)) * frames // few or None
    except CaptureError:  # of a network that takes no fewer frames; all other faults are told by the run that follows
        return None
