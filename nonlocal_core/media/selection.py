"""Selection of frames: pure rules over the times at which they appear."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float64, Int64

from nonlocal_core.errors import SelectionError

TICK_SECONDS = 1e-6
"""Times closer than this are the same: container clocks tick slower, and float sums miss exact ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rule for choosing frames: spread evenly over time, every n-th, or by index.

    By default ``frames`` moments are spread evenly from ``start_seconds`` to the last frame, both included, and
    the frame on screen at each moment is taken. With ``stride``, every stride-th frame from the one on screen at
    ``start_seconds``, up to ``frames`` of them. With ``frame_indices``, exactly those.

    >>> times = np.array([0.0, 0.5, 1.0, 1.5])
    >>> choose_frames(Selection(frames=3), times, end_seconds=2.0)[0].tolist()
    [0, 1, 3]

    Raises SelectionError for numbers that no clip can satisfy.
    """

    frames: int = 8
    stride: int | None = None
    start_seconds: float = 0.0
    frame_indices: tuple[int, ...] | None = None
    is_asked: bool = True
    """True where the number of frames was asked for; a shorter clip then carries a warning."""

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise SelectionError(f"At least 1 frame must be asked for; got frames={self.frames}.")
        if self.stride is not None and self.stride < 1:
            raise SelectionError(f"A stride counts frames and is 1 or more; got stride={self.stride}.")
        if not 0.0 <= self.start_seconds < float("inf"):
            raise SelectionError(f"A clip starts at 0 s or later; got start_seconds={self.start_seconds}.")
        if self.frame_indices is not None:
            self._check_indices(self.frame_indices)

    def _check_indices(self, indices: tuple[int, ...]) -> None:
        if self.stride is not None or self.start_seconds != 0.0:
            raise SelectionError("Frame indices say everything: leave stride and start_seconds at their defaults.")
        ascending = all(a < b for a, b in pairwise(indices))
        if not indices or indices[0] < 0 or not ascending:
            raise SelectionError(f"Frame indices are one or more, from 0, each larger than the last; got {indices}.")

    @property
    def count(self) -> int:
        """The most frames that this selection can give."""
        return self.frames if self.frame_indices is None else len(self.frame_indices)


def choose_frames(
    selection: Selection, starts: Float64[np.ndarray, " N"], *, end_seconds: float
) -> tuple[Int64[np.ndarray, " T"], tuple[str, ...]]:
    """Return the indices chosen from frames that appear at ``starts``, ascending, and warnings for the user.

    Each frame stays on screen until the next appears, the last until ``end_seconds``. No frame is given twice:
    fewer come back where fewer exist, with a warning. Raises SelectionError for an index that no frame has or a
    start after the end.
    """
    if selection.frame_indices is not None:
        return _by_index(selection.frame_indices, len(starts)), ()
    if selection.start_seconds > max(starts[-1], end_seconds - TICK_SECONDS):
        raise SelectionError(
            f"The clip ends at {end_seconds:.3f} s, so its frames cannot begin at {selection.start_seconds:.3f} s. "
            "Choose an earlier start."
        )
    if selection.stride is not None:
        chosen, warnings = _by_stride(selection.frames, selection.stride, selection.start_seconds, starts)
    else:
        chosen, warnings = _by_time(selection.frames, selection.start_seconds, starts)
    return chosen, warnings if selection.is_asked else ()


def _by_index(indices: tuple[int, ...], available: int) -> Int64[np.ndarray, " T"]:
    outside = [i for i in indices if i >= available]
    if outside:
        raise SelectionError(f"The clip has frames 0 to {available - 1}; {outside} were asked for.")
    return np.array(indices, dtype=np.int64)


def _by_stride(
    frames: int, stride: int, start_seconds: float, starts: Float64[np.ndarray, " N"]
) -> tuple[Int64[np.ndarray, " T"], tuple[str, ...]]:
    first = int(_on_screen(np.array([start_seconds]), starts)[0])
    chosen = np.arange(first, len(starts), stride, dtype=np.int64)[:frames]
    return chosen, _too_few(frames, len(chosen), "the clip ends before the next")


def _by_time(
    frames: int, start_seconds: float, starts: Float64[np.ndarray, " N"]
) -> tuple[Int64[np.ndarray, " T"], tuple[str, ...]]:
    moments = np.linspace(start_seconds, max(start_seconds, float(starts[-1])), frames)
    chosen = np.unique(_on_screen(moments, starts))
    left = len(starts) - int(chosen[0])
    if left > len(chosen):
        reason = "frames are unevenly spaced, and some fill several moments"
    else:
        reason = f"the clip has no more from {start_seconds:g} s on"
    return chosen, _too_few(frames, len(chosen), reason)


def _on_screen(moments: Float64[np.ndarray, " M"], starts: Float64[np.ndarray, " N"]) -> Int64[np.ndarray, " M"]:
    """Return the frame that is on screen at each moment; the first one before any has appeared."""
    after = np.searchsorted(starts, moments + TICK_SECONDS, side="right")
    return np.maximum(after - 1, 0).astype(np.int64)


def _too_few(wanted: int, found: int, reason: str) -> tuple[str, ...]:
    return () if found >= wanted else (f"{wanted} frames were asked for, {found} can be given: {reason}.",)
