"""Softmax attention tile by tile, with a running maximum and sum: for tables of two widths, on the CPU.

The fused kernel of torch wants theta, phi and g of one width. Raw features are wider than g, and padding g to
their width costs more than this.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

TILE = 1024
"""Queries and keys in a tile: its scores, 4 MB, stay in the caches between the two products."""

LEAST_EXPONENT = -69.0
"""Weights below exp(-69) = 1e-30 of a row's largest are raised to it: far under what float32 can add to a sum, and
processors crawl on the smaller ones (``benchmarks/ops.py``, large features)."""


def softmax_in_tiles(
    theta: Float[Tensor, "B Nq Ci"], phi: Float[Tensor, "B Nk Ci"], g: Float[Tensor, "B Nk Cg"], scale: float
) -> Float[Tensor, "B Nq Cg"]:
    """Return softmax(scale theta phi^T) g. No gradients: it works in place.

    Where theta and phi are one table, as in the Gaussian of raw features, the scores are symmetric and each tile
    serves twice: its rows as queries, then its columns.
    """
    queries, keys = theta.shape[1], phi.shape[1]
    clips = max(TILE**2 // (min(queries, TILE) * min(keys, TILE)), 1)
    y = g.new_zeros(len(g), queries, g.shape[2])
    for some_y, some_theta, some_phi, some_g in zip(*(torch.split(t, clips) for t in (y, theta, phi, g)), strict=True):
        _attend(some_y, some_theta, some_phi, some_g, scale)
    return y


class _Rows(NamedTuple):
    """Some queries, and what they have gathered so far: sums over exp(score - peak)."""

    theta: Float[Tensor, "B r Ci"]
    weighted: Float[Tensor, "B r Cg"]
    total: Float[Tensor, "B r 1"]
    peak: Float[Tensor, "B r 1"]

    def gather(self, scores: Float[Tensor, "B r c"], g: Float[Tensor, "B c Cg"]) -> None:
        """Add one tile's keys."""
        peak = torch.maximum(self.peak, scores.amax(dim=2, keepdim=True))
        shrink = torch.exp(self.peak - peak)
        weights = (scores - peak).clamp_(min=LEAST_EXPONENT).exp_()
        self.total.mul_(shrink).add_(weights.sum(dim=2, keepdim=True))
        self.weighted.mul_(shrink).baddbmm_(weights, g)
        self.peak.copy_(peak)


def _attend(
    y: Float[Tensor, "B Nq Cg"],
    theta: Float[Tensor, "B Nq Ci"],
    phi: Float[Tensor, "B Nk Ci"],
    g: Float[Tensor, "B Nk Cg"],
    scale: float,
) -> None:
    """Write the answer of some clips into y, which comes as zeros."""
    symmetric = theta.is_set_to(phi)
    total = torch.zeros_like(y[..., :1])
    peak = torch.full_like(total, -math.inf)
    rows = [_Rows(*parts) for parts in zip(*map(_parts, (theta, y, total, peak)), strict=True)]
    columns = list(zip(_parts(phi), _parts(g), strict=True))
    unused = theta.new_zeros(())
    for i, row in enumerate(rows):
        for j in range(i if symmetric else 0, len(columns)):
            some_phi, some_g = columns[j]
            scores = torch.baddbmm(unused, row.theta, some_phi.transpose(1, 2), beta=0, alpha=scale)
            row.gather(scores, some_g)
            if symmetric and j > i:
                rows[j].gather(scores.transpose(1, 2), columns[i][1])
    y.div_(total)


def _parts(table: Float[Tensor, "B N C"]) -> tuple[Tensor, ...]:
    """Cut a table into near-equal tiles of positions, as views."""
    return torch.tensor_split(table, math.ceil(table.shape[1] / TILE), dim=1)
