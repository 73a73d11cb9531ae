"""Heat of one answer: from multiples of an even share to tone, colour and opacity.

A cell with an even share or less has no heat. Above it the tone rises from 0 to 1 at ``top``, the largest cell beyond
the asked place: rows fall off so steeply that a linear scale shows one cell and a logarithm the object.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import maximum_filter

from nonlocal_core.look.answer import Answer
from nonlocal_core.look.choices import Curve, Look
from nonlocal_core.look.palette import COLD, LEVELS, PINS, WARM

EVEN = 1 + 1e-6
"""Weight that heat must exceed, in multiples of an even share: rounding lifts no cell of a uniform row above it."""
LEAST_TOP = {"all": 30.0, "each": 4.0}
"""Minimum top, in multiples of an even share, so that a nearly flat answer is not stretched."""
FAINT = 0.22
"""Opacity of the faintest heat, as a fraction of the strongest."""
NEARLY_EVEN = 2.0
"""Weight below which the strongest cell of an answer means nothing, in multiples of an even share."""

_CURVES: dict[Curve, Callable[[np.ndarray], np.ndarray]] = {
    "log": np.log,
    "root": lambda times: np.sqrt(times) - 1,
    "linear": lambda times: times - 1,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heat:
    """An answer in multiples of an even share, with the scale of its colours."""

    times: Float[np.ndarray, "T H W"]
    """Weights in multiples of an even share, negative only if negative weights are drawn."""
    tops: Float[np.ndarray, " T"]
    """Weight that has the full colour in each step, in multiples of an even share."""
    beyond: float
    """The largest value above the tops, on or beside the asked place; 0 for none."""
    look: Look
    is_signed: bool = False
    """True if negative weight is drawn too, in cold colours."""
    pin: int | None = None
    """Number of the pin if several answers are drawn together."""

    @property
    def ramp(self) -> UInt8[np.ndarray, "256 3"]:
        """Colours of positive weight."""
        return WARM if self.pin is None else PINS[self.pin]

    @property
    def largest(self) -> float:
        """The largest value, without its sign."""
        return float(np.abs(self.times).max(initial=0))

    @property
    def is_flat(self) -> bool:
        """True if no cell stands out, though there is weight."""
        return 0 < self.largest < NEARLY_EVEN

    def tones(self, times: Float[np.ndarray, "*shape"], t: int = 0) -> Float[np.ndarray, "*shape"]:
        """Return the tone in [0, 1] of values of step ``t``; 0 for an even share and less."""
        curve = _CURVES[self.look.curve]
        size = np.minimum(np.maximum(np.abs(times), 1.0), self.tops[t])
        return np.asarray(curve(size) / curve(self.tops[t]))

    def shows(self, times: Float[np.ndarray, "*shape"]) -> np.ndarray:
        """Return a mask of the values that have heat."""
        size = np.abs(times)
        return np.asarray((size > EVEN) & (size >= self.look.threshold))

    def coloured(
        self, times: Float[np.ndarray, "*shape"], t: int = 0
    ) -> tuple[Float[np.ndarray, "*shape 3"], Float[np.ndarray, "*shape"]]:
        """Return colour, in [0, 255], and opacity, in [0, 1], of values of step ``t``."""
        level = np.rint(self.tones(times, t) * (LEVELS - 1)).astype(np.intp)
        colours = np.where((times < 0)[..., None], COLD[level], self.ramp[level]).astype(np.float32)
        return colours, np.where(self.shows(times), self.opacity(level / (LEVELS - 1)), 0.0)

    def opacity(self, tones: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return the opacity of each tone, in [0, 1]."""
        return np.asarray(self.look.strength / 100 * (FAINT + (1 - FAINT) * tones))


def heat_of(answer: Answer, look: Look) -> Heat:
    """Return the heat of an answer."""
    times = answer.heat.astype(np.float64) * answer.times_uniform_per_unit
    is_signed = bool(answer.minus) or (answer.is_signed and look.negatives)
    if not is_signed:
        times = np.maximum(times, 0)
    size = np.abs(times)
    elsewhere = np.where(answer.own_place, 0, size)
    counted = elsewhere if elsewhere.any() else size
    tops = counted.max(axis=(1, 2)) if look.scale == "each" else np.full(len(times), counted.max())
    tops = np.maximum(tops, LEAST_TOP[look.scale])
    return Heat(times=times, tops=tops, beyond=_beyond(times, tops), look=look, is_signed=is_signed)


