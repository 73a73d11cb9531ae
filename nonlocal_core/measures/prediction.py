"""Score of a guess of where a position looks: the weight that the guess captures in one frame.

It is compared with two guesses of the same number of cells that ignore the network: the cells whose mean colour is
nearest to the asked cell's, and those nearest to its place. The asked cell itself never counts.

scored(session, session.block("stride16"), Cell(0, 5, 7), step=3, marked=mask)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from nonlocal_core.capture import BlockCapture
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.errors import SelectionError
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.ablation import OpenRun
from nonlocal_core.measures.faithfulness import colours_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Shares in [0, 1] of the positive weight in one frame captured by guesses of the same number of cells."""

    cells: int
    guess: float
    colour: float
    blob: float
    best: float
    """Share of the strongest cells, the maximum over all guesses."""
    even: float
    """Mean share of cells drawn at random."""


def scored(ran: OpenRun, block: BlockCapture, query: Cell, *, step: int, marked: Bool[np.ndarray, "h w"]) -> Prediction:
    """Return the share of weight that marked cells of the key grid capture at one step, beside that of other guesses.

    Raises SelectionError for marks of another grid, if nothing is marked, and if the row has no weight there.
    """
    grid = block.key_grid
    if marked.shape != (grid.rows, grid.cols) or not 0 <= step < grid.steps:
        raise SelectionError(
            f"Marks are of one of {grid.steps} steps of {grid.rows} x {grid.cols} cells; got step {step} with marks "
            f"of {marked.shape}."
        )
    count = grid.rows * grid.cols
    own = block.query_grid.own_key(query, block.subsample)
    others = np.arange(count) != own.y * grid.cols + own.x if own.t == step else np.full(count, True)
    shown = slice(step * count, (step + 1) * count)
    weights = np.where(others, np.maximum(row_weights(block, query)[: grid.size][shown], 0), 0)
    chosen = marked.ravel() & others
    cells = int(chosen.sum())
    if cells == 0:
        raise SelectionError("Mark at least one cell that is not the asked one itself.")
    whole = float(weights.sum())
    if whole == 0:
        raise SelectionError("The asked position gives no weight to this frame, so nothing can be captured there.")
    colours = colours_of(ran, grid)
    far = np.linalg.norm(colours[shown] - colours[grid.index(own)], axis=1)
    rows, cols = np.divmod(np.arange(count), grid.cols)

    def captured(by: np.ndarray) -> float:
        return float(weights[np.argsort(np.where(others, by, np.inf), kind="stable")[:cells]].sum()) / whole

    return Prediction(
        cells=cells,
        guess=float(weights[chosen].sum()) / whole,
        colour=captured(far),
        blob=captured(np.hypot(rows - own.y, cols - own.x)),
        best=captured(-weights),
        even=cells / int(others.sum()),
    )
