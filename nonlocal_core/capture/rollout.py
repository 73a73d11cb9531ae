"""Attention rollout: a row followed through all layers, with the mean over the heads of each and its input.

Abnar and Zuidema, "Quantifying Attention Flow in Transformers" (ACL 2020): the product over layers of
(1 - residual) A + residual I, where A is the mean over a layer's heads. One row goes through it, from the last layer
back, so that two matrices are never multiplied. The result is not a layer's own weight, and values, projections and
everything between the layers are left out.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from nonlocal_core.capture.record import BlockCapture, asked_by
from nonlocal_core.capture.rows import row_weights, summed_rows
from nonlocal_core.errors import SelectionError

Heads = Sequence[BlockCapture]
"""The heads of one layer."""


def rolled_out(
    layers: Sequence[Heads], start: Float64[np.ndarray, " N_all"], *, residual: float
) -> Float64[np.ndarray, " N_all"]:
    """Return a row over all tokens, followed back through layers that are given in the order in which they ran.

    ``start``: 1 at the asking token, with the positions first, then the off-grid keys in the order of ``phi``.
    ``residual``: the fraction of each layer's input that it passes on, in [0, 1]; the paper has 0.5.
    Raises SelectionError for layers whose queries are not their keys, or not those of the others.
    """
    if not 0 <= residual <= 1:
        raise SelectionError(f"The residual part is from 0 to 1; got {residual}.")
    first = layers[0][0]
    for head in (head for layer in layers for head in layer):
        _check(head, first)
    row = start
    for layer in reversed(layers):
        gathered = np.mean([_through(head, row) for head in layer], axis=0)
        row = (1 - residual) * gathered + residual * row
    return np.asarray(row)


def _check(head: BlockCapture, first: BlockCapture) -> None:
    """Raise SelectionError if a layer's tokens are not those that the first one passes on."""
    if head.key_grid.shape != head.query_grid.shape or head.askers != head.off_grid_keys or not head.is_softmax:
        raise SelectionError(
            f"Rollout follows tokens that attend to each other; {head.title!r} has other queries than keys. Name the "
            "layers to follow."
        )
    if (head.query_grid.shape, head.askers, head.scope) != (first.query_grid.shape, first.askers, first.scope):
        raise SelectionError(
            f"Rollout follows one set of tokens; {head.title!r} has others than {first.title!r}. Name the layers to "
            "follow."
        )


def _through(head: BlockCapture, row: Float64[np.ndarray, " N_all"]) -> Float64[np.ndarray, " N_all"]:
    """Return a row times the affinity of a head."""
    size, copies = head.query_grid.size, head.asker_copies
    made = summed_rows(head, row[:size])
    others = row[size:].reshape(copies, len(head.askers))
    for name, parts in zip(head.askers, others.T, strict=True):
        asking = asked_by(head, name)
        for copy in np.flatnonzero(parts):
            made += parts[copy] * row_weights(asking, head.query_grid.cell(int(copy) * (size // copies)))
    return made
