"""Weights that a layer computes from a product without torch's softmax: by exponentials, or over the number of keys."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.capture.adapters.seen.factors import Product
from nonlocal_core.capture.adapters.seen.scores import Scores, Weights, solved, traced

_FAINT = 1e-6
"""Fraction of the largest weight of a row up to which weights are not derived: the parts of a derivative underflow."""

_LEAST_KEYS = 3
"""Number of keys that some row must weigh: two weights follow any two scores, whatever the formula."""

_SUM_STEPS = 64
"""Maximum difference of the sum of a softmax from 1, in rounding errors."""


def own_weights(pair: Product, scores: list[Scores]) -> tuple[Weights, bool] | None:
    """Return the weights in a product, and whether they are its transposed right factor, or None if neither is any.

    >>> from nonlocal_core.capture.adapters.seen.products import Watch
    >>> q, v = torch.randn(1, 5, 3), torch.randn(1, 5, 2)
    >>> with Watch(own=frozenset()) as watch:
    ...     weights = (q @ q.mT).exp()
    ...     y = weights / weights.sum(-1, keepdim=True) @ v
    >>> torch.allclose((watch.found[0].q @ watch.found[0].k.mT).softmax(-1) @ v, y, atol=1e-5)
    True
    """
    for factor, is_turned in ((pair.left, False), (pair.right.mT, True)):
        if factor.requires_grad:
            weights = _softmax(factor, scores) or _dot_product(factor, scores)
            if weights is not None:
                return weights, is_turned
    return None


def _softmax(weights: Float[Tensor, "*lead n N"], scores: list[Scores]) -> Weights | None:
    """Return the tables of weights whose logarithm is a product less a number for each row, or None for other weights.

    If rows sum to less than 1, the rest goes to a sink, for instance if 1 is added to the sum of the exponentials.
    """
    limits, values = torch.finfo(weights.dtype), weights.detach()
    left = 1 - values.double().sum(-1)
    if bool((values < 0).any()) or float(left.min()) < -_SUM_STEPS * limits.eps:
        return None
    with torch.enable_grad():
        given = weights.clamp_min(limits.tiny).log().masked_fill(values < limits.tiny, -torch.inf)
    counts = values > _FAINT * values.amax(dim=-1, keepdim=True)
    if int(counts.sum(dim=-1).max()) < _LEAST_KEYS:
        return None
    made = traced(given, -1, scores, counts)
    found = None if made is None or made.sinks else solved(made, weights)
    if found is None or float(left.max()) <= _SUM_STEPS * limits.eps:
        return found
    return _with_sink(found, left.clamp_min(limits.tiny).float().reshape(found.q.shape[:-1]))


def _with_sink(found: Weights, left: Float[Tensor, "*lead n"]) -> Weights:
    """Add a sink, which takes ``left`` of each row, to a softmax of the keys alone; all of it where no key is free."""
    own = found.q @ found.k.mT + (0.0 if found.bias is None else found.bias)
    largest, at = found.weights.float().max(dim=-1, keepdim=True)
    score = torch.where(largest > 0, left[..., None].log() - largest.log() + own.gather(-1, at), 0.0)
    bias = torch.zeros_like(own) if found.bias is None else found.bias
    found.k, found.sinks = torch.nn.functional.pad(found.k, (0, 0, 1, 0)), 1
    found.bias = torch.cat([score, bias.expand_as(own)], dim=-1)
    return found


def _dot_product(weights: Float[Tensor, "*lead n N"], scores: list[Scores]) -> Weights | None:
    """Return the tables of a product over its number of keys, with theta times that number, or None for others."""
    made = traced(weights, -1, scores) if weights.shape[-2] == weights.shape[-1] else None
    found = None if made is None or made.sinks else solved(made, weights)
    if found is None or not math.isfinite(found.noise):
        return None
    if not torch.allclose(found.q @ found.k.mT, found.weights.float(), rtol=0, atol=found.noise):
        return None
    found.q, found.bias, found.pairwise = found.k.shape[-2] * found.q, None, "dot_product"
    return found
