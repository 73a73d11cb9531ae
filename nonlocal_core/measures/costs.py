"""Time of the non-local sum on this machine, with its matrix and by the exact method that builds none.

timed("embedded_gaussian", 1024).explicit_seconds
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from nonlocal_core.errors import SelectionError
from nonlocal_core.ops import respond
from nonlocal_core.ops.explicit import affinity
from nonlocal_core.vocabulary import Pairwise

CHANNELS = 64
"""Channels of theta, phi and g."""
REPEATS = 3
MOST_POSITIONS = 4096
"""Maximum number of positions; above it, the matrix takes more than 64 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Best times of some runs over random tables, and the largest difference of the two results."""

    positions: int
    short_seconds: float
    explicit_seconds: float
    difference: float
    """Largest difference of y, relative to its largest value."""


def timed(pairwise: Pairwise, positions: int) -> Cost:
    """Return the cost of y = f g / C over random tables. Raises SelectionError for no position or too many."""
    if not 1 <= positions <= MOST_POSITIONS:
        raise SelectionError(f"Time from 1 to {MOST_POSITIONS} positions; got {positions}.")
    draw = torch.Generator().manual_seed(0)
    inner = 1 if pairwise == "concatenation" else CHANNELS
    theta, phi = (torch.randn(1, positions, inner, generator=draw) for _ in range(2))
    g = torch.randn(1, positions, CHANNELS, generator=draw)
    scale = inner**-0.5
    with torch.inference_mode():
        short, y = _best(lambda: respond(theta, phi, g, pairwise=pairwise, scale=scale))
        explicit, expected = _best(lambda: affinity(theta, phi, pairwise=pairwise, scale=scale) @ g)
    return Cost(
        positions=positions,
        short_seconds=short,
        explicit_seconds=explicit,
        difference=float((y - expected).abs().max() / expected.abs().max()),
    )


def _best(compute: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Return the shortest time of some runs after a warm-up run, and the result."""
    found, times = compute(), []
    for _ in range(REPEATS):
        start = perf_counter()
        found = compute()
        times.append(perf_counter() - start)
    return min(times), found
