"""torch's function for several heads, taken apart so that a mode which watches torch's functions sees its product.

Source: ``torch.nn.functional.multi_head_attention_forward`` of torch 2.13; `test_hand_written.py` compares.
"""

import inspect
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_WHOLE = functional.multi_head_attention_forward
_ADDED_KEYS = ("bias_k", "bias_v", "static_k", "static_v")


def whole_heads(watch: TorchFunctionMode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the function's result, with its product computed inside ``watch``.

    A call with keys of its own runs as it is, and its product stays unseen.
    """
    given = inspect.signature(_WHOLE).bind(*args, **kwargs)
    given.apply_defaults()
    call = given.arguments
    if call["add_zero_attn"] or any(call[name] is not None for name in _ADDED_KEYS):
        return _WHOLE(*args, **kwargs)
    weights = _WHOLE(*args, **kwargs)[1] if call["need_weights"] else None
    is_single = call["query"].ndim == 2
    query, key, value = (call[name][:, None] if is_single else call[name] for name in ("query", "key", "value"))
    q, k, v = (
        part.reshape(*part.shape[:2], call["num_heads"], -1).permute(1, 2, 0, 3)
        for part in _projected(call, query, key, value)
    )
    with watch:
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=_mask(call, q, k))
    own = functional.linear(y.permute(2, 0, 1, 3).flatten(2), call["out_proj_weight"], call["out_proj_bias"])
    return own[:, 0] if is_single else own, weights


def _projected(call: dict[str, Any], query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return q, k and v (N, B, heads * D), heads side by side."""
    if call["use_separate_proj_weight"]:
        weights = tuple(call[f"{name}_proj_weight"] for name in "qkv")
    else:
        weights = call["in_proj_weight"].chunk(3)
    biases = (None,) * 3 if call["in_proj_bias"] is None else call["in_proj_bias"].chunk(3)
    q, k, v = (
        functional.linear(part, weight, bias)
        for part, weight, bias in zip((query, key, value), weights, biases, strict=True)
    )
    return q, k, v


def _mask(call: dict[str, Any], q: Tensor, k: Tensor) -> Tensor | None:
    """Return both masks as one addition to the scores (B, heads, n, N), or None if there is none."""
    total, shape = None, (len(q), q.shape[1], q.shape[2], k.shape[2])
    for name in ("attn_mask", "key_padding_mask"):
        mask = call[name]
        if mask is None:
            continue
        if mask.dtype == torch.bool:
            mask = torch.zeros_like(mask, dtype=q.dtype).masked_fill(mask, -torch.inf)
        if name == "key_padding_mask":
            mask = mask.reshape(-1, 1, 1, shape[3])
        elif mask.ndim == 3:
            mask = mask.reshape(shape)
        total = mask.expand(shape) if total is None else total + mask
    return total
