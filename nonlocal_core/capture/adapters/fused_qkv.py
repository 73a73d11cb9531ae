"""Attention with one ``qkv`` projection: timm's vision transformers, DINO's, VideoMAE's own, TimeSformer's.

Sources: pytorch-image-models, timm/layers/attention.py; transformers, models/timesformer/modeling_timesformer.py,
whose layer leaves the output projection to the next module; VideoMAE, modeling_finetune.py, which keeps its biases
beside the projection (``q_bias``, ``v_bias``).
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.adapters.tokens import Projected, padded, split_heads, why_not_plain
from nonlocal_core.capture.reading import NotReadable


def fused_attention(layer: nn.Module) -> "FusedAttention | NotReadable | None":
    """Return how to read a layer, why it cannot be read, or None when it is another kind of module."""
    if not isinstance(getattr(layer, "qkv", None), nn.Linear) or not isinstance(getattr(layer, "num_heads", None), int):
        return None
    return why_not_plain(layer) or FusedAttention(module=layer)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FusedAttention:
    """What such a layer computes, with its norms of queries and keys where it has them."""

    module: Any

    @property
    def scale(self) -> float:
        """What the layer multiplies by: the fused kernel always takes D^-1/2, whatever ``scale`` says."""
        inner = self.module.qkv.out_features // 3 // self.module.num_heads
        stated = None if getattr(self.module, "fused_attn", False) else getattr(self.module, "scale", None)
        return float(inner**-0.5 if stated is None else stated)

    def embed(self, x: Tensor) -> Projected | NotReadable:
        """Return queries, keys and values."""
        layer = self.module
        made = layer.qkv(padded(x)).chunk(3, dim=-1)
        biases = (getattr(layer, f"{name}_bias", None) for name in "qkv")
        q, k, v = (
            split_heads(table if bias is None else table + bias, layer.num_heads)
            for table, bias in zip(made, biases, strict=True)
        )
        if isinstance(getattr(layer, "q_norm", None), nn.Module):
            q, k = layer.q_norm(q), layer.k_norm(k)
        return Projected(q, k, v)

    def batch_first(self, z: Tensor) -> Float[Tensor, "B N C"]:
        """Return the output as it is."""
        return padded(z)

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the output projection of rows of y, or y where another module does that."""
        for name in ("norm", "proj"):
            layer = getattr(self.module, name, None)
            if isinstance(layer, nn.Module):
                y = layer(y)
        return y
