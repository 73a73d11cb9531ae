"""Clips that are shorter than a network needs: frames are repeated."""

from dataclasses import replace

import numpy as np

from nonlocal_core.media.frames import Frames

_USUAL_SECONDS = 0.1
"""Duration in seconds of a frame without a next one."""


def stretched(frames: Frames, count: int) -> Frames:
    """Return at least ``count`` frames: a shorter clip with its frames repeated evenly, a longer one unchanged.

    The repetitions have their own times between those of the frames, and a warning says so.
    """
    own = len(frames.rgb)
    if own >= count:
        return frames
    of = np.arange(count) * own // count
    gaps = np.diff(frames.pts_seconds)
    last = float(gaps[-1]) if len(gaps) and gaps[-1] > 0 else _USUAL_SECONDS
    turns = np.arange(count) - np.searchsorted(of, of)
    times = frames.pts_seconds[of] + turns / np.bincount(of)[of] * np.append(gaps, last)[of]
    shown = "A still image is" if own == 1 else f"{own} frames are"
    return replace(
        frames,
        rgb=frames.rgb[of],
        pts_seconds=times,
        frame_indices=frames.frame_indices[of],
        marks=None if frames.marks is None else frames.marks[of],
        warnings=(*frames.warnings, f"{shown} shown to a network that takes {count}: frames are repeated."),
    )
