"""Bars of shares on one true scale, with a visible break if one dwarfs the others."""

import numpy as np
from jaxtyping import Float

DWARFED = 4.0
"""Minimum ratio of the largest share to the second at which its bar is cut and drawn with a break."""
SECOND = 0.5
"""Height of the second bar beside a cut one, as a fraction of the cut one's."""


def bar_heights(shares: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " n"], int | None]:
    """Return the heights in [0, 1] of bars, and the index of the one that is cut, or None for a plain scale.

    All others are on one scale.

    >>> bar_heights(np.array([0.9, 0.01, 0.02]))[0].round(2).tolist()
    [1.0, 0.25, 0.5]
    """
    largest = int(np.argmax(shares)) if len(shares) else 0
    second = float(np.delete(shares, largest).max(initial=0))
    top = float(shares[largest]) if len(shares) else 0.0
    if second > 0 and top > DWARFED * second:
        heights = shares * (SECOND / second)
        heights[largest] = 1.0
        return heights, largest
    return (shares / top if top > 0 else np.zeros_like(shares)), None
