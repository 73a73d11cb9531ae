"""Figures of repeated measurements, in words: the median, and the middle half of all."""

from collections.abc import Sequence
from statistics import median, quantiles


def ratio(slow: Sequence[float], fast: Sequence[float], digits: int = 2) -> str:
    """Return the median of the ratios of pairs measured in turn, with their quartiles.

    >>> ratio([2.0, 3.0, 4.0], [1.0, 1.0, 1.0])
    '3.00 (2.50 to 3.50)'
    """
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    low, _, high = quantiles(ratios, method="inclusive") if len(ratios) > 1 else [ratios[0]] * 3
    return f"{median(ratios):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
