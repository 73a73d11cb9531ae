"""Answers over several heads: the mean over the heads of a layer, and rollout through several layers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from nonlocal_core.answers import AffinityRow
from nonlocal_core.capture.record import BlockCapture, asked_by, mean_of_heads
from nonlocal_core.capture.rollout import rolled_out
from nonlocal_core.errors import UnknownNameError
from nonlocal_core.geometry import Cell
from nonlocal_core.query import row


def layers_of(blocks: Sequence[BlockCapture], names: Sequence[str] | None = None) -> dict[str, list[BlockCapture]]:
    """Return the heads of some layers, or of all, by name, in the order in which the layers ran.

    Raises UnknownNameError listing the layers.
    """
    found: dict[str, list[BlockCapture]] = {}
    for block in blocks:
        found.setdefault(block.layer, []).append(block)
    for name in names or ():
        if name not in found:
            raise UnknownNameError("layer", name, list(found))
    return {name: heads for name, heads in found.items() if names is None or name in names}


def mean_over_heads(heads: Sequence[BlockCapture], cell: Cell, asker: str | None = None) -> AffinityRow:
    """Return the mean of the rows of a layer's heads at a cell, or of an asker in its step.

    Raises the errors of ``row``, and UnknownNameError for an unknown asker.
    """
    return row(asked_by(mean_of_heads(heads), asker), cell)


def rollout(
    layers: Mapping[str, Sequence[BlockCapture]],
    cell: Cell,
    asker: str | None = None,
    *,
    residual: float,
    left_out: int,
) -> AffinityRow:
    """Return the row of a cell, or of an asker in its step, through several layers (`capture.rollout`).

    ``left_out``: the number of layers that ran and cannot be followed, which the note states.
    Raises SelectionError for layers that do not pass on one set of tokens, UnknownNameError for an unknown asker.
    """
    last = [*layers.values()][-1][0]
    asked = row(asked_by(last, asker), cell)
    start = _asking(last, cell, asker)
    weights = rolled_out([*layers.values()], start, residual=residual).astype(np.float32)
    on_grid = last.key_grid.size
    off_grid = weights[on_grid:].reshape(last.off_grid_copies, -1).sum(axis=0)
    count = f"{len(layers)} layer{'s' * (len(layers) > 1)}"
    missing = f" {left_out} that cannot be shown are left out." if left_out else ""
    return replace(
        asked,
        block="rollout",
        values=weights[:on_grid],
        off_grid=dict(zip(last.off_grid_keys, off_grid.tolist(), strict=True)),
        note=(
            f"Rollout: the product of {count}, each {1 - residual:g} of the mean over its heads and {residual:g} of "
            f"its input. No layer has these weights.{missing} {asked.note}"
        ).strip(),
    )


def _asking(block: BlockCapture, cell: Cell, asker: str | None) -> Float64[np.ndarray, " N_all"]:
    """Return a row over all tokens that is 1 at the asking one."""
    start = np.zeros(len(block.phi))
    if asker is None:
        start[block.query_grid.index(cell)] = 1
    else:
        copy = cell.t if block.asker_copies > 1 else 0
        start[block.key_grid.size + copy * len(block.askers) + block.askers.index(asker)] = 1
    return start
