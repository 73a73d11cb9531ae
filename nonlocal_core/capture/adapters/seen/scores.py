"""Scores of a softmax, traced back to the products behind them: queries, keys, a bias, and sinks.

A sink is a score of no key: a learned number beside those of the keys, whose weight is dropped after the softmax, as in
gpt-oss (transformers 5.23.0, models/gpt_oss/modeling_gpt_oss.py). It becomes a key of its own, which has no value.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.capture.adapters.seen.factors import Product
from nonlocal_core.capture.adapters.tokens.masks import BLOCKED
from nonlocal_core.vocabulary import Pairwise

_NOISE_STEPS = 16
"""Rounding errors at the largest score up to which a bias counts as zero."""

_MOST_SINKS = 16

_FACTOR_STEPS, _LEAST_BEND = 16, 1e-3
"""Rounding errors by which factors of one row may differ, and the minimum difference, as a fraction of the largest
factor, that counts as a bend."""


@dataclass(slots=True)
class Scores:
    """Product that may be scores, and the leaf that a later softmax is traced back to."""

    product: Product
    leaf: Tensor
    """The matrix of the product."""


@dataclass(slots=True, kw_only=True)
class Weights:
    """Weights that no product has taken yet, with the tables that they came from."""

    weights: Float[Tensor, "*lead n N"]
    """Weights of the keys alone, without those of sinks."""
    q: Float[Tensor, "*lead n D"]
    k: Float[Tensor, "*lead sinks_N D"]
    """Zeros for the sinks, which come first."""
    bias: Float[Tensor, "*lead n sinks_N"] | None
    noise: float
    sinks: int
    pairwise: Pairwise = "embedded_gaussian"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Scores behind a softmax, with their derivative with respect to each product."""

    given: Tensor
    parts: list[tuple[Scores, Float[Tensor, "*lead n N"]]]
    """Products, each with the factor of every score, in the order of its matrix."""
    side: Literal["rows", "cols"]
    """Side of that matrix that the keys are on."""
    sinks: int
    at_front: bool
    """True if the sinks come before the keys."""
    is_across: bool
    """True if the axes of ``given`` were swapped, relative to the matrix; they are swapped back here."""


def traced(given: Tensor, axis: int, scores: list[Scores]) -> Traced | None:
    """Return the scores behind a softmax over an axis of ``given``, or None if they are not a product plus constants.

    A number subtracted from all scores of a row, such as their maximum, changes no weight and no factor here, since the
    derivative is taken of a sum in which each row's coefficients cancel.
    """
    behind = axis % given.ndim - given.ndim
    found = _traced(given, behind, scores, is_across=False)
    if found is not None or behind < -2:
        return found
    return _traced(given.mT, -3 - behind, scores, is_across=True)


def _traced(given: Tensor, axis: int, scores: list[Scores], *, is_across: bool) -> Traced | None:
    signs = _signs(given.shape[axis]).to(given)
    shape = [1] * given.ndim
    shape[axis] = -1
    with torch.enable_grad():
        total = (given.masked_fill(torch.isinf(given), 0.0) * signs.reshape(shape)).sum()
        grads = torch.autograd.grad(total, [each.leaf for each in scores], allow_unused=True, retain_graph=True)
    found = [(each, grad) for each, grad in zip(scores, grads, strict=True) if grad is not None]
    whole = [(each, grad) for each, grad in found if each.leaf.numel() == given.numel()]
    sinks = 0
    if not whole and len(found) == 1:
        product, grad = found[0][0].product, found[0][1]
        sinks = given.shape[axis] - grad.shape[-1]
        fits = product.side(axis, given.ndim) == "cols" and 0 < sinks <= _MOST_SINKS and product.axes == (-2, -1)
        fits = fits and given.numel() * grad.shape[-1] == grad.numel() * given.shape[axis]
        whole = found if fits else []
    if not whole:
        return None
    first = whole[0][0].product
    side = first.side(axis, given.ndim)
    if side is None or any(each.product.axes != first.axes for each, _ in whole):
        return None
    if given.shape[axis] - sinks != whole[0][1].shape[-2 if side == "rows" else -1]:  # as of all pairs in one axis
        return None
    at_front = bool(sinks) and _is_at_front(whole[0][1], signs, sinks)
    own = signs[sinks:] if at_front else signs[: len(signs) - sinks]
    own = own[:, None] if side == "rows" else own
    if any(grad.shape[-2 if side == "rows" else -1] != len(own) for _, grad in whole):
        return None
    parts = [(each, grad / own) for each, grad in whole]
    if any(_bends(factors.mT if side == "rows" else factors, given.dtype) for _, factors in parts):
        return None
    return Traced(
        given=given.detach(),
        parts=parts,
        side=side,
        sinks=sinks,
        at_front=at_front,
        is_across=is_across,
    )


