"""Attention with a bias by rows and one by columns, each a product with the query: SAM's and ViTDet's.

The score of query i on key j is scale q_i . k_j + q_i . R_h[rows apart] + q_i . R_w[columns apart], the bias being a
product too: of q_i with all rows and all columns, and of the key with its own row and column. So tables of a few more
channels hold it, where its products alone would show it in matrices of all pairs (Li et al., MViTv2, CVPR 2022, 4.1).

Sources: facebookresearch/segment-anything@dca509f, modeling/image_encoder.py; transformers 5.23.0,
models/sam/modeling_sam.py and models/vitdet/modeling_vitdet.py; timm 1.0.31, models/vision_transformer_sam.py.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nonlocal_core.capture.adapters.by_hand import Tables, TablesOf
from nonlocal_core.capture.adapters.seen.products import Unclear
from nonlocal_core.capture.adapters.tokens.parts import head_count, normed_heads
from nonlocal_core.capture.reading import first_input


def decomposed(layer: nn.Module) -> TablesOf | None:
    """Return the function that states the tables of such a layer, or None if it is another kind of module."""
    parts = (getattr(layer, name, None) for name in ("qkv", "proj"))
    tables = (getattr(layer, name, None) for name in ("rel_pos_h", "rel_pos_w"))
    is_one = all(isinstance(part, nn.Linear) for part in parts) and all(_is_table(table) for table in tables)
    return _tables if is_one and head_count(layer) is not None else None


def _is_table(part: Any) -> bool:
    return isinstance(part, Tensor) and part.ndim == 2


def _tables(layer: Any, *args: Any, **kwargs: Any) -> Tables:
    """Return the tables of a call on a map (B, H, W, C). Raises Unclear for any other input."""
    x, heads = first_input(args, kwargs), head_count(layer) or 1
    if not isinstance(x, Tensor) or x.ndim != 4:
        raise Unclear("was not called with a map whose channels come last")
    batch, rows, cols, _ = x.shape
    q, k, v = normed_heads(layer, heads, *layer.qkv(x).flatten(1, 2).chunk(3, dim=-1))
    scale = float(getattr(layer, "scale", q.shape[-1] ** -0.5))
    asked = q.reshape(batch, heads, rows, cols, -1) / scale
    by_rows = torch.einsum("bnhwc,hkc->bnhwk", asked, _apart(layer.rel_pos_h, rows)).flatten(2, 3)
    by_cols = torch.einsum("bnhwc,wkc->bnhwk", asked, _apart(layer.rel_pos_w, cols)).flatten(2, 3)
    row, col = (torch.eye(size).to(x) for size in (rows, cols))
    place = torch.cat([row.repeat_interleave(cols, dim=0), col.repeat(rows, 1)], dim=1)

    def out(y: Float[Tensor, "B heads n D"]) -> Float[Tensor, "B H W C"]:
        made: Tensor = layer.proj(y.transpose(1, 2).reshape(batch, rows, cols, -1))
        return made

    return Tables(
        theta=torch.cat([q, by_rows, by_cols], dim=-1),
        phi=torch.cat([k, place.expand(batch, heads, -1, -1)], dim=-1),
        g=v,
        out=out,
        scale=scale,
    )


def _apart(table: Float[Tensor, "L D"], size: int) -> Float[Tensor, "n n D"]:
    """Return the embedding of the distance of each query from each key along an axis of ``size`` cells.

    A table for another size is interpolated linearly.
    """
    steps = 2 * size - 1
    if len(table) != steps:
        table = functional.interpolate(table.mT[None], size=steps, mode="linear")[0].mT
    place = torch.arange(size, device=table.device)
    return table[place[:, None] - place + size - 1]
