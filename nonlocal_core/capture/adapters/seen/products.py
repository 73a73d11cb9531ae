"""The products of one call of any layer: queries, keys and values as torch multiplies them.

A layer runs once more while every product and every softmax that it calls in torch is observed. The softmax is taken
of ``factor * q . k + bias``: autograd gives the factor of every score, and the bias is what remains. So a rotation, a
norm, a temperature, a cosine, a bias on positions or a mask need not be known to be read.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from nonlocal_core.capture.adapters.seen.factors import PRODUCTS, Product, memory_of, product_of
from nonlocal_core.capture.adapters.seen.function_heads import whole_heads
from nonlocal_core.capture.adapters.seen.own_weights import own_weights
from nonlocal_core.capture.adapters.seen.scores import Scores, Weights, solved, traced
from nonlocal_core.capture.adapters.tokens.masks import BLOCKED
from nonlocal_core.vocabulary import Pairwise

_LOGARITHMS = (functional.log_softmax, torch.log_softmax, Tensor.log_softmax)
SOFTMAXES = (functional.softmax, torch.softmax, Tensor.softmax, *_LOGARITHMS)
WHOLE = (functional.scaled_dot_product_attention, functional.multi_head_attention_forward)
"""Functions of torch that attend by themselves."""

_KEPT_WEIGHTS = 64
"""Number of latest softmaxes that a product may take."""

_KEPT = 8
"""Number of latest products that the scores of a softmax may come from."""

_MIXED = (
    "multiplies its softmax by another matrix of positions before it meets the values, so that the softmax is not what "
    "weighs them"
)
_OTHER_AXIS = "takes its softmax over another axis than that of its keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """One attention inside a call, with the layer's leading axes."""

    q: Float[Tensor, "*lead n D"]
    k: Float[Tensor, "*lead N D"]
    v: Float[Tensor, "*lead N Dv"]
    factor: float
    """Common factor of all products; factors that differ are in q."""
    bias: Float[Tensor, "*any n N"] | None
    """Addition to the scores; at most ``BLOCKED`` for a forbidden key."""
    noise: float = 0.0
    """Rounding that the bias may hold."""
    y: Float[Tensor, "*lead n Dv"]
    """Weighted sums of the values."""
    put: Mapping[int, Callable[[Tensor], Tensor]]
    """Functions from y (*lead, n, Dv) to the output of a product of weights and values, by the product's number."""
    fused: Mapping[int, Tensor] = field(default_factory=dict)
    """Outputs of a fused attention, by its number: to be replaced, they need not be computed again."""
    sinks: int = 0
    """The number of first keys that are scores alone, without a value."""
    pairwise: Pairwise = "embedded_gaussian"


class Unclear(Exception):  # noqa: N818
    """Reason why the attention inside a layer is not the paper's, in words that follow "it"."""


