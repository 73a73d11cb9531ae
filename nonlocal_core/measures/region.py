"""Region: the object under one click, segmented by the block's own weights within that frame.

A single row rarely outlines an object: it may hardly leave the asking cell. A random walk does: it starts at the
click, steps from cell to cell of the frame with the block's weights as probabilities, and restarts at random. The
cells that it visits often are the object, as the block sees it. T. H. Kim, K. M. Lee and S. U. Lee segment pictures
with this random walk with restart, "Generative Image Segmentation Using Random Walks with Restart" (ECCV 2008).

Differs: their weights compare the colours of neighbours. Here they are the block's, between all cells of the frame;
a connected piece is cut out of the region afterwards.

block = Session.open("sample:composed").block()
cells = region_around(block, frame=3, x=0.33, y=0.55)
carried = carry(block, cells_mask(cells, block.key_grid, (288, 432)), frame=3)
"""

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage

from nonlocal_core.capture import BlockCapture, many_row_weights
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.tracking import refuse_restricted

CHANCE = 0.7
"""A cell belongs to the region if the walk visits it at least this many times as often as a walk without preference.

Chosen on the composed clip, where 0.5 to 1 do nearly as well. There the mean J of cells with the exact masks is 0.73
for the default network and 0.60 for ``lite0-parameter-free``.
"""
LEAST_SPREAD = 0.05
"""Minimum mean perplexity of a step, as a fraction of all cells: sharper rows are softened by one common power.

A walk cannot leave rows that keep to a few cells. Also chosen on the composed clip, on networks with such rows: it
raised their mean J from 0.53 to 0.64 and from 0.49 to 0.68.
"""
SAMPLED_ROWS = 64
"""Number of rows from which the power is found."""
GOING_ON = 0.9
"""Fraction of the steps that follow the weights; all others restart at the click."""
MOST_CELLS = 8192
"""Maximum number of cells in a frame for a walk, whose steps are a table of all cells times all cells."""
STEPS = 50
"""Number of steps of the walk. Less than 1 % of it, GOING_ON ** STEPS, is then not settled."""


def region_around(
    block: BlockCapture, *, frame: int, x: float, y: float, chance: float = CHANCE
) -> Bool[np.ndarray, "H W"]:
    """Return the cells of the key grid, in one frame of the clip, that the block groups with a point.

    The point is in units of the frame. The cells are one piece, joined by their edges, without holes, and contain the
    point. ``chance``: see ``CHANCE``; the lower, the wider the region.

    Raises OutsideGridError for a point or a frame that the block does not look at, CaptureError for a block that
    does not compare all frames, since the region could not be tracked, or whose frames have too many cells.
    """
    refuse_restricted(block)
    cells = block.key_grid.rows * block.key_grid.cols
    if cells > MOST_CELLS:
        raise CaptureError(
            f"A click outlines an object where a frame has at most {MOST_CELLS} cells; {block.title!r} has {cells}. "
            "Draw a box, or open the clip with more frames or a smaller short side."
        )
    seed = block.key_grid.cell_at(frame=frame, x=x, y=y)
    often = visits(block, seed, t=block.query_grid.t_of_frame(frame)) >= chance
    often[seed.y, seed.x] = True
    pieces, _ = ndimage.label(often)
    return np.asarray(ndimage.binary_fill_holes(pieces == pieces[seed.y, seed.x]))


def visits(block: BlockCapture, seed: Cell, *, t: int) -> Float64[np.ndarray, "H W"]:
    """Return the visits of a random walk from a key's cell to each cell of its frame, in multiples of their mean.

    ``t``: the step of the query grid whose positions look. The walk leaves its cell at every step, and negative
    weights of the dot product count as zero.
    """
    steps = _softened(_steps(block, t, seed.t))
    start = seed.y * block.key_grid.cols + seed.x
    here = np.zeros(len(steps))
    here[start] = 1.0
    for _ in range(STEPS):
        here = GOING_ON * (here @ steps)
        here[start] += 1 - here.sum()
    return here.reshape(block.key_grid.shape[1:]) * len(here)


def _steps(block: BlockCapture, query_t: int, key_t: int) -> Float64[np.ndarray, "n n"]:
    """Return the transition matrix between cells of the key grid; each row sums to 1, or to 0 if no weight leaves it.

    If keys are pooled, a cell's row is the mean over the positions that share its key.
    """
    count = block.key_grid.rows * block.key_grid.cols
    _, own_rows, own_cols = block.query_grid.own_keys(block.subsample)
    own = (own_rows[:, None] * block.key_grid.cols + own_cols).reshape(-1)
    looks = many_row_weights(block, np.arange(own.size) + query_t * own.size, np.arange(count) + key_t * count)
    weights = np.zeros((count, count))
    np.add.at(weights, own, looks)
    weights = np.maximum(weights / np.bincount(own)[:, None], 0)
    np.fill_diagonal(weights, 0)
    mass = weights.sum(axis=1, keepdims=True)
    likely: np.ndarray = np.divide(weights, mass, out=np.zeros_like(weights), where=mass > 0)
    return likely


def _softened(steps: Float64[np.ndarray, "n n"]) -> Float64[np.ndarray, "n n"]:
    """Return the steps, spread at least as widely as ``LEAST_SPREAD``; the order of likelihoods does not change."""
    sample = steps[steps.any(axis=1)]
    sample = sample[:: max(1, len(sample) // SAMPLED_ROWS)]
    if not len(sample) or _spread(sample) >= LEAST_SPREAD:
        return steps
    low, high = 0.0, 1.0  # spread falls as the power rises
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if _spread(_to_power(sample, middle)) > LEAST_SPREAD else (low, middle)
    return _to_power(steps, high)


def _to_power(steps: Float64[np.ndarray, "m n"], power: float) -> Float64[np.ndarray, "m n"]:
    raised = np.where(steps > 0, steps, 1) ** power * (steps > 0)
    mass = raised.sum(axis=1, keepdims=True)
    likely: np.ndarray = np.divide(raised, mass, out=np.zeros_like(raised), where=mass > 0)
    return likely


def _spread(steps: Float64[np.ndarray, "m n"]) -> float:
    """Return the mean perplexity of rows that sum to 1, as a fraction of all cells."""
    entropy = -(steps * np.log(np.where(steps > 0, steps, 1))).sum(axis=1)
    return float(np.exp(entropy).mean() / steps.shape[1])
