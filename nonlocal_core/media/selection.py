"""Selection of frames: pure rules over the times at which they appear."""

from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from nonlocal_core.errors import SelectionError

DEFAULT_FRAMES = 8
"""Default number of frames."""

TICK_SECONDS = 1e-6
"""Difference below which times are equal: container clocks tick more slowly, and float sums miss exact ends."""


LONGEST_WRITTEN = 1e7
"""Number of seconds from which a sentence uses a power of ten, instead of up to 300 digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rule for choosing frames: spread evenly over time, every n-th, or by index.

    By default ``frames`` moments (8) are spread evenly from ``start_seconds`` (0) to the last frame, both included, and
    the frame on screen at each moment is taken. With ``stride``, every stride-th frame from the one on screen at
    ``start_seconds``, up to ``frames`` of them. With ``frame_indices``, exactly those. A clip that is shorter than
    ``frames`` gets a warning if that number was given.

    >>> times = np.array([0.0, 0.5, 1.0, 1.5])
    >>> choose_frames(Selection(frames=3), times, end_seconds=2.0)[0].tolist()
    [0, 1, 3]

    Raises SelectionError for numbers that no clip can satisfy.
    """

    frames: int | None = None
    stride: int | None = None
    start_seconds: float | None = None
    frame_indices: tuple[int, ...] | None = None
    of_network: bool = field(default=False, repr=False)
    """True if ``frames`` is the number that a network states, instead of one that was requested."""

    def __post_init__(self) -> None:
        for name, value in (("frames", self.frames), ("stride", self.stride)):
            if value is not None and (not isinstance(value, int | np.integer) or isinstance(value, bool)):
                raise SelectionError(
                    f"{name} is a whole number; got {value!r}. Chosen frames are Selection(frame_indices=(0, 3, 5))."
                )
        if self.frames is not None and self.frames < 1:
            raise SelectionError(f"At least 1 frame must be asked for; got frames={self.frames}.")
        if self.stride is not None and self.stride < 1:
            raise SelectionError(f"A stride counts frames and is 1 or more; got stride={self.stride}.")
        if self.start_seconds is not None and not 0.0 <= self.start_seconds < float("inf"):
            raise SelectionError(f"A clip starts at 0 s or later; got start_seconds={self.start_seconds}.")
        if self.frame_indices is not None:
            self._check_indices(self.frame_indices)

    def _check_indices(self, indices: tuple[int, ...]) -> None:
        if self.stride is not None or self.start_seconds is not None:
            raise SelectionError("Frame indices say everything: leave stride and start_seconds out.")
        ascending = all(a < b for a, b in pairwise(indices))
        if not indices or indices[0] < 0 or not ascending:
            raise SelectionError(f"Frame indices are one or more, from 0, each larger than the last; got {indices}.")

    @property
    def count(self) -> int:
        """Maximum number of frames that this selection can give."""
        if self.frame_indices is not None:
            return len(self.frame_indices)
        return DEFAULT_FRAMES if self.frames is None else self.frames

    @property
    def given(self) -> dict[str, Any]:
        """Fields that were given, by name."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "of_network"}
        return {name: value for name, value in values.items() if value is not None}

    def over(self, base: "Selection") -> "Selection":
        """Return this selection with its unset fields taken from another; frame indices need no other field.

        >>> Selection(frames=3).over(Selection(stride=8, start_seconds=3.08))
        Selection(frames=3, stride=8, start_seconds=3.08, frame_indices=None)
        """
        if self.frame_indices is not None:
            return self
        return replace(base, **self.given, of_network=base.of_network and self.frames is None)

    def too_few(self, found: int, reason: str) -> tuple[str, ...]:
        """Return a warning if fewer frames were found than the given number, else nothing."""
        if self.frames is None or found >= self.frames:
            return ()
        whose = f"The network takes {self.frames} frames" if self.of_network else f"{self.frames} frames were asked for"
        return (f"{whose}, {found} can be given: {reason}.",)


def choose_frames(
    selection: Selection, starts: Float64[np.ndarray, " N"], *, end_seconds: float
) -> tuple[Int64[np.ndarray, " T"], tuple[str, ...]]:
    """Return the indices chosen from frames that appear at ``starts``, ascending, and warnings for the user.

    Each frame stays on screen until the next appears, the last until ``end_seconds``. No frame is given twice: if too
    few exist, fewer are returned, with a warning. Raises SelectionError for an index that no frame has or a start
    after the end.
    """
    if selection.frame_indices is not None:
        return _by_index(selection.frame_indices, len(starts)), ()
    count, start_seconds = selection.count, selection.start_seconds or 0.0
    if start_seconds > max(starts[-1], end_seconds - TICK_SECONDS):
        raise SelectionError(
            f"The clip ends at {end_seconds:.3f} s, so its frames cannot begin at {_in_short(start_seconds)} s. "
            "Choose an earlier start."
        )
    if selection.stride is not None:
        chosen, reason = _by_stride(count, selection.stride, start_seconds, starts)
    else:
        chosen, reason = _by_time(count, start_seconds, starts)
    return chosen, selection.too_few(len(chosen), reason)


def _in_short(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < LONGEST_WRITTEN else f"{seconds:.3g}"


def _by_index(indices: tuple[int, ...], available: int) -> Int64[np.ndarray, " T"]:
    outside = [i for i in indices if i >= available]
    if outside:
        raise SelectionError(f"The clip has frames 0 to {available - 1}; {outside} were asked for.")
    return np.array(indices, dtype=np.int64)


def _by_stride(
    frames: int, stride: int, start_seconds: float, starts: Float64[np.ndarray, " N"]
) -> tuple[Int64[np.ndarray, " T"], str]:
    """Return every n-th frame, and the reason for which there may be too few."""
    first = int(_on_screen(np.array([start_seconds]), starts)[0])
    chosen = np.arange(first, len(starts), stride, dtype=np.int64)[:frames]
    return chosen, "the clip ends before the next"


def _by_time(
    frames: int, start_seconds: float, starts: Float64[np.ndarray, " N"]
) -> tuple[Int64[np.ndarray, " T"], str]:
    """Return frames spread evenly over time, and the reason for which there may be too few."""
    moments = np.linspace(start_seconds, max(start_seconds, float(starts[-1])), frames)
    chosen = np.unique(_on_screen(moments, starts))
    left = len(starts) - int(chosen[0])
    if left > len(chosen):
        return chosen, "frames are unevenly spaced, and some fill several moments"
    return chosen, f"the clip has no more from {start_seconds:g} s on"


def _on_screen(moments: Float64[np.ndarray, " M"], starts: Float64[np.ndarray, " N"]) -> Int64[np.ndarray, " M"]:
    """Return the frame on screen at each moment, or the first one before any has appeared."""
    after = np.searchsorted(starts, moments + TICK_SECONDS, side="right")
    return np.maximum(after - 1, 0).astype(np.int64)