@dataclass
class Watch(TorchFunctionMode):
    """Watch the products inside a ``with``, and replace the outputs of some of them.

    ``put``: functions from the real output of a product to its replacement, by the product's number. ``fused``: outputs
    of those that are known, which are not computed. ``looks``: whether to watch the other products.
    ``own``: the addresses of the layer's parameters; if given, weights are what the layer multiplies its values by, if
    it computes them from a product of other tables, with or without torch's softmax (`own_weights`).
    """

    put: Mapping[int, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    fused: Mapping[int, Tensor] = field(default_factory=dict)
    looks: bool = True
    own: frozenset[int | None] | None = None
    found: list[Attended] = field(default_factory=list)
    step: int = 0
    _scores: list[Scores] = field(default_factory=list)
    is_otherwise: bool = False
    """True after a softmax of anything but one product with something added."""
    softmaxes: int = 0
    """Number of softmaxes of a product, whether or not they met values as they are."""
    _pending: list[Weights] = field(default_factory=list)
    """Latest weights that have met no values yet."""
    _gathered: list[tuple[Tensor, int]] = field(default_factory=list)
    """Products of weights and values, each with the number of keys."""

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one function of torch, and remember it if it takes part in an attention."""
        with torch.inference_mode(mode=False):  # in which a layer may run itself, and nothing could be traced
            return self._run(func, args, kwargs or {})

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(kwargs.get("out"), Tensor):
            return self._into(kwargs["out"], func, args, {name: kwargs[name] for name in kwargs if name != "out"})
        if func is functional.multi_head_attention_forward:
            return whole_heads(self, args, kwargs)
        if func is functional.scaled_dot_product_attention:
            return self._fused(func, args, kwargs)
        if func in PRODUCTS:
            return self._product(func, args, kwargs)
        if self.looks and func in SOFTMAXES and self.own is None:
            return self._softmax(func, args, kwargs)
        with torch.set_grad_enabled(bool(self._scores)):
            return func(*args, **kwargs)

    def _into(self, out: Tensor, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        """Run a function whose result goes into a given tensor, which torch does not trace as it stands."""
        made: Tensor = self._run(func, args, kwargs)
        with torch.set_grad_enabled(made.requires_grad):
            return out.resize_(made.shape).copy_(made)

    def _fused(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        self.step += 1
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")
        given = dict(zip(names, args, strict=False)) | kwargs
        known = self.fused.get(self.step)
        if known is not None and _is_like(known, given["query"], given["value"]):
            return self._replaced(known)
        made: Tensor = func(*args, **kwargs)
        if self.step in self.put or not self.looks:
            return self._replaced(made)
        if given.get("dropout_p"):
            raise Unclear(
                f"drops weights at random in eval mode too (dropout_p={given['dropout_p']:g}), so its rows are others "
                "in each run. Let it pass dropout_p=0.0 where self.training is False"
            )
        q, k, v = (given[name].detach() for name in names[:3])
        if k.shape[-3:-2] != q.shape[-3:-2] and given.get("enable_gqa"):
            k, v = (part.repeat_interleave(q.shape[-3] // part.shape[-3], dim=-3) for part in (k, v))
        lead = torch.broadcast_shapes(*(part.shape[:-2] for part in (q, k, v)))  # type: ignore[no-untyped-call]
        q, k, v = (part.expand(*lead, *part.shape[-2:]) for part in (q, k, v))
        scale, bias = given.get("scale"), given.get("attn_mask")
        if given.get("is_causal"):
            bias = q.new_full((q.shape[-2], k.shape[-2]), BLOCKED, dtype=torch.float32).triu(1)
        elif bias is not None:
            bias = bias.detach()
            bias = torch.where(bias, 0.0, BLOCKED) if bias.dtype == torch.bool else bias.clamp_min(BLOCKED)
        factor = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
        y = made.detach()
        put, fused = {self.step: _same}, {self.step: y}
        self.found.append(Attended(q=q, k=k, v=v, factor=factor, bias=bias, y=y, put=put, fused=fused))
        return made

    def _replaced(self, made: Tensor) -> Tensor:
        if self.step not in self.put:
            return made
        return self.put[self.step](made)

    def _product(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        made: Tensor
        with torch.set_grad_enabled(bool(self._scores)):
            made = func(*args, **kwargs)
        self.step += 1
        pair = product_of(func, args, kwargs) if self.looks else None
        met = None if pair is None else self._met_by(pair) or self._own_met_by(pair)
        if self.step in self.put or not self.looks:
            return self._replaced(made)
        if pair is None:
            return made
        is_mixed = any(y.shape[-1] == keys and _is_same(pair.left, y) for y, keys in self._gathered)
        if is_mixed and not _is_weight(pair.right):
            raise Unclear(_MIXED)
        if met is not None:
            if _is_same(pair.right, met[0].weights):
                raise Unclear(_MIXED)
            self._remember(pair, made, *met)
            return made.detach()
        if self.own is not None and not self.own.isdisjoint(map(memory_of, (pair.left.detach(), pair.right.detach()))):
            return made
        with torch.no_grad():
            leaf = _leaf(pair.left @ pair.right if pair.adds else pair.matrix(made).clone())
        self._scores = [*self._scores[1 - _KEPT :], Scores(pair, leaf)]
        with torch.enable_grad():
            return pair.lay(leaf).clone()  # which may be written into, as a leaf may not

    def _softmax(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        made: Tensor
        plain = tuple(part.detach() if isinstance(part, Tensor) else part for part in args)
        made = func(
            *plain, **{name: part.detach() if isinstance(part, Tensor) else part for name, part in kwargs.items()}
        )
        given: Tensor = args[0] if args else kwargs["input"]
        scores, self._scores = self._scores, []
        if not scores or not given.requires_grad:
            return made
        axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
        made_of = None if axis is None else traced(given, axis, scores)
        if made_of is not None:
            used = [each for each, _ in made_of.parts]
            self._scores = [each for each in scores if not any(each is other for other in used)]
            self.softmaxes += 1
            self._pending = [
                *self._pending[1 - _KEPT_WEIGHTS :],
                solved(made_of, made.exp() if func in _LOGARITHMS else made),
            ]
            return made
        for each in scores:
            if axis is None or each.product.side(axis, given.ndim) is None:
                raise Unclear(_OTHER_AXIS)
        self.is_otherwise = True
        return made

    def _met_by(self, pair: Product) -> tuple[Weights, bool] | None:
        """Remove and return the pending weights that a product takes, and whether they are turned, or None for none.

        Raises Unclear if it takes them along their queries.
        """
        for index, pending in enumerate(self._pending):
            is_turned = not _is_same(pair.left, pending.weights)
            if not is_turned or _is_same(pair.right.mT, pending.weights):
                return self._pending.pop(index), is_turned
            is_square = pair.left.shape[-1] == pair.right.shape[-1]
            if _is_same(pair.left, pending.weights.mT) or (is_square and _is_same(pair.right, pending.weights)):
                raise Unclear(_OTHER_AXIS)
        return None

    def _own_met_by(self, pair: Product) -> tuple[Weights, bool] | None:
        """Return the layer's own weights in a product, or None if there are none."""
        return None if self.own is None else own_weights(pair, self._scores)

    def _remember(self, pair: Product, made: Tensor, pending: Weights, is_turned: bool) -> None:
        """Remember an attention by the product of its weights and its values."""
        values = pair.left.mT if is_turned else pair.right
        q, k = pending.q, pending.k
        lead = (pair.right if is_turned else pair.left).shape[:-2]
        v = values.detach().expand(*lead, -1, -1).reshape(*q.shape[:-2], -1, values.shape[-1])
        shape = (*lead, q.shape[-2], values.shape[-1])
        own = pair.matrix(made.detach())
        self._gathered.append((made.detach(), q.shape[-2] if is_turned else pair.left.shape[-1]))
        self.found.append(
            Attended(
                q=q,
                k=k,
                v=functional.pad(v, (0, 0, pending.sinks, 0)),
                factor=1.0,
                bias=pending.bias,
                noise=pending.noise,
                y=(own.mT if is_turned else own).reshape(*q.shape[:-1], values.shape[-1]),
                put={self.step: lambda y: pair.lay(y.reshape(shape).mT if is_turned else y.reshape(shape))},
                sinks=pending.sinks,
                pairwise=pending.pairwise,
            )
        )


def _leaf(matrix: Tensor) -> Tensor:
    """Return a matrix that a softmax is traced back to. Raises Unclear inside a transform, which has no such leaves."""
    try:
        return matrix.requires_grad_()
    except RuntimeError as inside:
        raise Unclear(
            "computes its products inside a transform such as torch.vmap, where this viewer cannot trace them; written "
            "for all sequences at once they are read"
        ) from inside


def _is_weight(part: Tensor) -> bool:
    """Return whether a factor is a parameter, or a view of one."""
    return isinstance(part, nn.Parameter) or isinstance(part._base, nn.Parameter)


def _same(y: Tensor) -> Tensor:
    return y


def _is_like(known: Tensor, query: Tensor, value: Tensor) -> bool:
    """Return whether a fused attention of a query and a value has an output like the known one."""
    shape = (*query.shape[:-1], value.shape[-1])
    return known.shape == shape and known.dtype == query.dtype and known.device == query.device


def _is_same(part: Tensor, weights: Tensor) -> bool:
    """Return whether a factor of a product is the weights, perhaps with other leading axes."""
    if part.shape[-2:] != weights.shape[-2:] or part.numel() != weights.numel():
        return False
    return torch.equal(part.detach().reshape(-1), weights.reshape(-1).to(part.dtype))
