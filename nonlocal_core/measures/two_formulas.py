"""Self-attention and the embedded Gaussian on the tables of a block that ran: the same numbers but for the scale.

found = two_formulas(session, session.block("stride16"), frame=3, x=0.4, y=0.5)
found.difference, found.places_as_it_is, found.places_scaled
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from nonlocal_core.capture import BlockCapture
from nonlocal_core.capture.rows import many_row_weights, row_weights
from nonlocal_core.errors import SelectionError
from nonlocal_core.measures.ablation import OpenRun, run_edited
from nonlocal_core.models import NonlocalBlock

QUERIES = 64
"""Positions at which both outputs are compared, spread over the clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFormulas:
    """Outputs of both formulas for the tables of a clip, and a row with and without the scale of self-attention."""

    channels: int
    """C', of theta and phi."""
    difference: float
    """Largest difference between self-attention, as torch computes it, and the embedded Gaussian with its scale, by its
    formula in float64, at ``QUERIES`` positions; as a part of the output's range."""
    scale: float
    """That of the block itself."""
    places_as_it_is: float
    """exp of the entropy of the asked row: as many positions as would share its weight evenly."""
    places_scaled: float
    """The same with the scale of self-attention, C'^-1/2."""


def two_formulas(ran: OpenRun, block: BlockCapture, *, frame: int, x: float, y: float) -> TwoFormulas:
    """Return what an embedded Gaussian and self-attention make of the same clip, and of one position's row.

    Raises SelectionError for a block of another function, UnknownNameError for one that adds nothing by design,
    OutsideGridError for a point that the network did not see, DeviceMemoryError.
    """
    if block.pairwise != "embedded_gaussian":
        raise SelectionError(f"Self-attention is an embedded Gaussian; {block.title!r} is none. Choose another block.")
    query, channels = block.query_grid.cell_at(frame=frame, x=x, y=y), block.theta.shape[1]
    g: list[Tensor] = []

    def watch(module: NonlocalBlock, features: Tensor) -> Tensor:
        g.append(module.embed(features).g.float().cpu())
        output: Tensor = module.forward(features)
        return output

    run_edited(ran, {block.name: watch})
    values = g[0][0]
    q, k, v = (table[None, None] for table in (torch.from_numpy(block.theta), torch.from_numpy(block.phi), values))
    attention = scaled_dot_product_attention(q, k, v)[0, 0].numpy()
    scaled = replace(block, scale=channels**-0.5)
    some = np.unique(np.linspace(0, len(attention) - 1, QUERIES).astype(int))
    explicit = many_row_weights(scaled, some) @ values.double().numpy()
    return TwoFormulas(
        channels=channels,
        difference=float(np.abs(explicit - attention[some]).max() / np.ptp(attention)),
        scale=block.scale,
        places_as_it_is=_places(row_weights(block, query)),
        places_scaled=_places(row_weights(scaled, query)),
    )


def _places(weights: Float64[np.ndarray, " N"]) -> float:
    """Return exp of the entropy of weights that sum to 1."""
    some = weights[weights > 0]
    return float(np.exp(-(some * np.log(some)).sum()))
