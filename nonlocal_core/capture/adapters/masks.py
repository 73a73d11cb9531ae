"""Masks and biases on scores as channels of theta and phi, so that the tables alone give the layer's own weights.

Queries whose row of the mask is the same are of one kind. A kind is one channel: theta says of which kind a query is,
and phi holds, for every key, what the mask adds for queries of that kind. Their product is the mask, exactly.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.reading import NotReadable

MAX_MASK_KINDS = 64
"""Channels that a mask may add to every head: as many as a head of a common transformer has of its own."""

BLOCKED = -1e4
"""Added to the score of a key that a mask forbids. exp(-1e4) is 0 in float64, and its two factors, 100 over
the square root of the scale, stay inside float16."""

MASKS = ("attn_mask", "attention_mask", "mask", "attn_bias", "attention_bias", "relative_position_bias")
_PADDINGS = ("key_padding_mask",)

Bias = Float[Tensor, "b h n N"]
"""Addition to the scores; an axis of length 1 stands for all sequences, heads or queries."""


def given_bias(
    call: LayerCall, q: Float[Tensor, "B heads N D"], *, causal: bool, true_blocks: bool
) -> Bias | NotReadable | None:
    """Return what a call's masks add to the scores of the queries q, None where they add nothing.

    ``causal``: no query sees later keys, whatever mask is given beside. ``true_blocks``: True forbids a key, as for
    ``torch.nn.MultiheadAttention``; else it admits one, as for ``scaled_dot_product_attention``. Numbers are added.
    """
    total: Bias = q.new_zeros(1, 1, 1, 1, dtype=torch.float32)
    if causal:
        total = q.new_full(2 * q.shape[2:3], BLOCKED, dtype=torch.float32).triu(1)[None, None]
    for name in (None if causal else call.given(*MASKS), call.given(*_PADDINGS)):
        if name is None:
            continue
        mask = call.arguments[name]
        if not isinstance(mask, Tensor) or not (mask.is_floating_point() or mask.dtype == torch.bool):
            return NotReadable(f"was called with {name}, which is neither boolean nor of floating-point numbers")
        placed = _placed(mask, q, padding=name in _PADDINGS)
        if placed is None:
            return NotReadable(
                f"was called with {name} of shape {tuple(mask.shape)}, which does not say on which of "
                f"{q.shape[0]} sequences, {q.shape[1]} heads and {q.shape[2]} tokens it lies"
            )
        total = (total + _added(placed, true_blocks=true_blocks)).clamp_min(BLOCKED)
    if not torch.isfinite(total).all():
        return NotReadable("was called with a mask that holds NaN or infinity")
    return total if total.any() else None


def _placed(mask: Tensor, q: Float[Tensor, "B heads N D"], *, padding: bool) -> Tensor | None:
    """Return a mask with four axes, None where its shape can be understood in no way or in several."""
    batch, heads, tokens, _ = q.shape
    shape = tuple(mask.shape)
    if padding or shape == (batch, tokens) != (tokens, tokens):
        return mask.reshape(-1, 1, 1, tokens) if shape in ((tokens,), (batch, tokens)) else None
    if shape == (tokens, tokens):
        return mask[None, None]
    if len(shape) == 4:
        full = (batch, heads, tokens, tokens)
        return mask if all(n in (1, most) for n, most in zip(shape, full, strict=True)) else None
    if len(shape) != 3 or shape[1:] != (tokens, tokens):
        return None
    if shape[0] == batch * heads:
        return mask.reshape(batch, heads, tokens, tokens)
    if shape[0] in (1, batch) and shape[0] != heads:
        return mask[:, None]
    return mask[None] if shape[0] == heads and batch != heads else None


def _added(mask: Tensor, *, true_blocks: bool) -> Bias:
    if mask.dtype == torch.bool:
        blocked = mask if true_blocks else ~mask
        return torch.where(blocked, BLOCKED, 0.0)
    return mask.float().clamp_min(BLOCKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedMask:
    """A mask as channels to append to queries and keys."""

    theta: Float[Tensor, "b h N P"]
    phi: Float[Tensor, "b h N P"]


def folded(bias: Bias, *, tokens: int, scale: float) -> FoldedMask | NotReadable:
    """Return the channels that add a mask to ``scale * q . k``, or why none do."""
    rows = bias.expand(-1, -1, tokens if bias.shape[2] > 1 else 1, tokens)
    parts = [[_kinds(head) for head in sequence] for sequence in rows]
    if any(part is None for sequence in parts for part in sequence):
        return NotReadable(
            f"adds a mask or a bias to its scores with more than {MAX_MASK_KINDS} different rows, more channels than "
            "this viewer gives it"
        )
    flat = [part for sequence in parts for part in sequence if part is not None]
    count = max(len(table) for _, table in flat)
    kinds = torch.stack([kind.expand(tokens) for kind, _ in flat]).reshape(*bias.shape[:2], tokens)
    tables = torch.stack([_filled(table, count) for _, table in flat]).reshape(*bias.shape[:2], count, tokens)
    if (tables <= BLOCKED / 2).all(-1).any():
        return NotReadable("was called with a mask that leaves some queries no key at all, whose weights are undefined")
    share = float((tables.abs().max() / scale).sqrt())
    marks = torch.nn.functional.one_hot(kinds, count).to(tables) * share
    return FoldedMask(theta=marks, phi=tables.mT / (scale * share))


def _kinds(rows: Float[Tensor, "n N"]) -> tuple[Int[Tensor, " n"], Float[Tensor, "P N"]] | None:
    """Return of which kind each row is and the row of each kind, None where there are more than the limit."""
    kinds = torch.full((len(rows),), -1, device=rows.device)
    left, tables = torch.arange(len(rows), device=rows.device), list[Tensor]()
    while len(left):
        if len(tables) == MAX_MASK_KINDS:
            return None
        first = rows[left[0]]
        alike = (rows[left] == first).all(-1)
        kinds[left[alike]] = len(tables)
        tables.append(first)
        left = left[~alike]
    return kinds, torch.stack(tables)


def _filled(table: Float[Tensor, "P N"], count: int) -> Float[Tensor, "count N"]:
    """Return a table with kinds that no query is of, so that all heads and sequences have as many."""
    return torch.nn.functional.pad(table, (0, 0, 0, count - len(table)))
