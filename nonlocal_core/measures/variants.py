"""Variants of one reading: the same theta and phi, summed over other positions or over pooled ones.

They show the effect of the sum alone. No network ran with them, so they claim no proof and no effect.

session = Session.open("sample:bunny", "lite0-parameter-free")
with_blocks(session, scopes_of(session.block("stride16")))
moved_by_pooling(session.block("stride16"), Cell(0, 5, 7))
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from nonlocal_core.capture import BlockCapture, Capture
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.errors import ShapeError
from nonlocal_core.geometry import Cell
from nonlocal_core.geometry.grid import THW
from nonlocal_core.session import Session
from nonlocal_core.vocabulary import Scope

QUARTER: THW = (1, 2, 2)
"""Cells (T, H, W) of one pooled key in the paper's subsampling (section 3.3)."""
SCOPES: dict[Scope, str] = {"spacetime": "all frames", "space": "its own frame", "time": "its own place in all frames"}
VARIED = "The same theta and phi under another sum: no network ran with it."


def with_blocks(session: Session, blocks: Sequence[BlockCapture]) -> Session:
    """Return a session of the same clip that shows these blocks, the first one first."""
    capture = Capture(blocks=tuple(blocks), classes=session.capture.classes, shown=blocks[0].name)
    return replace(session, capture=capture, _normalisers={}, _first=[])


def scopes_of(block: BlockCapture) -> tuple[BlockCapture, ...]:
    """Return the block under each scope, named by it: over all frames, over its own frame, over its own place in all.

    Raises ShapeError for a block with a scope of its own already, or with keys that are not positions.
    """
    _check(block)
    return tuple(
        replace(block if scope == block.scope else _unproved(block), name=scope, title=title, scope=scope)
        for scope, title in SCOPES.items()
    )


def pooled(block: BlockCapture, kernel: THW = QUARTER) -> BlockCapture:
    """Return the block with phi pooled by its maximum over cells, as in the paper's subsampling.

    Raises ShapeError for a block whose keys are pooled already, or are not positions, or fewer than one pooled cell.
    """
    _check(block)
    if any(size < side for size, side in zip(block.key_grid.shape, kernel, strict=True)):
        raise ShapeError(f"Pooling by {kernel} needs a grid of at least that size; got {block.key_grid.shape}.")
    t, h, w = (size // side for size, side in zip(block.key_grid.shape, kernel, strict=True))
    kt, kh, kw = kernel
    phi = block.phi.reshape(*block.key_grid.shape, -1)[: t * kt, : h * kh, : w * kw]
    largest: Float32[np.ndarray, "Nk Ci"] = (
        phi.reshape(t, kt, h, kh, w, kw, -1).max(axis=(1, 3, 5)).reshape(t * h * w, -1)
    )
    return replace(
        _unproved(block),
        name="pooled",
        title="keys pooled by " + " × ".join(map(str, kernel[1:] if kt == 1 else kernel)),
        phi=largest,
        key_grid=block.query_grid.pooled(kernel),
        subsample=kernel,
    )


def moved_by_pooling(block: BlockCapture, query: Cell, kernel: THW = QUARTER) -> float:
    """Return the share of a query's weight, in [0, 1], that lies in other pooled cells once keys are pooled.

    Weights of the odd edge that pooling drops count as moved.
    """
    coarse = pooled(block, kernel)
    fine, new = np.abs(row_weights(block, query)), np.abs(row_weights(coarse, query))
    t, h, w = coarse.key_grid.shape
    kt, kh, kw = kernel
    kept = fine.reshape(block.key_grid.shape)[: t * kt, : h * kh, : w * kw]
    old = kept.reshape(t, kt, h, kh, w, kw).sum(axis=(1, 3, 5)).ravel()
    return float(np.maximum(new / new.sum() - old / fine.sum(), 0).sum())


def _check(block: BlockCapture) -> None:
    if block.subsample != (1, 1, 1) or block.off_grid_keys or block.temporal_groups != 1 or block.scope != "spacetime":
        raise ShapeError(
            f"Variants are made of a block that compares each position with all others, one by one; {block.title!r} "
            f"has scope {block.scope} and keys pooled by {block.subsample}. Take another block."
        )


def _unproved(block: BlockCapture) -> BlockCapture:
    """Return the block without the figures that were measured when it ran, and with a note that says so."""
    return replace(block, effect=None, rebuild_error=None, rebuilt_queries=None, note=f"{VARIED} {block.note}".strip())
