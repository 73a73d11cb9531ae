"""Choice of the blocks that fit into a page of limited size."""

from dataclasses import replace

import numpy as np

from nonlocal_core.bundle.encode import stored_bytes
from nonlocal_core.bundle.storage import Storage
from nonlocal_core.capture.record import BlockCapture, Capture


def blocks_within(capture: Capture, most_bytes: int, storage: Storage) -> Capture:
    """Return the capture with the blocks that take at most ``most_bytes`` together, stored as ``storage``.

    The block that is shown first comes first, then the others in order. If none fits, only the smallest is kept, and
    the caller reports that it is too large. The first block kept is the one to show.
    """
    first = capture.block().name
    storage = replace(storage, columns=False)  # a normaliser costs more time than all the rest; its bytes are known
    kept: list[str] = []
    room = most_bytes
    for block in sorted(capture.blocks, key=lambda block: block.name != first):
        if _at_least(block) <= room and (size := _stored(block, storage)) <= room:
            kept.append(block.name)
            room -= size
    kept = kept or [min(capture.blocks, key=lambda block: _stored(block, storage)).name]
    return replace(capture, blocks=tuple(block for block in capture.blocks if block.name in kept), shown=kept[0])


def _stored(block: BlockCapture, storage: Storage) -> int:
    return stored_bytes(block, storage) + 4 * block.query_grid.size


def _at_least(block: BlockCapture) -> int:
    """Return the minimum size of a block in bytes: its tables in 8 bits, equal ones stored once."""
    return block.theta.size + (0 if np.array_equal(block.theta, block.phi) else block.phi.size)
