"""Masks and biases on scores as channels of theta and phi, so that the tables alone give the layer's own weights.

Queries with the same row of the mask are of one kind. A kind is one channel: theta marks the kind of a query,
and phi holds, for every key, the mask's value for queries of that kind. Their product is exactly the mask.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from nonlocal_core.capture.adapters.calls import LayerCall
from nonlocal_core.capture.reading import NotReadable

MAX_MASK_KINDS = 256
"""Maximum number of channels that a mask or a bias may add to every head: enough for a separate one at each of 14 x 14
positions and a class token. More would make the tables too large to send to a page."""

BLOCKED = -1e4
"""Addition to the score of a key that a mask forbids. exp(-1e4) is 0 in float64, and its two factors, 100 over
the square root of the scale, stay inside float16."""

MASKS = ("attn_mask", "attention_mask", "mask", "attn_bias", "attention_bias", "relative_position_bias")
_PADDINGS = ("key_padding_mask",)

_LARGE = 24
"""Minimum number of queries for which a factorisation of the bias is tried."""

_MANY = 64
"""Number of tables above which each of them is taken unchanged."""

_EXACT = 1e-7
"""Rounding in float32, as a fraction of the largest number."""

_SEED = 3

Bias = Float[Tensor, "b h n N"]
"""Addition to the scores; an axis of length 1 stands for all sequences, heads or queries."""


def given_bias(
    call: LayerCall, q: Float[Tensor, "B heads Nq D"], keys: int, *, causal: bool, true_blocks: bool
) -> Bias | NotReadable | None:
    """Return the bias that a call's masks add to the scores of the queries q on ``keys`` keys, or None if it is zero.

    ``causal``: no query sees later keys, whatever mask is given beside. ``true_blocks``: True forbids a key, as for
    ``torch.nn.MultiheadAttention``; else it admits one, as for ``scaled_dot_product_attention``. Numbers are added.
    """
    total: Bias = q.new_zeros(1, 1, 1, 1, dtype=torch.float32)
    if causal:
        total = q.new_full((q.shape[2], keys), BLOCKED, dtype=torch.float32).triu(1)[None, None]
    for name in (None if causal else call.given(*MASKS), call.given(*_PADDINGS)):
        if name is None:
            continue
        mask = call.arguments[name]
        if not isinstance(mask, Tensor) or not (mask.is_floating_point() or mask.dtype == torch.bool):
            return NotReadable(f"was called with {name}, which is neither boolean nor of floating-point numbers")
        placed = _placed(mask, (*q.shape[:3], keys), padding=name in _PADDINGS)
        if placed is None:
            return NotReadable(
                f"was called with {name} of shape {tuple(mask.shape)}, which does not say on which of "
                f"{q.shape[0]} sequences, {q.shape[1]} heads, {q.shape[2]} queries and {keys} keys it lies"
            )
        total = (total + _added(placed, true_blocks=true_blocks)).clamp_min(BLOCKED)
    if not torch.isfinite(total).all():
        return NotReadable("was called with a mask that holds NaN or infinity")
    return total if total.any() else None


def _placed(mask: Tensor, full: tuple[int, int, int, int], *, padding: bool) -> Tensor | None:
    """Return a mask with four axes, or None if its shape fits in no way or in several.

    ``full``: sequences, heads, queries and keys.
    """
    batch, heads, queries, keys = full
    shape = tuple(mask.shape)
    if padding or shape == (batch, keys) != (queries, keys):
        return mask.reshape(-1, 1, 1, keys) if shape in ((keys,), (batch, keys)) else None
    if shape == (queries, keys):
        return mask[None, None]
    if len(shape) == 4:
        return mask if all(n in (1, most) for n, most in zip(shape, full, strict=True)) else None
    if len(shape) != 3 or shape[1:] != (queries, keys):
        return None
    if shape[0] == batch * heads:
        return mask.reshape(full)
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

    theta: Float[Tensor, "*b n P"]
    phi: Float[Tensor, "*b N P"]


def folded(bias: Float[Tensor, "b h n N"], *, scale: float, noise: float = 0.0) -> FoldedMask | NotReadable:
    """Return the channels that add a mask to ``scale * q . k``, or the reason why none do.

    ``noise``: rounding that the mask may hold, up to which its rows count as alike.
    """
    if (bias <= BLOCKED / 2).all(-1).any():
        return NotReadable("was called with a mask that leaves some queries no key at all, whose weights say nothing")
    if len(bias) > 1 and float((bias - bias[:1]).abs().max()) <= noise:
        bias = bias[:1]
    is_table = min(bias.shape[-2:]) >= _LARGE and not bool((bias <= BLOCKED / 2).any())
    made = (_by_axes(bias, noise) or _by_rank(bias, noise)) if is_table else None
    made = made or _by_kind(bias, noise)
    if made is None:
        return NotReadable(
            f"adds a mask or a bias to its scores with more than {MAX_MASK_KINDS} different rows, more channels than "
            "this viewer gives it"
        )
    share = float((made.phi.abs().max() / scale).sqrt())
    return FoldedMask(theta=made.theta * share, phi=made.phi / (scale * share))


def _by_kind(bias: Float[Tensor, "b h n N"], noise: float) -> FoldedMask | None:
    """Return one channel for each kind of row, or None if there are more kinds than the limit."""
    batch, heads, tokens, _ = bias.shape
    if batch * heads > _MANY and tokens <= MAX_MASK_KINDS:  # each row is a kind: cheaper than to look for fewer
        return FoldedMask(theta=torch.eye(tokens).to(bias).expand(batch, heads, -1, -1), phi=bias.mT)
    flat = []
    for head in bias.flatten(0, 1):
        part = _kinds(head, noise)
        if part is None:
            return None
        flat.append(part)
    count = max(len(table) for _, table in flat)
    kinds = torch.stack([kind for kind, _ in flat]).reshape(batch, heads, tokens)
    tables = torch.stack([_filled(table, count) for _, table in flat]).reshape(batch, heads, count, -1)
    return FoldedMask(theta=torch.nn.functional.one_hot(kinds, count).to(tables), phi=tables.mT)


def _by_axes(bias: Float[Tensor, "b h n N"], noise: float) -> FoldedMask | None:
    """Return a channel for each row and column of keys that are a map, if a large bias is a sum over both; else None.

    So are the decomposed relative positions of SAM, ViTDet and MViTv2. The rows of a few queries tell the sizes of the
    map; then all are looked at, in a fraction of the time of a factorisation.
    """
    batch, heads, tokens, keys = bias.shape
    flat = bias.flatten(0, 1)
    some = flat[:, :: max(1, tokens // _LARGE)].flatten(0, 1)
    sides = [side for side in range(2, keys // 2 + 1) if keys % side == 0 and side + keys // side <= MAX_MASK_KINDS]
    rows = next((side for side in sides if _as_sum(some, side, noise) is not None), None)
    if rows is None:
        return None
    sums = []
    for table in flat:
        part = _as_sum(table, rows, noise)
        if part is None:
            return None
        sums.append(part)
    theta = torch.stack(sums).reshape(batch, heads, tokens, -1)
    number, cols = torch.arange(keys), keys // rows
    marks = [torch.nn.functional.one_hot(place) for place in (number // cols, number % cols)]
    return FoldedMask(theta=theta, phi=torch.cat(marks, dim=-1).to(theta).expand(batch, heads, -1, -1))


def _as_sum(table: Float[Tensor, "n N"], rows: int, noise: float) -> Float[Tensor, "n P"] | None:
    """Return the part of every row and every column of a map of keys in their sum, or None if it is none."""
    maps = table.double().reshape(len(table), rows, -1)
    by_row, by_column = maps.mean(-1), maps.mean(-2)
    by_column -= by_row.mean(-1, keepdim=True)
    off = (maps - by_row[..., None] - by_column[..., None, :]).abs().max()
    is_sum = float(off) <= max(noise, _EXACT * float(table.abs().max()))
    return torch.cat([by_row, by_column], dim=-1).float() if is_sum else None


def _by_rank(bias: Float[Tensor, "b h n N"], noise: float) -> FoldedMask | None:
    """Return fewer channels if a large bias factors, as when rows and columns contribute separately; else None.

    A range of random combinations of its columns holds all of them, or the rank is too high (Halko et al., 2011).
    """
    tokens, keys = bias.shape[-2:]
    most = min(tokens // 2, MAX_MASK_KINDS)
    if len(bias) > _MANY:
        return None
    table = bias.double()
    spread = torch.randn(keys, most + 1, generator=torch.Generator().manual_seed(_SEED), dtype=torch.float64)
    basis, _ = torch.linalg.qr(table @ spread.to(table.device))
    part = basis.mT @ table
    if float((table - basis @ part).abs().max()) > max(noise, _EXACT * float(table.abs().max())):
        return None
    left, sizes, right = torch.linalg.svd(part, full_matrices=False)
    rank = max(1, int((sizes > _EXACT * sizes.amax(-1, keepdim=True)).sum(-1).max()))
    root = sizes[..., :rank].sqrt()
    theta, phi = (basis @ left[..., :rank]) * root[..., None, :], right[..., :rank, :].mT * root[..., None, :]
    return FoldedMask(theta=theta.float(), phi=phi.float())


def walled(groups: tuple[Int[Tensor, " N_all"], ...], *, scale: float) -> FoldedMask:
    """Return channels that forbid the keys of other windows; nothing is added to those of a query's own.

    ``groups``: for each axis, the group of every key, those of the grid first; the queries are the keys of the grid.
    A key counts as in the window of a query if it is in the same group along every axis.
    """
    share = (-BLOCKED / scale) ** 0.5
    marks = [torch.nn.functional.one_hot(group).float() for group in groups]
    return FoldedMask(
        theta=torch.cat(marks, dim=-1) * share, phi=torch.cat([mark - 1 for mark in marks], dim=-1) * share
    )


def numbered(groups: tuple[Int[Tensor, " N_all"], ...]) -> Int[Tensor, " N_all"]:
    """Return one number for the window of each key. ``groups``: as for ``walled``."""
    number = torch.zeros_like(groups[0])
    for group in groups:
        number = number * (int(group.max()) + 1) + group
    return number


def _kinds(rows: Float[Tensor, "n N"], noise: float) -> tuple[Int[Tensor, " n"], Float[Tensor, "P N"]] | None:
    """Return the kind of each row and the row of each kind, or None if there are more kinds than the limit.

    It is computed by NumPy, since a call of torch costs far more while a network is watched.
    """
    values = rows.detach().cpu().numpy()
    kinds, left, tables = np.full(len(values), -1), np.arange(len(values)), list[Float[np.ndarray, " N"]]()
    while left.size:
        if len(tables) == MAX_MASK_KINDS:
            return None
        first = values[left[0]]
        alike = (np.abs(values[left] - first) <= noise).all(axis=-1)
        kinds[left[alike]] = len(tables)
        tables.append(first)
        left = left[~alike]
    return torch.from_numpy(kinds).to(rows.device), torch.from_numpy(np.stack(tables)).to(rows)


def _filled(table: Float[Tensor, "P N"], count: int) -> Float[Tensor, "count N"]:
    """Return a table padded with unused kinds, so that all heads and sequences have the same number."""
    return torch.nn.functional.pad(table, (0, 0, 0, count - len(table)))
