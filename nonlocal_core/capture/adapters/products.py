"""The products of one call of a layer: queries, keys and values where torch multiplies them, whoever wrote the layer.

A layer runs once more while every product and every softmax that it asks torch for is looked at. What the softmax is
taken of is ``factor * q . k + bias``: autograd tells the factor of every score, and the bias is what remains. So a
rotation, a norm, a temperature, a cosine, a bias on positions or a mask need not be known to be read.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from nonlocal_core.capture.adapters.factors import PRODUCTS, Product, product_of
from nonlocal_core.capture.adapters.masks import BLOCKED

SOFTMAXES = (functional.softmax, torch.softmax, Tensor.softmax)

_KEPT = 8
"""Products before a softmax that its scores may come from."""

_NOISE_STEPS = 16
"""Rounding errors at the largest score that a bias may hold which is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """One attention inside a call; leading axes as the layer has them."""

    q: Float[Tensor, "*lead n D"]
    k: Float[Tensor, "*lead N D"]
    v: Float[Tensor, "*lead N Dv"]
    factor: float
    """Of all products; factors that differ are in q."""
    bias: Float[Tensor, "*any n N"] | None
    """Addition to the scores; at most ``BLOCKED`` where a key is forbidden."""
    noise: float
    """Rounding that the bias may hold."""
    step: int
    """Its product with the values is the layer's product of that number."""
    lay: Callable[[Tensor], Tensor]
    """Turns y (*lead, n, Dv) into what that product returns."""


class Unclear(Exception):  # noqa: N818
    """Reason why the attention inside a layer is not the paper's, in words that follow "it"."""


@dataclass(slots=True)
class _Scores:
    """Product that may be scores: its factors, and the leaf that a later softmax is traced back to."""

    left: Tensor
    right: Tensor
    leaf: Tensor


