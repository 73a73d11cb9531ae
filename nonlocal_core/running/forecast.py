"""Forecast of the memory that recording a user's network takes, from a recording of a few of the frames.

Its tables and activations grow with the frames, whatever its layers are; only a run shows the size of those of one
frame.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, ref

from torch import Tensor, UntypedStorage, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nonlocal_core.capture import BlockCapture
from nonlocal_core.errors import CaptureError


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryForecast:
    """Bytes that a recording takes beyond weights and input: of the tables that it keeps, and of the device at most.

    The tables are in the memory of the processor; if the network runs there, the peak includes them, and is that by
    which the process grows.
    """

    kept: int
    peak: int


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of the tensors on a device that were made inside the ``with`` and are in use, and the most of them.

    >>> import torch
    >>> with LiveBytes("cpu") as live:
    ...     first = torch.zeros(1000)
    ...     second = (first + 1)[:10]
    ...     del first
    >>> live.now, live.most
    (4000, 8000)
    """

    def __init__(self, device: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.device = device
        self.now = self.most = 0
        self._seen: dict[int, ref[UntypedStorage]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count what it makes, which is not a view of what it was given."""
        made = func(*args, **(kwargs or {}))
        given = {storage._cdata for storage in self._storages((args, kwargs))}
        for storage in self._storages(made):
            if storage._cdata not in given and storage._cdata not in self._seen:
                self._count(storage)
        return made

    def _storages(self, of: Any) -> list[UntypedStorage]:
        tensors = (part for part in tree_leaves(of) if isinstance(part, Tensor) and part.device.type == self.device)
        return [tensor.untyped_storage() for tensor in tensors]

    def _count(self, storage: UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()

        def forget(_storage: "ref[UntypedStorage]") -> None:
            del self._seen[key]
            self.now -= size

        self._seen[key] = ref(storage, forget)
        self.now += size
        self.most = max(self.most, self.now)


RESIDENT, FIRST_RUN_BYTES = 1.9, 16_000_000
"""Growth of a process over the bytes of its tensors, and what a first run takes beside them: the heap of the C library
keeps holes between them. `benchmarks/attention.py` prints growth beside forecast for several networks, with the heap of
glibc."""

_known: WeakKeyDictionary[nn.Module, dict[Hashable, MemoryForecast | None]] = WeakKeyDictionary()


def kept_bytes(blocks: Iterable[BlockCapture]) -> int:
    """Return the size in bytes of the tables of some blocks. A mean over heads has none of its own."""
    held = ((block.theta, block.phi, block.asker_theta, block.effect) for block in blocks)
    return sum(table.nbytes for tables in held for table in tables if table is not None)


def few_of(frames: int, least: int) -> int | None:
    """Return the fewest frames that a network takes, twice which a forecast records; None if over a quarter of all.

    >>> few_of(8, 1), few_of(8, 2), few_of(16, 16)
    (1, 2, None)
    """
    return least if 4 * least <= frames else None


def forecast(
    model: nn.Module,
    size: Hashable,
    frames: int,
    few: int | None,
    record: Callable[[int], Iterable[BlockCapture]],
    device: str,
) -> MemoryForecast | None:
    """Return the memory that recording ``frames`` frames takes, or None if a few of them cannot be recorded.

    ``size``: everything that the tables depend on; the forecast is remembered for it, with the network. ``record``:
    records the given number of first frames. Raises its errors for lack of memory.
    """
    known = _known.setdefault(model, {})
    if size not in known:
        known[size] = None if few is None else _scaled(frames, few, record, device)
    return known[size]


def _scaled(
    frames: int, few: int, record: Callable[[int], Iterable[BlockCapture]], device: str
) -> MemoryForecast | None:
    """Return the memory for all frames, from a recording of twice a few, which shows what joins frames.

    Where nothing does, it grows with the frames; else with their square too, if a network itself holds the weights
    between all of them. Two further numbers of frames then show by how much.
    """

    def recorded(count: int) -> tuple[list[BlockCapture], int]:
        with LiveBytes(device) as live:
            return list(record(count)), live.most

    try:
        blocks, twice = recorded(2 * few)
        times, in_use = frames / few, twice * frames / (2 * few)
        if any(block.scope != "space" for block in blocks):
            once, thrice = recorded(few)[1], recorded(3 * few)[1]
            bend = max(0, thrice - 2 * twice + once) / 2
            in_use = max(in_use, once + (twice - once) * (times - 1) + bend * (times - 1) * (times - 2))
    except CaptureError:  # of a network that takes no fewer frames; all other faults are told by the run that follows
        return None
    kept = kept_bytes(blocks) * frames // (2 * few)
    taken = RESIDENT * in_use + FIRST_RUN_BYTES if device == "cpu" else in_use
    return MemoryForecast(kept=kept, peak=round(taken)) if kept else None