def _bends(factors: Float[Tensor, "*lead n N"], dtype: torch.dtype) -> bool:
    """Return whether scores follow their product by more than one factor in a row, as those of a tanh do.

    Scores that do not depend on it are forbidden ones, or a constant.
    """
    largest = factors.abs().amax(dim=-1, keepdim=True)
    off = (factors - factors.gather(-1, factors.abs().argmax(dim=-1, keepdim=True))).abs()
    return bool((off > max(_FACTOR_STEPS * torch.finfo(dtype).eps, _LEAST_BEND) * largest)[factors != 0].any())


def _signs(count: int) -> Float[Tensor, " N"]:
    """Return nonzero numbers that add up to zero, no two runs of them alike; for a count of one, 1."""
    if count == 1:
        return torch.ones(1)
    made = torch.linspace(1, 2, count)
    made[1::2] *= -1
    made[-1] -= made.sum()
    return made if abs(float(made[-1])) > 0.1 else made + torch.linspace(-0.1, 0.1, count)


def _is_at_front(grad: Float[Tensor, "*lead n N"], signs: Float[Tensor, " sinks_N"], sinks: int) -> bool:
    """Return whether a row of derivatives is in proportion to the last of the signs rather than to the first."""
    row = grad.reshape(-1, grad.shape[-1])
    row = row[row.abs().sum(-1).argmax()]
    off = [(row / own - (row / own).median()).abs().sum() for own in (signs[: len(row)], signs[sinks:])]
    return bool(off[1] < off[0])


def solved(made: Traced, weights: Tensor) -> Weights:
    """Return q, k, the bias and its rounding error for the scores of a softmax; ``weights``: the softmax's output."""
    first, is_turned = made.parts[0][0].product, made.side == "rows"
    lead, sinks = made.parts[0][1].shape[:-2], made.sinks
    shape = (*lead, made.parts[0][1].shape[-2], made.parts[0][1].shape[-1] + sinks)

    def matrix(values: Tensor) -> Float[Tensor, "*lead n sinks_N"]:
        own = values if first.axes == (-2, -1) else first.matrix(values)
        own = own.reshape(shape).mT if is_turned else own.reshape(shape)
        return own if made.at_front or not sinks else own.roll(sinks, dims=-1)

    scores = matrix(made.given).float()
    rest, blocked = scores.clone(), scores <= BLOCKED
    q, k = list[Tensor](), list[Tensor]()
    for each, factors in made.parts:
        own = factors.mT if is_turned else factors
        factor = own.gather(-1, own.abs().argmax(dim=-1, keepdim=True)).float()
        leaf = each.leaf.detach().float()
        rest[..., sinks:] -= factor * (leaf.mT if is_turned else leaf)
        asking, asked = each.product.left.detach(), each.product.right.detach().mT
        if is_turned:
            asking, asked = asked, asking
        q.append(factor * asking.expand(*lead, -1, -1).float())
        k.append(torch.nn.functional.pad(asked.expand(*lead, -1, -1).float(), (0, 0, sinks, 0)))
    noise = _NOISE_STEPS * torch.finfo(made.given.dtype).eps * float(scores.masked_fill(blocked, 0.0).abs().max())
    rest = _without_shift(rest.masked_fill(blocked, BLOCKED), blocked, sinks, noise)
    bias = None if float(rest.abs().max()) <= noise else rest
    return Weights(
        weights=matrix(weights.detach().mT if made.is_across else weights.detach())[..., sinks:],
        q=torch.cat(q, dim=-1),
        k=torch.cat(k, dim=-1),
        bias=bias,
        noise=noise,
        sinks=sinks,
    )


def _without_shift(
    rest: Float[Tensor, "*lead n N"], blocked: Tensor, sinks: int, noise: float
) -> Float[Tensor, "*lead n N"]:
    """Return a bias without its constant per row, if nothing else remains or there are sinks."""
    own, free = rest[..., sinks:], ~blocked[..., sinks:]
    first = own.gather(-1, free.long().argmax(dim=-1, keepdim=True))
    shifted = torch.where(blocked, rest, rest - first)
    is_shift = float((shifted[..., sinks:] * free).abs().max()) <= 2 * noise
    return shifted.masked_fill(shifted.abs() <= 2 * noise, 0.0) if is_shift or sinks else rest