@dataclass
class Watch(TorchFunctionMode):
    """Look at the products inside a ``with``, and put another y in the place of one of them.

    ``put``: the number of a product, and what makes its output of the real one.
    """

    put: tuple[int, Callable[[Tensor], Tensor]] | None = None
    found: list[Attended] = field(default_factory=list)
    step: int = 0
    _scores: list[_Scores] = field(default_factory=list)
    from_several: bool = False
    """Whether some softmax was taken over scores that several products, or a part of one, were put together to."""
    _pending: tuple[Tensor, Tensor, Tensor, Any, Any, float] | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one function of torch, and remember it where it takes part in an attention."""
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            return self._fused(func, args, kwargs)
        if func in PRODUCTS:
            return self._product(func, args, kwargs)
        if self.put is None and func in SOFTMAXES:
            return self._softmax(func, args, kwargs)
        with torch.set_grad_enabled(bool(self._scores)):
            return func(*args, **kwargs)

    def _fused(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        made: Tensor = func(*args, **kwargs)
        self.step += 1
        if self.put is not None:
            return self.put[1](made) if self.put[0] == self.step else made
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")
        given = dict(zip(names, args, strict=False)) | kwargs
        q, k, v = (given[name].detach() for name in names[:3])
        if k.shape[-3:-2] != q.shape[-3:-2] and given.get("enable_gqa"):
            k, v = (part.repeat_interleave(q.shape[-3] // part.shape[-3], dim=-3) for part in (k, v))
        scale, bias = given.get("scale"), given.get("attn_mask")
        if given.get("is_causal"):
            bias = q.new_full((q.shape[-2], k.shape[-2]), BLOCKED, dtype=torch.float32).triu(1)
        elif bias is not None:
            bias = bias.detach()
            bias = torch.where(bias, 0.0, BLOCKED) if bias.dtype == torch.bool else bias.clamp_min(BLOCKED)
        factor = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
        self.found.append(Attended(q=q, k=k, v=v, factor=factor, bias=bias, noise=0.0, step=self.step, lay=_as_it_is))
        return made

    def _product(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        made: Tensor
        with torch.set_grad_enabled(bool(self._scores)):
            made = func(*args, **kwargs)
        self.step += 1
        if self.put is not None:
            return self.put[1](made) if self.put[0] == self.step else made
        pair = product_of(func, args)
        if pair is None or (self._pending is not None and self._takes_values(pair)):
            return made
        if self._pending is None and pair.is_plain:
            leaf = made.detach().clone().requires_grad_()
            scores = _Scores(pair.left.detach(), pair.right.detach().mT, leaf)
            self._scores = [*self._scores[1 - _KEPT :], scores]
            with torch.enable_grad():
                return leaf.clone()  # which may be written into, as a leaf may not
        return made

    def _softmax(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        given: Tensor = args[0]
        weights: Tensor = func(*(part.detach() if isinstance(part, Tensor) else part for part in args), **kwargs)
        scores, self._scores = self._scores, []
        if not given.requires_grad:
            return weights
        axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
        with torch.enable_grad():
            grads = torch.autograd.grad(given.sum(), [each.leaf for each in scores], allow_unused=True)
        parts = [
            (each, grad.reshape(each.leaf.shape))
            for each, grad in zip(scores, grads, strict=True)
            if grad is not None and each.leaf.numel() == given.numel()
        ]
        self.from_several |= not parts and any(grad is not None for grad in grads)
        if parts:
            if axis not in (-1, given.ndim - 1):
                raise Unclear("takes its softmax over another axis than that of its keys")
            self._pending = weights, *_solved(given.detach(), parts)
        return weights

    def _takes_values(self, pair: Product) -> bool:
        """Return whether a product is that of the weights and the values, and remember the attention if so."""
        assert self._pending is not None
        weights, q, k, factor, bias, noise = self._pending
        if _is_same(pair.left, weights):
            values, lay = pair.right, pair.lay
        elif _is_same(pair.right.mT, weights):
            values, lay = pair.left.mT, _turned(pair.lay)
        else:
            return False
        v = values.detach().expand(*pair.left.shape[:-2], -1, -1).reshape(*q.shape[:-2], k.shape[-2], values.shape[-1])
        shape = (*pair.left.shape[:-2], q.shape[-2], values.shape[-1])
        self.found.append(
            Attended(
                q=q,
                k=k,
                v=v,
                factor=factor,
                bias=bias,
                noise=noise,
                step=self.step,
                lay=lambda y: lay(y.reshape(shape)),
            )
        )
        self._pending = None
        return True


def _as_it_is(y: Tensor) -> Tensor:
    return y


def _turned(lay: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda y: lay(y.mT)


def _is_same(part: Tensor, weights: Tensor) -> bool:
    """Return whether a factor of a product is the weights, perhaps with other leading axes."""
    if part.shape[-2:] != weights.shape[-2:] or part.numel() != weights.numel():
        return False
    return torch.equal(part.detach().reshape(-1), weights.reshape(-1).to(part.dtype))


def _solved(given: Tensor, parts: list[tuple[_Scores, Tensor]]) -> tuple[Tensor, Tensor, float, Tensor | None, float]:
    """Return q, k, their factor, the bias and its rounding of ``given``, which was made of some products."""
    shape = parts[0][1].shape
    scores, rest = given.reshape(shape).float(), given.reshape(shape).float()
    blocked = scores <= BLOCKED
    finite = scores.masked_fill(blocked, 0.0)
    q: list[Tensor] = []
    k: list[Tensor] = []
    for each, grad in parts:
        pick = grad.abs().argmax(dim=-1, keepdim=True)
        factor = grad.gather(-1, pick).float()
        rest = rest - factor * each.leaf.detach().reshape(shape).float()
        lead = shape[:-2]
        q.append(factor * each.left.expand(*lead, -1, -1).float())
        k.append(each.right.expand(*lead, -1, -1).float())
    noise = _NOISE_STEPS * torch.finfo(given.dtype).eps * float(finite.abs().max())
    rest = rest.masked_fill(blocked, BLOCKED)
    bias = None if float(rest.abs().max()) <= noise else rest
    return torch.cat(q, dim=-1), torch.cat(k, dim=-1), 1.0, bias, noise
