"""Attention with one projection for all three: timm's vision transformers, DINO's, VideoMAE's own, TimeSformer's.

Sources: timm 1.0.31, layers/attention.py and models/eva.py; transformers 5.23.0, models/blip/modeling_blip.py, and
models/timesformer/modeling_timesformer.py, whose layer leaves the output projection to the next module;
MCG-NJU/VideoMAE@cece388, modeling_finetune.py, which keeps its biases beside the projection (``q_bias``, ``v_bias``);
lucidrains/vit-pytorch@0ebd4ed, vit_pytorch/vit.py (``to_qkv``, ``to_out``, and a norm of the input inside the layer).
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.adapters.calls import LayerCall, layer_call
from nonlocal_core.capture.adapters.tokens.family import ProjectedTokens, by_call, padded, why_not_plain
from nonlocal_core.capture.adapters.tokens.parts import chained, head_count, normed_heads
from nonlocal_core.capture.adapters.tokens.projected import Projections
from nonlocal_core.capture.reading import NotReadable

_PROJECTIONS = ("qkv", "to_qkv")


def fused_attention(layer: nn.Module) -> "FusedAttention | NotReadable | None":
    """Return a reader of a layer, the reason why it cannot be read, or None if it is another kind of module."""
    name = next((name for name in _PROJECTIONS if isinstance(getattr(layer, name, None), nn.Linear)), None)
    if name is None or head_count(layer) is None:
        return None
    return why_not_plain(layer) or FusedAttention(module=layer, name=name, projected=Projections(layer, (name,)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FusedAttention:
    """The computation of such a layer, with its norms of queries and keys if it has them."""

    module: Any
    name: str
    """Name of the projection."""
    projected: Projections

    @property
    def heads(self) -> int:
        """The number of heads that the layer states."""
        return head_count(self.module) or 1

    @property
    def scale(self) -> float:
        """Factor of the scores: the fused kernel always takes D^-1/2, whatever ``scale`` says."""
        inner = getattr(self.module, self.name).out_features // 3 // self.heads
        stated = None if getattr(self.module, "fused_attn", False) else getattr(self.module, "scale", None)
        return float(inner**-0.5 if stated is None else stated)

    def inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LayerCall:
        """Return the inputs of a call of the layer."""
        return layer_call(self.module, getattr(self.module, self.name), args, kwargs)

    def embed(self, call: LayerCall) -> ProjectedTokens | NotReadable:
        """Return queries, keys and values of each head."""
        tokens = padded(call.tokens)
        if self.name == "to_qkv":
            tokens = chained(self.module, ("norm",), tokens)
        biases = (getattr(self.module, f"{name}_bias", None) for name in "qkv")
        tables = self.projected.of(self.name, tokens).chunk(3, dim=-1)
        made = [table if bias is None else table + bias for table, bias in zip(tables, biases, strict=True)]
        return by_call(self.module, call, *normed_heads(self.module, self.heads, *made))

    def batch_first(self, z: Tensor) -> Float[Tensor, "B N C"]:
        """Return the output unchanged."""
        return padded(z)

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the output projection of rows of y, or y if another module does that."""
        after = ("to_out",) if self.name == "to_qkv" else ("norm", "proj", "projection")
        return chained(self.module, after, y)
