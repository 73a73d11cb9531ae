"""Numbers of more than eight bits as greys: the choice of black and white."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Num, UInt8
from PIL import Image

_ROWS = 64
"""Number of rows of numbers to convert to greys at once."""
DARK_SHARE = 4
"""Divisor of the range: a picture that stays below this part is taken to hold 10 to 14 bits in 16, as cameras do."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """A picture of one number per pixel, or of three.

    ``full``: the largest number that the stored bits can hold, or None if they set no range. ``declared``: the largest
    number according to the file, if it names one. ``negative``: whether the smallest number is white. ``alpha``: 0
    where the picture is transparent, 255 elsewhere.
    """

    values: Num[np.ndarray, "H W"] | Num[np.ndarray, "H W 3"]
    full: int | None
    declared: int | None = None
    negative: bool = False
    alpha: UInt8[np.ndarray, "H W"] | None = None

    def span(self) -> tuple[float, float] | None:
        """Return the smallest and the largest of the finite visible numbers, or None if there are none."""
        values = self.values
        if values.dtype.kind == "f" or self.alpha is not None:
            seen = np.isfinite(values)
            if self.alpha is not None:
                seen &= (self.alpha > 0).reshape(*self.alpha.shape, *(1,) * (seen.ndim - 2))
            values = values[seen]
        return (float(values.min()), float(values.max())) if values.size else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tones:
    """The ends of the scale, the same for all frames of a file. ``note``: a sentence if they were chosen here."""

    low: float
    high: float
    negative: bool = False
    note: str = ""

    def shades(self, numbers: Numbers) -> Image.Image:
        """Return the picture of numbers, in which those that are not finite are black."""
        values = numbers.values
        table = self._levels(np.arange(2**16)) if values.dtype == np.uint16 else None
        greys = np.empty(values.shape, np.uint8)
        for at in range(0, len(values), _ROWS):  # all at once would take many times the memory of the numbers
            rows = values[at : at + _ROWS]
            greys[at : at + _ROWS] = self._levels(rows) if table is None else table[rows]
        picture = Image.fromarray(greys)
        if numbers.alpha is not None:
            picture.putalpha(Image.fromarray(numbers.alpha))
        return picture

    def _levels(self, values: Num[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
        finite = np.isfinite(values)
        share = np.where(finite, values - np.float64(self.low), 0.0)
        share /= self.high - self.low or 1.0
        share = np.clip(1 - share if self.negative else share, 0, 1)
        levels: UInt8[np.ndarray, "*shape"] = np.round(np.where(finite, share, 0) * 255).astype(np.uint8)
        return levels


def tones_of(name: str, pictures: Iterable[Numbers]) -> Tones:
    """Return the scale for all these pictures: the declared one, else from the smallest to the largest number."""
    spans: list[tuple[float, float]] = []
    full = declared = None
    negative = False
    for numbers in pictures:
        full, declared, negative = numbers.full, numbers.declared, numbers.negative
        spans += [span] if (span := numbers.span()) else []
    low = min((least for least, _ in spans), default=0.0)
    high = max((greatest for _, greatest in spans), default=0.0)
    least, most = ("white", "black") if negative else ("black", "white")
    ends = f"the smallest is shown {least}, the largest {most}"
    if full is None:
        return Tones(low=low, high=high, negative=negative, note=f"{name} holds numbers without a fixed range: {ends}.")
    if declared is not None and declared < full and high <= declared:
        told = f"{name} declares {declared.bit_length()} of {full.bit_length()} bits; {declared:,} is shown white."
        return Tones(low=0.0, high=float(declared), negative=negative, note=told)
    if full > 4095 and low < high < full / DARK_SHARE:
        told = (
            f"{name} stores {full.bit_length()} bits and uses the numbers {low:,.0f} to {high:,.0f}, without saying "
            f"how many bits are meant. They are stretched: {ends}."
        )
        return Tones(low=low, high=high, negative=negative, note=told)
    return Tones(low=0.0, high=float(full), negative=negative)
