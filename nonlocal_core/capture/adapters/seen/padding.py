"""Padding inside windows: one key for all of it, since its tokens are equal and have no place in the clip."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nonlocal_core.capture.adapters.tokens.masks import BLOCKED
from nonlocal_core.capture.reading import NotReadable

_ALIKE = 1e-5
"""Fraction of the largest value by which values of padding may differ through rounding."""


class PaddedKey(NamedTuple):
    """A key whose weight is that of all padding in a query's window."""

    theta: Float[Tensor, "B heads n 1"]
    """Channel of the queries."""
    phi: float
    """Channel of the key, which has no other."""
    value: Float[Tensor, "heads Dv"]


def padded_key(
    q: Float[Tensor, "B heads n D"],
    k: Float[Tensor, "B heads n D"],
    v: Float[Tensor, "B heads n Dv"],
    padding: Bool[Tensor, "B n"],
    *,
    scale: float,
) -> PaddedKey | NotReadable:
    """Return the key for ``padding``, whose score is the log-sum-exp of the padding's scores, for every query.

    Refused if the values of padding differ, so that no single key can stand for them.
    """
    values = v.transpose(1, 2)[padding]
    if bool((values - values[:1]).abs().max() > _ALIKE * v.abs().max()):
        return NotReadable("has padding in its windows whose values differ, so that it is no one thing to look at")
    scores = (scale * q.float() @ k.float().mT).masked_fill(~padding[:, None, None], -torch.inf)
    total = scores.logsumexp(dim=-1, keepdim=True).clamp_min(BLOCKED)
    share = (-BLOCKED / scale) ** 0.5
    return PaddedKey(theta=total / (scale * share), phi=share, value=values[0])
