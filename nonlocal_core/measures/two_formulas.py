"""Self-attention and the embedded Gaussian on the tables of a block that ran: equal except for the scale.

found = two_formulas(session, session.block("stride16"))
found.difference, places(block, frame=3, x=0.4, y=0.5, scale=found.channels**-0.5)
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from nonlocal_core.ancestors.self_attention import both_formulas
from nonlocal_core.capture import BlockCapture
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.errors import SelectionError
from nonlocal_core.measures.ablation import OpenRun, run_edited
from nonlocal_core.models import NonlocalBlock

QUERIES = 64
"""Number of positions, spread over the clip, at which both outputs are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFormulas:
    """Outputs of both formulas for the tables of a clip."""

    channels: int
    """C', the number of channels of theta and phi."""
    difference: float
    """Largest difference of both outputs at ``QUERIES`` positions, as a fraction of their range (`both_formulas`)."""


def two_formulas(ran: OpenRun, block: BlockCapture) -> TwoFormulas:
    """Return the difference between an embedded Gaussian and self-attention on the clip, which runs once more for g.

    Raises SelectionError for a block of another function, UnknownNameError for one that adds nothing by design,
    DeviceMemoryError.
    """
    if block.pairwise != "embedded_gaussian":
        raise SelectionError(f"Self-attention is an embedded Gaussian; {block.title!r} is none. Choose another block.")
    g: list[Tensor] = []

    def watch(module: NonlocalBlock, features: Tensor) -> Tensor:
        g.append(module.embed(features).g.float().cpu())
        output: Tensor = module.forward(features)
        return output

    run_edited(ran, {block.name: watch})
    some = np.unique(np.linspace(0, block.query_grid.size - 1, QUERIES).astype(int))
    theta, phi = (torch.from_numpy(table)[None] for table in (block.theta[some], block.phi))
    outputs = both_formulas(theta, phi, g[0])
    span = float(outputs.attention.max() - outputs.attention.min())
    return TwoFormulas(channels=phi.shape[2], difference=outputs.difference / span)


def places(block: BlockCapture, *, frame: int, x: float, y: float, scale: float) -> float:
    """Return exp of the entropy of a softmax row at a given scale: the number of positions that would share it evenly.

    Raises OutsideGridError for a point that the network did not see.
    """
    query = block.query_grid.cell_at(frame=frame, x=x, y=y)
    weights = row_weights(replace(block, scale=scale), query)
    some = weights[weights > 0]
    return float(np.exp(-(some * np.log(some)).sum()))
