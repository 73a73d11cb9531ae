"""The colour scale, one for all frames of a picture. It starts at zero and is never stretched frame by frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


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


def fit_scale(heat: Float[np.ndarray, "T H W"], *, signed: bool, own_t: int | None = None) -> Scale:
    """Return the one scale of a heat over all its steps: full colour at the largest value outside ``own_t``.

    The query's own step often holds nearly half of the weight; leaving it out lets the others be seen, and what lies
    above the limit keeps the last colour. Where nothing else carries weight (a still image, attention within one
    frame), or where no step is left out, the largest value of all counts. Values that are not finite have no say.
    """
    sizes = np.where(np.isfinite(heat), np.abs(heat) if signed else np.maximum(heat, 0), 0)
    largest, others = float(sizes.max()), [t for t in range(len(heat)) if t != own_t]
    limit = float(sizes[others].max()) if others and sizes[others].any() else largest
    return Scale(limit=limit, signed=signed, clipped=largest > limit)
