"""Softmax attention some rows at a time, for tables of two widths, on the CPU.

The fused kernel of torch wants theta, phi and g of one width. Raw features are wider than g, and padding g to
their width costs more than this.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

SCORES_AT_ONCE = 6 << 20
"""Scores of one panel: 24 MB. More rows make the products faster, and few large steps suit a busy machine."""

LEAST_EXPONENT = -69.0
"""Weights below exp(-69) = 1e-30 of a row's largest are raised to it: far under what float32 can add to a sum, and
processors crawl on the smaller ones (``benchmarks/ops.py``, large features)."""


def softmax_in_panels(
    theta: Float[Tensor, "B Nq Ci"], phi: Float[Tensor, "B Nk Ci"], g: Float[Tensor, "B Nk Cg"], scale: float
) -> Float[Tensor, "B Nq Cg"]:
    """Return softmax(scale theta phi^T) g. No gradients: it works in place.

    Where theta and phi are one table, as in the Gaussian of raw features, the scores are symmetric: each panel
    leaves out the keys before it, and serves the queries after it with its columns.
    """
    queries, keys = theta.shape[1], phi.shape[1]
    clips = max(SCORES_AT_ONCE // (queries * keys), 1)
    rows = math.ceil(queries / math.ceil(queries * keys / SCORES_AT_ONCE))
    y = g.new_zeros(len(g), queries, g.shape[2])
    for some_y, some_theta, some_phi, some_g in zip(*(torch.split(t, clips) for t in (y, theta, phi, g)), strict=True):
        _attend(some_y, some_theta, some_phi, some_g, scale, rows)
    return y


def _attend(
    y: Float[Tensor, "B Nq Cg"],
    theta: Float[Tensor, "B Nq Ci"],
    phi: Float[Tensor, "B Nk Ci"],
    g: Float[Tensor, "B Nk Cg"],
    scale: float,
    rows: int,
) -> None:
    """Write the answer of some clips into y, which comes as zeros."""
    symmetric = theta.is_set_to(phi)
    total = torch.zeros_like(y[..., :1])
    gathered = _PartialSums(y, total, torch.full_like(total, -math.inf))
    clips, queries, keys = len(theta), theta.shape[1], phi.shape[1]
    panel = theta.new_empty(clips, rows * keys)  # one for all: fresh memory costs an eighth of the product into it
    unused = theta.new_zeros(())
    for start in range(0, queries, rows):
        stop = min(start + rows, queries)
        first = start if symmetric else 0
        scores = panel[:, : (stop - start) * (keys - first)].view(clips, stop - start, keys - first)
        torch.baddbmm(unused, theta[:, start:stop], phi[:, first:].mT, beta=0, alpha=scale, out=scores)
        if symmetric and stop < queries:
            gathered.rows(stop, queries).add(scores[..., rows:].mT, g[:, start:stop], keep_scores=True)
        gathered.rows(start, stop).add(scores, g[:, first:], keep_scores=False)
    y.div_(total)


class _PartialSums(NamedTuple):
    """Partial sums of some queries: over exp(score - peak), where peak is the largest score so far."""

    weighted: Float[Tensor, "B r Cg"]
    total: Float[Tensor, "B r 1"]
    peak: Float[Tensor, "B r 1"]

    def rows(self, start: int, stop: int) -> "_PartialSums":
        """Return a view of some rows."""
        return _PartialSums(*(table[:, start:stop] for table in self))

    def add(self, scores: Float[Tensor, "B r c"], g: Float[Tensor, "B c Cg"], *, keep_scores: bool) -> None:
        """Add more keys; the scores become weights in place unless they are still needed."""
        peak = torch.maximum(self.peak, scores.amax(dim=2, keepdim=True))
        shrink = torch.exp(self.peak - peak)
        weights = torch.sub(scores, peak, out=None if keep_scores else scores).clamp_(min=LEAST_EXPONENT).exp_()
        self.total.mul_(shrink).add_(weights.sum(dim=2, keepdim=True))
        self.weighted.mul_(shrink).baddbmm_(weights, g)
        self.peak.copy_(peak)
