"""Scores of a softmax, traced back to the products behind them: queries, keys, a bias, and sinks.

A sink is a score of no key: a learned number beside those of the keys, whose weight is dropped after the softmax, as in
gpt-oss (transformers 5.23.0, models/gpt_oss/modeling_gpt_oss.py). It becomes a key of its own, which has no value.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import pad

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


Parts = list[tuple[Scores, Float[Tensor, "*lead n N"]]]
"""Products, each with the factor of every score, in the order of its matrix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Scores behind a softmax, with their derivative with respect to each product."""

    given: Tensor
    parts: Parts
    side: Literal["rows", "cols"]
    """Side of that matrix that the keys are on."""
    sinks: int
    at_front: bool
    """True if the sinks come before the keys."""
    is_across: bool
    """True if the axes of ``given`` were swapped, relative to the matrix; they are swapped back here."""


def traced(given: Tensor, axis: int, scores: list[Scores], counts: Bool[Tensor, "..."] | None = None) -> Traced | None:
    """Return the scores behind a softmax over an axis of ``given``, or None if they are not a product plus constants.

    A number subtracted from all scores of a row, such as their maximum, changes no weight and no factor here, since the
    derivative is taken of a sum in which each row's coefficients cancel. ``counts``: the scores to derive; all that are
    finite, if it is not given.
    """
    if not scores:
        return None
    behind = axis % given.ndim - given.ndim
    counts = ~given.detach().isinf() if counts is None else counts
    found = _traced(given, counts, behind, scores, is_across=False)
    if found is not None or behind < -2:
        return found
    return _traced(given.mT, counts.mT, -3 - behind, scores, is_across=True)


def _traced(
    given: Tensor, counts: Bool[Tensor, "..."], axis: int, scores: list[Scores], *, is_across: bool
) -> Traced | None:
    signs = _signs_of(counts.movedim(axis, -1)).to(given).movedim(-1, axis)
    with torch.enable_grad():
        total = (given.masked_fill(~counts, 0.0) * signs).sum()
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
    if first.axes != (-2, -1) and given.ndim != whole[0][0].leaf.ndim:
        return None
    own = signs if first.axes == (-2, -1) else first.matrix(signs)
    at_front = bool(sinks) and _is_at_front(whole[0][1], own, sinks)
    own = own[..., sinks:] if at_front else own[..., : own.shape[-1] - sinks]
    keys = -2 if side == "rows" else -1
    if any(grad.shape[keys] != own.shape[keys] for _, grad in whole):
        return None
    if any(_leaks(grad, own.reshape(grad.shape)) for _, grad in whole):
        return None
    parts = _followed([(each, _over(grad, own.reshape(grad.shape))) for each, grad in whole], given.dtype)
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


def _over(grad: Float[Tensor, "*lead n N"], signs: Float[Tensor, "*lead n N"]) -> Float[Tensor, "*lead n N"]:
    """Return derivatives over their signs: the factor of each score, 0 for those that have no sign."""
    return torch.where(signs == 0, 0.0, grad / signs)


def _leaks(grad: Float[Tensor, "*lead n N"], signs: Float[Tensor, "*lead n N"]) -> bool:
    """Return whether scores follow products that have no sign, as those of other rows."""
    return bool((grad.abs() * (signs == 0)).max() > _LEAST_BEND * grad.abs().max())


def _followed(parts: Parts, dtype: torch.dtype) -> Parts:
    """Return the products that scores follow by more than rounding, at least one."""
    sizes = [float(factors.abs().max()) for _, factors in parts]
    least = _FACTOR_STEPS * torch.finfo(dtype).eps * max(sizes)
    return [part for part, size in zip(parts, sizes, strict=True) if size > least] or parts[:1]


def _bends(factors: Float[Tensor, "*lead n N"], dtype: torch.dtype) -> bool:
    """Return whether scores follow their product by more than one factor in a row, as those of a tanh do.

    Scores that do not depend on it are forbidden ones, or a constant.
    """
    rounding = _FACTOR_STEPS * torch.finfo(dtype).eps
    largest = factors.abs().amax(dim=-1, keepdim=True)
    off = (factors - factors.gather(-1, factors.abs().argmax(dim=-1, keepdim=True))).abs()
    depends = factors.abs() > rounding * largest.max()
    return bool((off > max(rounding, _LEAST_BEND) * largest)[depends].any())


def _signs_of(free: Bool[Tensor, "*rows N"]) -> Float[Tensor, "*rows N"]:
    """Return numbers as those of ``_signs`` for the keys of each row that are free, and 0 for the others."""
    if bool(free.all()):
        return _signs(free.shape[-1]).to(free.device).expand(free.shape)
    counts, kinds = torch.unique(free.sum(dim=-1), return_inverse=True)
    tables = torch.stack([pad(_signs(count), (0, free.shape[-1] - count)) for count in counts.tolist()])
    return tables.to(free.device)[kinds[..., None], (free.cumsum(dim=-1) - 1).clamp_min(0)] * free


def _signs(count: int) -> Float[Tensor, " N"]:
    """Return nonzero numbers that add up to zero, no two runs of them alike; for a count of one, 0."""
    if count < 2:
        return torch.zeros(count)
    made = torch.linspace(1, 2, count)
    made[1::2] *= -1
    made[-1] -= made.sum()
    return made if abs(float(made[-1])) > 0.1 else made + torch.linspace(-0.1, 0.1, count)


def _is_at_front(grad: Float[Tensor, "*lead n N"], signs: Float[Tensor, "*lead n sinks_N"], sinks: int) -> bool:
    """Return whether a row of derivatives is in proportion to the last of the signs rather than to the first."""
    rows = grad.reshape(-1, grad.shape[-1])
    at = rows.abs().sum(dim=-1).argmax()
    row, own = rows[at], signs.reshape(-1, signs.shape[-1])[at]
    off = []
    for part in (own[: len(row)], own[sinks:]):
        share = row @ part / (part @ part).clamp_min(torch.finfo(part.dtype).tiny)
        off.append((row - share * part).abs().sum())
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

    scores = _of_free_rows(matrix(made.given).float())
    rest, blocked = scores.clone(), scores <= BLOCKED
    q, k = list[Tensor](), list[Tensor]()
    for each, factors in made.parts:
        own = factors.mT if is_turned else factors
        factor = _of_rows(own)
        leaf = each.leaf.detach().float()
        rest[..., sinks:] -= factor * (leaf.mT if is_turned else leaf)
        asking, asked = each.product.left.detach(), each.product.right.detach().mT
        if is_turned:
            asking, asked = asked, asking
        q.append(factor * asking.expand(*lead, -1, -1).float())
        k.append(pad(asked.expand(*lead, -1, -1).float(), (0, 0, sinks, 0)))
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


def _of_rows(factors: Float[Tensor, "*lead n N"]) -> Float[Tensor, "*lead n 1"]:
    """Return the factor of each row; rows whose scores do not depend on the product get that of others, or 1."""
    made = factors.gather(-1, factors.abs().argmax(dim=-1, keepdim=True)).float()
    flat = made.flatten()
    usual = flat[flat.abs().argmax()]
    return torch.where(made == 0, usual if usual else torch.ones_like(usual), made)


def _of_free_rows(scores: Float[Tensor, "*lead n N"]) -> Float[Tensor, "*lead n N"]:
    """Return scores whose largest is 0 in rows where a finite number forbids all keys, so that it forbids none."""
    largest = scores.amax(dim=-1, keepdim=True)
    return torch.where((largest <= BLOCKED / 2) & largest.isfinite(), scores - largest, scores)


def _without_shift(
    rest: Float[Tensor, "*lead n N"], blocked: Tensor, sinks: int, noise: float
) -> Float[Tensor, "*lead n N"]:
    """Return a bias without its constant per row, if nothing else remains or there are sinks."""
    own, free = rest[..., sinks:], ~blocked[..., sinks:]
    first = own.gather(-1, free.long().argmax(dim=-1, keepdim=True))
    shifted = torch.where(blocked, rest, rest - first)
    is_shift = float((shifted[..., sinks:] * free).abs().max()) <= 2 * noise
    return shifted.masked_fill(shifted.abs() <= 2 * noise, 0.0) if is_shift or sinks else rest
