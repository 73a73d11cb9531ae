"""Softmax attention on the CPU, a panel of rows at a time, for theta and g of different widths.

The fused kernel of torch needs one width for theta, phi and g. Raw features are wider than g, and padding g to their
width is slower than these panels, with gradients and without.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

SCORES_AT_ONCE = 3 << 20
"""Number of scores in one panel: 12 MB. Panels of a third make products a sixth slower, of twice as many no faster."""

LEAST_EXPONENT = -69.0
"""Smallest exponent of a weight relative to the row's largest. exp(-69) = 1e-30 is far too small to change a float32
sum, and still smaller weights reach denormal numbers, on which processors are slow (``benchmarks/ops.py``, large
features)."""


def softmax_in_panels(
    theta: Float[Tensor, "B Nq Ci"], phi: Float[Tensor, "B Nk Ci"], g: Float[Tensor, "B Nk Cg"], scale: float
) -> tuple[Float[Tensor, "B Nq Cg"], Float[Tensor, "B Nq 1"]]:
    """Return softmax(scale theta phi^T) g, and the logarithm of each row's sum of exp(score), computed in place.

    If theta and phi are one table, as in the Gaussian of raw features, the scores are symmetric. Each panel then skips
    the keys before it and serves the queries after it with its columns.
    """
    queries = theta.shape[1]
    clips, rows = cut(queries, phi.shape[1])
    y, log_total = g.new_zeros(len(g), queries, g.shape[2]), g.new_zeros(len(g), queries, 1)
    for start in range(0, len(g), clips):
        at = slice(start, start + clips)
        sums = _PartialSums(y[at], log_total[at], torch.full_like(log_total[at], -math.inf))
        _attend(sums, theta[at], phi[at], g[at], scale, rows)
    return y, log_total


def cut(queries: int, keys: int, *, buffers: int = 1) -> tuple[int, int]:
    """Return the number of clips at once and the number of rows of a panel, with ``buffers`` panels in memory."""
    scores = SCORES_AT_ONCE // buffers
    return max(scores // (queries * keys), 1), math.ceil(queries / math.ceil(queries * keys / scores))


def _attend(
    sums: "_PartialSums",
    theta: Float[Tensor, "B Nq Ci"],
    phi: Float[Tensor, "B Nk Ci"],
    g: Float[Tensor, "B Nk Cg"],
    scale: float,
    rows: int,
) -> None:
    """Turn the empty sums of some clips into their outputs, and the logarithms of the sums that divide them."""
    symmetric = theta.is_set_to(phi)
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
            sums.rows(stop, queries).add(scores[..., rows:].mT, g[:, start:stop], keep_scores=True)
        sums.rows(start, stop).add(scores, g[:, first:], keep_scores=False)
    sums.weighted.div_(sums.total)
    sums.total.log_().add_(sums.peak)


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
