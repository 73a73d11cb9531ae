"""torch.nn.MultiheadAttention as self-attention: with one projection matrix or three, batch first or not, masked.

Source: torch 2.13.0, nn/modules/activation.py and ``multi_head_attention_forward`` in nn/functional.py. True in a mask
forbids a key; a mask of three axes has one row of the batch for each head.
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear

from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.adapters.tokens.family import ProjectedTokens, padded, split_heads
from nonlocal_core.capture.adapters.tokens.masks import given_bias
from nonlocal_core.capture.reading import NotReadable, named_arguments


def torch_attention(layer: nn.Module) -> "TorchAttention | NotReadable | None":
    """Return a reader of a layer, the reason why it cannot be read, or None if it is another kind of module."""
    if not isinstance(layer, nn.MultiheadAttention):
        return None
    if layer.bias_k is not None or layer.add_zero_attn:
        return NotReadable("adds keys that are no tokens (add_bias_kv or add_zero_attn)")
    return TorchAttention(module=layer)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TorchAttention:
    """The computation of ``torch.nn.MultiheadAttention``; its output is that after ``out_proj``."""

    module: nn.MultiheadAttention
    projected: None = None

    @property
    def scale(self) -> float:
        """D^-1/2, always."""
        return float(self.module.head_dim**-0.5)

    def inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LayerCall:
        """Return query, key and value of a call, and its masks."""
        named = named_arguments(self.module, args, kwargs)
        return LayerCall(named["query"], named["key"], named["value"], named)

    def embed(self, call: LayerCall) -> ProjectedTokens | NotReadable:
        """Return queries, keys and values; queries other than the keys are a list."""
        query, key, _, _ = call
        differs = query is not key and not (query.shape == key.shape and bool((query == key).all()))
        weights, biases = self._weights(), self._biases()
        q, k, v = (
            split_heads(linear(self.batch_first(tokens), weight, bias), self.module.num_heads)
            for tokens, weight, bias in zip(call[:3], weights, biases, strict=True)
        )
        added = given_bias(
            call, q, k.shape[2], causal=False, true_blocks=True
        )  # is_causal comes with the mask that it is
        return added if isinstance(added, NotReadable) else ProjectedTokens(q, k, v, added, differs)

    def batch_first(self, z: Tensor) -> Float[Tensor, "B N C"]:
        """Return tokens with the batch first."""
        return z.transpose(0, 1) if z.ndim == 3 and not self.module.batch_first else padded(z)

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the output projection of rows of y."""
        return linear(y, self.module.out_proj.weight, self.module.out_proj.bias)

    def _weights(self) -> tuple[Tensor, ...]:
        layer = self.module
        joint: Tensor | None = layer.in_proj_weight
        return (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight) if joint is None else joint.chunk(3)

    def _biases(self) -> tuple[Tensor | None, ...]:
        bias = self.module.in_proj_bias
        return (None, None, None) if bias is None else bias.chunk(3)
