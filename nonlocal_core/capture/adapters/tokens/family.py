"""Common ground of the families of self-attention over tokens: each head is an embedded Gaussian (paper, 3.2)."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.adapters.tokens.masks import MASKS, Bias, given_bias
from nonlocal_core.capture.adapters.tokens.projected import Projections
from nonlocal_core.capture.adapters.tokens.rotary import is_rotary, rotated
from nonlocal_core.capture.reading import DoesMore, NotReadable

_DOES_MORE = {
    "relative_position_bias_table": "adds a bias on relative positions",
    "relative_position_bias": "adds a bias on relative positions",
    "rel_pos": "adds a bias on relative positions",
    "rel_pos_h": "adds a bias on relative positions",
    "attention_biases": "adds a bias on relative positions",
    "rope": "adds a rotary position embedding of its own",
    "logit_scale": "adds a learned scale of cosines",
    "temperature": "adds a learned temperature",
    "gate": "adds a gate on its output",
    "proj_l": "adds a mixture of its heads",
    **dict.fromkeys(("sr", "sequence_reduction", "spatial_reduction"), "adds a reduction of its keys"),
    "use_mask_unit_attn": "attends within mask units",
    "pool_q": "pools its queries",
    "pool_k": "pools its keys",
    "group_norm": "norms its input in groups",
    "spatial_norm": "norms its input by another",
    "add_k_proj": "adds keys from elsewhere",
}
"""Attributes of known layers (timm 1.0.31, transformers 5.23.0: Swin, BEiT, SAM, LeViT, XCiT, CaiT, PVT, Hiera, MViT;
huggingface/diffusers@8fadb14) whose output depends on more than q, k and v."""

_FLAGS = ("use_mask_unit_attn",)
"""Attributes among them that count only if they are True."""

KEPT_KEYS = ("past_key_value", "past_key_values", "layer_past")
"""Arguments that hold the keys of earlier calls."""

_ROTATIONS = ("rotary_pos_emb", "rotary_emb", "image_rotary_emb", "freqs_cis", "freqs")

_BRINGS_MORE = {
    **dict.fromkeys(_ROTATIONS, "a rotary position embedding that this viewer does not know"),
    **dict.fromkeys(KEPT_KEYS, "the keys of earlier calls"),
    **dict.fromkeys(("head_mask", "layer_head_mask"), "a mask on its heads"),
    "cu_seqlens": "several sequences behind each other, in an order that no grid tells",
}
"""Arguments that change a layer's output, in words."""

_OTHER_KEYS = ("encoder_hidden_states", "key_value_states", "context")


class ProjectedTokens(NamedTuple):
    """Queries, keys and values that an attention layer made of its input."""

    q: Float[Tensor, "B heads N D"]
    k: Float[Tensor, "B heads N D"]
    v: Float[Tensor, "B heads N D"]
    bias: Bias | None = None
    """Sum of the masks' additions to the scores."""
    are_a_list: bool = False
    """True if the queries are a list apart from the keys, and none of them is a position."""


@runtime_checkable
class SelfAttention(Protocol):
    """Interface of a family of attention layers whose heads are read."""

    @property
    def module(self) -> nn.Module:
        """The layer."""
        ...

    @property
    def scale(self) -> float:
        """Factor of q . k before the softmax."""
        ...

    @property
    def projected(self) -> Projections | None:
        """Outputs of its projections while it runs, or None if no module makes queries, keys and values."""
        ...

    def inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LayerCall:
        """Return the inputs of a call of the layer."""
        ...

    def embed(self, call: LayerCall) -> ProjectedTokens | NotReadable:
        """Return queries, keys and values of each head by the layer's own projections, and the bias of its masks."""
        ...

    def batch_first(self, z: Tensor) -> Float[Tensor, "B N C"]:
        """Return the layer's output with the batch first."""
        ...

    def project(self, y: Float[Tensor, "1 n heads_D"]) -> Float[Tensor, "1 n C"]:
        """Return the layer's output for rows of y, the heads side by side."""
        ...


def split_heads(table: Float[Tensor, "B N heads_D"], heads: int) -> Float[Tensor, "B heads N D"]:
    """Return channels as heads, the first D of them the first head's."""
    batch, tokens, channels = table.shape
    return table.reshape(batch, tokens, heads, channels // heads).transpose(1, 2)


def padded(x: Tensor) -> Float[Tensor, "B N C"]:
    """Return tokens with a batch axis of one if they came without."""
    return x if x.ndim == 3 else x[None]


def why_not_plain(layer: nn.Module) -> NotReadable | None:
    """Return the reason why q, k and v do not fully describe an attention layer, or None if they do."""
    for name, what in _DOES_MORE.items():
        part = getattr(layer, name, None)
        if is_there(part) or (name in _FLAGS and part is True):
            return DoesMore(f"{what} ({name}), which theta and phi do not hold")
    return None


def is_there(part: Any) -> bool:
    """Return whether an attribute of a layer has an effect; plain numbers and flags are left to the proof."""
    return part is not None and not isinstance(part, nn.Identity | bool | int | float)


def by_call(layer: nn.Module, call: LayerCall, q: Tensor, k: Tensor, v: Tensor) -> ProjectedTokens | NotReadable:
    """Return queries and keys of each head as the other arguments of the call change them, and its mask.

    True in a mask admits a key, as in ``torch.nn.functional.scaled_dot_product_attention``.
    """
    elsewhere = why_not_own_keys(call)
    if elsewhere is not None:
        return elsewhere
    unknown = call.given(*_BRINGS_MORE)
    if unknown is not None:
        remedy = ". Call the network with use_cache=False" if unknown in KEPT_KEYS else ""
        said = f"was called with {_BRINGS_MORE[unknown]} ({unknown}), which theta and phi do not hold{remedy}"
        return DoesMore(said) if unknown in _ROTATIONS else NotReadable(said)
    angles = call.arguments.get("position_embeddings")
    if angles is not None and not is_rotary(angles):
        return NotReadable("was called with position_embeddings, which it may add to queries and keys in its own way")
    q, k = rotated(layer, call, q, k)
    bias = given_bias(call, q, k.shape[2], causal=_is_causal(layer, call), true_blocks=False)
    return bias if isinstance(bias, NotReadable) else ProjectedTokens(q, k, v, bias)


def why_not_own_keys(call: LayerCall) -> NotReadable | None:
    """Return the reason why a call's keys are tokens other than its queries, or None if nothing says so."""
    elsewhere = call.given(*_OTHER_KEYS)
    if elsewhere is not None and call.arguments[elsewhere] is not call.tokens:
        return NotReadable("was called with keys from elsewhere (cross-attention), which are no cells of this clip")
    return None


def _is_causal(layer: nn.Module, call: LayerCall) -> bool:
    """Return whether no query sees later tokens.

    The call says so, or the layer; transformers' eager path (5.23.0, integrations/sdpa_attention.py) ignores the layer.
    """
    said = call.arguments.get("is_causal")
    if said is not None:
        return bool(said)
    eager = getattr(getattr(layer, "config", None), "_attn_implementation", None) == "eager"
    return getattr(layer, "is_causal", False) is True and not eager and call.given(*MASKS) is None
