"""Measurements: functions timed in turn, their figures in words, and the memory that one takes."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import linear_regression, median, quantiles


def interleaved(runs: Mapping[str, Callable[[], object]], seconds: float, rounds: int = 3) -> dict[str, list[float]]:
    """Time every function once per round, in turn, for about ``seconds`` and at least ``rounds`` rounds.

    Each shall have run before: what a library sets up on first use is not the price of a run.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    begun = time.perf_counter()
    while len(next(iter(times.values()))) < rounds or time.perf_counter() - begun < seconds:
        for name, run in runs.items():
            times[name].append(timed(run))
    return times


def timed(run: Callable[[], object]) -> float:
    """Return the seconds of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ratio(slow: Sequence[float], fast: Sequence[float], digits: int = 2) -> str:
    """Return the median of the ratios of pairs measured in turn, with their quartiles.

    >>> ratio([2.0, 3.0, 4.0], [1.0, 1.0, 1.0])
    '3.00 (2.50 to 3.50)'
    """
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    low, _, high = quantiles(ratios, method="inclusive") if len(ratios) > 1 else [ratios[0]] * 3
    return f"{median(ratios):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def exponent(seconds_of: Mapping[int, float]) -> float:
    """Return k of the curve seconds = c N^k nearest to the measurements, by least squares of the logarithms.

    >>> round(exponent({784: 2.0, 3136: 32.0, 12544: 512.0}), 6)
    2.0
    """
    return linear_regression([math.log(n) for n in seconds_of], [math.log(s) for s in seconds_of.values()]).slope


def peak_growth(run: Callable[[], object]) -> float:
    """Return by how many MB the peak resident set rises above what is resident now (Linux only)."""
    Path("/proc/self/clear_refs").write_text("5")  # sets the recorded peak back to what is resident
    before = _status("VmRSS")
    run()
    return (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])
