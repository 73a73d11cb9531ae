"""Rotary position embeddings that a layer is called with: they turn queries and keys, so the tables hold them.

Sources: transformers 5.23.0, models/dinov3_vit/modeling_dinov3_vit.py (``position_embeddings``, cosine and sine, pairs
half a head apart); timm 1.0.31, layers/attention.py and models/eva.py (``rope``, sine and cosine in one tensor, pairs
side by side unless ``rotate_half``). Both leave the first tokens, which are not positions, as they are.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.capture.adapters.calls import LayerCall

Table = Float[Tensor, "B heads N D"]


def is_rotary(embeddings: Any) -> bool:
    """Return whether ``position_embeddings`` are a cosine and a sine."""
    return isinstance(embeddings, tuple | list) and len(embeddings) == 2 and all(torch.is_tensor(t) for t in embeddings)


def rotated(layer: Any, call: LayerCall, q: Table, k: Table) -> tuple[Table, Table]:
    """Return queries and keys as the call's rotary embedding turns them, or unchanged if there is none."""
    if is_rotary(call.arguments.get("position_embeddings")):
        cos, sin = call.arguments["position_embeddings"]
        half = True
    elif torch.is_tensor(call.arguments.get("rope")):
        sin, cos = call.arguments["rope"].chunk(2, dim=-1)
        half = bool(getattr(layer, "rotate_half", False))
    else:
        return q, k
    return _turned(q, cos, sin, half=half), _turned(k, cos, sin, half=half)


def _turned(table: Table, cos: Tensor, sin: Tensor, *, half: bool) -> Table:
    """Return a table whose last tokens are turned, one for each angle; the angles are those of one head."""
    first = table.shape[-2] - cos.shape[-2]
    turned = table[..., first:, :]
    if cos.ndim == 3:  # one for each sequence, none for each head
        cos, sin = cos[:, None], sin[:, None]
    if half:
        low, high = turned.chunk(2, dim=-1)
        partner = torch.cat([-high, low], dim=-1)
    else:
        partner = torch.stack([-turned[..., 1::2], turned[..., ::2]], dim=-1).flatten(-2)
    return torch.cat([table[..., :first, :], turned * cos + partner * sin], dim=-2)
