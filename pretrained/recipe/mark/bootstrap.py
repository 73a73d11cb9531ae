"""Intervals over seeds and test clips together: both are resampled, so that both kinds of chance count."""

from collections.abc import Mapping

import numpy as np

RESAMPLES = 2000
LEVEL = (2.5, 97.5)
"""Percentiles that bound an interval."""


class Resampled:
    """Means of runs over their seeds and clips, and those of every resampling.

    ``values``: name -> (seeds, clips), one mean for each. The clips are the same for all names and are drawn together,
    so that a difference of two is paired; seeds are drawn separately for each name.
    """

    def __init__(self, values: Mapping[str, np.ndarray], seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        (clips,) = {value.shape[1] for value in values.values()}
        drawn = _counts(rng, clips)
        self._means = {
            name: np.concatenate([[value.mean()], ((_counts(rng, len(value)) @ value) * drawn).sum(axis=1)])
            for name, value in values.items()
        }

    def interval(self, name: str, minus: str | None = None) -> list[float]:
        """Return the mean and its 95 % interval, or those of a difference."""
        means = self._means[name] if minus is None else self._means[name] - self._means[minus]
        low, high = np.percentile(means[1:], LEVEL)
        return [float(means[0]), float(low), float(high)]


def _counts(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return the share of each of ``size`` items in every resampling."""
    drawn = rng.integers(size, size=(RESAMPLES, size))
    return np.stack([np.bincount(one, minlength=size) for one in drawn]) / size
