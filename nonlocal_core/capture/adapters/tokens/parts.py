"""Parts that attention layers share under different names: the number of heads, norms of q and k, output layers."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.adapters.tokens.family import is_there, split_heads

_HEADS = ("num_attention_heads", "num_heads", "heads", "n_heads")
_NORMS = (("q_norm", "k_norm"), ("norm_q", "norm_k"), ("query_norm", "key_norm"))


def head_count(layer: nn.Module) -> int | None:
    """Return the number of heads that a layer states, or None if it states none."""
    return next((getattr(layer, name) for name in _HEADS if isinstance(getattr(layer, name, None), int)), None)


def unroll_count(layer: nn.Module) -> int:
    """Return the number of times that the tokens of a layer of Hiera were unrolled by squares of 2 x 2; 0 for others.

    A mask unit has 4 times as many tokens for each (timm 1.0.31, models/hiera.py; transformers 5.23.0, models/hiera);
    ``window_size`` counts those that are left after the layer has pooled its queries.
    """
    if not isinstance(getattr(layer, "use_mask_unit_attn", None), bool):
        return 0
    left = getattr(layer, "window_size", None)
    pooled = next((getattr(layer, name) for name in ("query_stride", "q_stride") if hasattr(layer, name)), 1)
    if not isinstance(left, int) or not isinstance(pooled, int) or left * pooled < 1:
        return 0
    size = left * pooled
    times = (size.bit_length() - 1) // 2
    return times if size == 4**times else 0


def chained(layer: nn.Module, names: tuple[str, ...], values: Tensor) -> Tensor:
    """Return values passed through those of these parts that the layer has; the modules of a list run in order."""
    for name in names:
        part = getattr(layer, name, None)
        for module in part if isinstance(part, nn.ModuleList) else (part,):
            if isinstance(module, nn.Module):
                values = module(values)
    return values


def normed_heads(
    layer: Any, heads: int, q: Float[Tensor, "B N QD"], k: Float[Tensor, "B N QD"], v: Float[Tensor, "B N VD"]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values of each head, the first two normed if the layer has norms for them.

    A norm as wide as all heads together comes before they are parted (transformers 5.23.0, InternVL), one as wide as
    one of them after (timm 1.0.31).
    """
    norms = next((pair for pair in _NORMS if is_there(getattr(layer, pair[0], None))), None)
    if norms is None:
        return split_heads(q, heads), split_heads(k, heads), split_heads(v, heads)
    q_norm, k_norm = (getattr(layer, name) for name in norms)
    if _width(q_norm) == q.shape[-1]:
        return split_heads(q_norm(q), heads), split_heads(k_norm(k), heads), split_heads(v, heads)
    return q_norm(split_heads(q, heads)), k_norm(split_heads(k, heads)), split_heads(v, heads)


def _width(norm: nn.Module) -> int | None:
    """Return the number of channels that a norm covers, or None if it does not say."""
    shape = getattr(norm, "normalized_shape", None)
    weight = getattr(norm, "weight", None)
    return int(shape[-1]) if shape else int(weight.shape[-1]) if isinstance(weight, Tensor) else None
