"""Attention with three projections, as in Hugging Face's vision transformers.

Sources: transformers, models/vit/modeling_vit.py and models/videomae/modeling_videomae.py, old and new. Layers with
``query``, ``key`` and ``value`` end before the output projection, those with ``q_proj`` and so on after it. VideoMAE
used to keep its biases beside the projections (``q_bias``, ``v_bias``).
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.adapters.tokens import Projected, padded, split_heads, why_not_plain
from nonlocal_core.capture.reading import NotReadable

_PROJECTIONS = (("query", "key", "value"), ("q_proj", "k_proj", "v_proj"))
_HEADS = ("num_attention_heads", "num_heads")
_SCALES = ("scaling", "scale")
_OUTPUTS = ("o_proj", "out_proj")


def separate_attention(layer: nn.Module) -> "SeparateAttention | NotReadable | None":
    """Return how to read a layer, why it cannot be read, or None when it is another kind of module."""
    names = _names(layer)
    if names is None or not any(isinstance(getattr(layer, name, None), int) for name in _HEADS):
        return None
    q, k, v = (getattr(layer, name) for name in names)
    if not q.out_features == k.out_features == v.out_features:
        return NotReadable("shares keys among groups of heads, which this viewer does not show")
    if getattr(layer, "q_norm", None) is not None:
        return NotReadable("norms its queries and keys in a way that this viewer does not know")
    return why_not_plain(layer) or SeparateAttention(module=layer, names=names)


def _names(layer: nn.Module) -> tuple[str, str, str] | None:
    for names in _PROJECTIONS:
        if all(isinstance(getattr(layer, name, None), nn.Linear) for name in names):
            return names
    return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeparateAttention:
    """What such a layer computes."""

    module: Any
    names: tuple[str, str, str]
    """Of the three projections."""

    @property
    def heads(self) -> int:
        """The number of heads that the layer states."""
        return next(int(getattr(self.module, name)) for name in _HEADS if hasattr(self.module, name))

    @property
    def scale(self) -> float:
        """The scale that the layer states, else D^-1/2."""
        stated = next((getattr(self.module, name) for name in _SCALES if hasattr(self.module, name)), None)
        width = getattr(self.module, self.names[0]).out_features // self.heads
        return float(width**-0.5 if stated is None else stated)

    def embed(self, x: Tensor) -> Projected | NotReadable:
        """Return queries, keys and values."""
        tokens = padded(x)
        tables = [getattr(self.module, name)(tokens) for name in self.names]
        biases = [getattr(self.module, f"{name[0]}_bias", None) for name in self.names]
        q, k, v = (
            split_heads(table if bias is None else table + bias, self.heads)
            for table, bias in zip(tables, biases, strict=True)
        )
        return Projected(q, k, v)

    def batch_first(self, z: Tensor) -> Float[Tensor, "B N C"]:
        """Return the output as it is."""
        return padded(z)

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the output projection of rows of y, or y where another module does that."""
        for name in _OUTPUTS:
            layer = getattr(self.module, name, None)
            if isinstance(layer, nn.Module):
                y = layer(y)
        return y
