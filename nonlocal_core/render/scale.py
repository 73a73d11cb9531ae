"""The colour scale, one for all frames of a picture. It starts at zero and is never stretched frame by frame."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from nonlocal_core.errors import RenderError

ScaleRule = Literal["max", "max_other_frames"]
"""Full colour at the largest value of all frames, or at the largest outside the query's own frame.

The query's own frame often holds nearly half of the weight. Without it the other frames become visible, and values
above the limit keep the last colour.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleSpec:
    """Weight at full colour, by rule, or fixed by ``limit`` in affinity units to make pictures comparable."""

    rule: ScaleRule = "max_other_frames"
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and not (np.isfinite(self.limit) and self.limit > 0):
            raise RenderError(
                f"A fixed limit is a positive number in affinity units; got {self.limit}. Leave it out for a rule."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A fitted scale from no colour at 0 to full colour at ``limit``. ``clipped``: some values exceed the limit."""

    limit: float
    signed: bool
    clipped: bool

    def unit(self, values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return values over the limit, clipped to [0, 1], or to [-1, 1] when signed. A limit of 0 gives zeros."""
        if self.limit == 0:
            return np.zeros_like(values)
        return np.clip(values / self.limit, -1.0 if self.signed else 0.0, 1.0)


def fit_scale(
    heat: Float[np.ndarray, "T H W"], spec: ScaleSpec, *, signed: bool, own_times: Collection[int] = ()
) -> Scale:
    """Return the one scale of a heat over all its frames.

    ``own_times``: the temporal cells that the rule "max_other_frames" leaves out. Where nothing else carries weight (a
    still image, attention within one frame) the rule falls back to "max". Values that are not finite are ignored.
    """
    sizes = np.where(np.isfinite(heat), np.abs(heat) if signed else np.maximum(heat, 0), 0)
    largest = float(sizes.max())
    limit = spec.limit if spec.limit is not None else largest
    if spec.limit is None and spec.rule == "max_other_frames":
        others = [t for t in range(len(heat)) if t not in own_times]
        limit = float(sizes[others].max()) if others and sizes[others].any() else largest
    return Scale(limit=limit, signed=signed, clipped=largest > limit)
