"""Softmax attention on the CPU, a panel of rows at a time, for theta and g of different widths.

The fused kernel of torch needs one width for theta, phi and g. Raw features are wider than g, and padding g to their
width is slower than these panels.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

SCORES_AT_ONCE = 6 << 20
"""Scores in one panel: 24 MB. Larger panels make the products faster."""

LEAST_EXPONENT = -69.0
"""Smallest exponent of a weight relative to the row's largest. exp(-69) = 1e-30 is far below what changes a float32
sum, and still smaller weights reach denormal numbers, on which processors are slow (``benchmarks/ops.py``, large
features)."""


def softmax_in_panels(
    theta: Float[Tensor, "B Nq Ci"], phi: Float[Tensor, "B Nk Ci"], g: Float[Tensor, "B Nk Cg"], scale: float
) -> Float[Tensor, "B Nq Cg"]:
    """Return softmax(scale theta phi^T) g, without gradients, since it works in place.

    If theta and phi are one table, as in the Gaussian of raw features, the scores are symmetric. Each panel then skips
    the keys before it and serves the queries after it with its columns.
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
    """Write the output of some clips into y, which must be zero."""
    symmetric = theta.is_set_to(phi)
    total = torch.zeros_like(y[..., :1])
    gathered = _PartialSums(y, total, torch.full_like(total, -math.inf))
    clips, queries, keys = len(theta), theta.shape[1], phi.shape[1]
    # One buffer serves all panels: allocating it costs an eighth of the product.
    panel = theta.new_empty(clips, rows * keys)
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
    """Partial sums of some queries, over exp(score - peak), where peak is the largest score so far."""

    weighted: Float[Tensor, "B r Cg"]
    total: Float[Tensor, "B r 1"]
    peak: Float[Tensor, "B r 1"]

    def rows(self, start: int, stop: int) -> "_PartialSums":
        """Return a view of some rows."""
        return _PartialSums(*(table[:, start:stop] for table in self))

    def add(self, scores: Float[Tensor, "B r c"], g: Float[Tensor, "B c Cg"], *, keep_scores: bool) -> None:
        """Add more keys. Scores are turned into weights in place unless ``keep_scores``."""
        peak = torch.maximum(self.peak, scores.amax(dim=2, keepdim=True))
        shrink = torch.exp(self.peak - peak)
        weights = torch.sub(scores, peak, out=None if keep_scores else scores).clamp_(min=LEAST_EXPONENT).exp_()
        self.total.mul_(shrink).add_(weights.sum(dim=2, keepdim=True))
        self.weighted.mul_(shrink).baddbmm_(weights, g)
        self.peak.copy_(peak)