def heats_of(answers: Sequence[Answer], look: Look) -> tuple[Heat, ...]:
    """Return the heats of answers that are drawn together, in the order of their letters.

    Several share one scale, each in the colour of its pin, and only positive weight is drawn.
    """
    if len(answers) == 1:
        return (heat_of(answers[0], look),)
    positive = [np.maximum(answer.heat.astype(np.float64) * answer.times_uniform_per_unit, 0) for answer in answers]
    tops = np.max([heat_of(answer, replace(look, negatives=False)).tops for answer in answers], axis=0)
    return tuple(
        Heat(times=times, tops=tops, beyond=_beyond(times, tops), look=look, pin=pin)
        for pin, times in enumerate(positive)
    )


def strongest_layer(layers: Sequence[Float[np.ndarray, "*shape"]], heats: Sequence[Heat]) -> np.ndarray:
    """Return the index of the answer to draw at each place: the strongest of those with heat there."""
    shown = [np.where(heat.shows(times), np.abs(times), 0) for times, heat in zip(layers, heats, strict=True)]
    return np.asarray(np.argmax(shown, axis=0))


def _beyond(times: Float[np.ndarray, "T H W"], tops: Float[np.ndarray, " T"]) -> float:
    size = np.abs(times)
    return float(size[size > tops[:, None, None]].max(initial=0))


def heat_of_parts(parts: Float[np.ndarray, "T H W"]) -> Heat:
    """Return the heat of values in [0, 1] that are not weights, such as a block's effect: linear, full at 1."""
    top = LEAST_TOP["all"]
    look = Look(curve="linear")
    return Heat(times=1 + (top - 1) * parts, tops=np.full(len(parts), top), beyond=0.0, look=look)


TICKS = tuple(step * 10**power for power in range(7) for step in (1, 2, 5))
"""Multiples of an even share that a colour bar may name."""
TICKS_APART = 0.13
"""Minimum distance of two ticks, as a fraction of the bar."""


def ticks(heat: Heat, t: int = 0, *, halves: int = 1) -> tuple[tuple[float, int], ...]:
    """Return (tone, multiple of an even share) of the round numbers on the colour bar of step ``t``, from 1 up.

    ``halves``: 2 for a bar that has another half for negative weight.
    """
    found: list[tuple[float, int]] = []
    for times in TICKS:
        tone = float(heat.tones(np.array(float(times)), t))
        if times <= heat.tops[t] and (not found or tone - found[-1][0] >= TICKS_APART * halves):
            found.append((tone, times))
    return tuple(found)


ARROW_TONE = 0.4
"""Tone of the faintest arrow: the dark end of the ramp would be lost as a line."""


ARROW_LEAST = 3.0
"""Minimum weight of a cell with an arrow, in multiples of an even share."""


def arrow_cells(answer: Answer, heat: Heat, count: int) -> tuple[tuple[int, float], ...]:
    """Return the grid index and the multiple of an even share of the strongest peaks beyond the asked place.

    A peak outweighs its eight neighbours in its step: the strongest cells lie side by side, and their arrows would
    merge. Peaks lie beyond the asked frame if other frames have any. There are none for a nearly flat answer, or for an
    asker without a place, from which no arrow could begin. Negative weight gets none, except in a difference, where
    it marks places that the subtracted cells look at more.
    """
    if answer.asker_words is not None:
        return ()
    looked = np.abs(heat.times) if answer.minus else np.maximum(heat.times, 0)
    size = np.where(heat.shows(looked) & (looked >= ARROW_LEAST), looked, 0)
    peaks = np.where(size == maximum_filter(size, (1, 3, 3), mode="constant"), size, 0)
    outside = peaks.copy()
    outside[answer.own_cells.any(axis=(1, 2))] = 0
    if not outside.any():
        outside = np.where(answer.own_place, 0, peaks)
    order = np.argsort(-outside, axis=None, kind="stable")[:count]
    return tuple((int(index), float(heat.times.flat[index])) for index in order if outside.flat[index] > 0)
