"""Attention with three projections, as in Hugging Face's vision transformers and in diffusers.

Sources: transformers 5.23.0, models/vit/modeling_vit.py, models/videomae/modeling_videomae.py and
models/internvl/modeling_internvl.py; timm 1.0.31, models/eva.py; huggingface/diffusers@8fadb14,
src/diffusers/models/attention_processor.py. Layers with ``query``, ``key`` and ``value`` end before the output
projection, those with ``q_proj`` or ``to_q`` and so on after it. Older ports of VideoMAE keep its biases beside the
projections (``q_bias``, ``v_bias``).
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.adapters.calls import LayerCall, layer_call
from nonlocal_core.capture.adapters.tokens.family import ProjectedTokens, by_call, padded, why_not_plain
from nonlocal_core.capture.adapters.tokens.parts import chained, head_count, normed_heads
from nonlocal_core.capture.adapters.tokens.projected import Projections
from nonlocal_core.capture.reading import DoesMore, NotReadable

_PROJECTIONS = (("query", "key", "value"), ("q_proj", "k_proj", "v_proj"), ("to_q", "to_k", "to_v"))
_SCALES = ("scaling", "scale")
_OUTPUTS = ("o_proj", "out_proj", "projection_layer", "to_out")


def separate_attention(layer: nn.Module) -> "SeparateAttention | NotReadable | None":
    """Return a reader of a layer, the reason why it cannot be read, or None if it is another kind of module."""
    names = _names(layer)
    if names is None or head_count(layer) is None:
        return None
    q, k, v = (getattr(layer, name) for name in names)
    if not q.out_features == k.out_features == v.out_features:
        return DoesMore("shares keys among groups of heads")
    if not q.in_features == k.in_features == v.in_features:
        return DoesMore("makes its keys of wider or narrower tokens than its queries, so not of the same cells")
    return why_not_plain(layer) or SeparateAttention(module=layer, names=names, projected=Projections(layer, names))


def _names(layer: nn.Module) -> tuple[str, str, str] | None:
    for names in _PROJECTIONS:
        if all(isinstance(getattr(layer, name, None), nn.Linear) for name in names):
            return names
    return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeparateAttention:
    """The computation of such a layer."""

    module: Any
    names: tuple[str, str, str]
    """Names of the three projections."""
    projected: Projections

    @property
    def heads(self) -> int:
        """The number of heads that the layer states."""
        return head_count(self.module) or 1

    @property
    def scale(self) -> float:
        """The scale that the layer states, else D^-1/2."""
        stated = next((getattr(self.module, name) for name in _SCALES if hasattr(self.module, name)), None)
        width = getattr(self.module, self.names[0]).out_features // self.heads
        return float(width**-0.5 if stated is None else stated)

    def inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LayerCall:
        """Return the inputs of a call of the layer."""
        return layer_call(self.module, getattr(self.module, self.names[0]), args, kwargs)

    def embed(self, call: LayerCall) -> ProjectedTokens | NotReadable:
        """Return queries, keys and values of each head."""
        tokens = padded(call.tokens)
        made = []
        for part, name in zip("qkv", self.names, strict=True):
            bias = getattr(self.module, f"{part}_bias", None)
            table = self.projected.of(name, tokens)
            made.append(table if bias is None else table + bias)
        return by_call(self.module, call, *normed_heads(self.module, self.heads, *made))

    def batch_first(self, z: Tensor) -> Float[Tensor, "B N C"]:
        """Return the output unchanged."""
        return padded(z)

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the output projection of rows of y, or y if another module does that."""
        after = ("norm", "proj") if isinstance(getattr(self.module, "proj", None), nn.Module) else _OUTPUTS
        return chained(self.module, after, y)
