"""Forecast of the memory that recording a user's network keeps, from a recording of a few of the frames.

Its tables grow with the frames, whatever its layers are; only a run shows the size of those of one frame.
"""

from collections.abc import Callable, Hashable, Iterable
from weakref import WeakKeyDictionary

from torch import nn

from nonlocal_core.capture import BlockCapture
from nonlocal_core.errors import CaptureError

_known: WeakKeyDictionary[nn.Module, dict[Hashable, int | None]] = WeakKeyDictionary()


def kept_bytes(blocks: Iterable[BlockCapture]) -> int:
    """Return the size in bytes of the tables of some blocks. A mean over heads has none of its own."""
    held = ((block.theta, block.phi, block.asker_theta, block.effect) for block in blocks)
    return sum(table.nbytes for tables in held for table in tables if table is not None)


def few_of(frames: int, least: int) -> int | None:
    """Return the number of frames to forecast from: the fewest a network takes, or None if over a quarter of all.

    >>> few_of(8, 1), few_of(8, 2), few_of(16, 16)
    (1, 2, None)
    """
    return least if 4 * least <= frames else None


def forecast(
    model: nn.Module, size: Hashable, frames: int, few: int | None, record: Callable[[int], Iterable[BlockCapture]]
) -> int | None:
    """Return the bytes that a recording of ``frames`` frames keeps, or None if a few of them cannot be recorded.

    ``size``: everything that the tables depend on; the forecast is remembered for it, with the network. ``record``:
    records the given number of first frames. Raises its errors for lack of memory.
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
