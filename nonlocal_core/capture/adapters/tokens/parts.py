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
