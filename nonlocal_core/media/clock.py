"""Gaps in the clock of a stream that was joined from several recordings."""

import numpy as np
from jaxtyping import Float64

from nonlocal_core.media.formats import VideoFormat

JOINED: tuple[VideoFormat, ...] = ("mpeg", "mpegts")
"""Containers that may be joined end to end, each part with its own clock; in others a long gap is a long frame."""

JUMP_SECONDS = 10.0
"""Duration above which a frame is a jump of the clock; ffmpeg's program has the same limit."""

JUMP_TIMES = 50
"""Minimum ratio of such a frame's duration to the usual one, so that slides of half a minute are not jumps."""

MOST_JUMPS = 0.1
"""Maximum share of frames at which a clock may jump; a clock that jumps more often gives no times."""


def close_jumps(
    seconds: Float64[np.ndarray, " N"], demuxer: VideoFormat
) -> tuple[Float64[np.ndarray, " N"], Float64[np.ndarray, " J"]]:
    """Return the times of frames once each jump of the clock lasts as long as a usual frame, and the jumps.

    >>> close_jumps(np.array([0.0, 0.5, 1.0, 18001.0, 18001.5]), "mpegts")
    (array([0. , 0.5, 1. , 1.5, 2. ]), array([18000.]))
    """
    gaps = np.diff(seconds)
    if demuxer not in JOINED or not (gaps > 0).any():
        return seconds, gaps[:0]
    usual = float(np.median(gaps[gaps > 0]))
    jumping = (gaps <= 0) | (gaps > max(JUMP_SECONDS, JUMP_TIMES * usual))
    excess = np.where(jumping, gaps - usual, 0.0)
    return seconds - np.concatenate(([0.0], np.cumsum(excess))), gaps[jumping]


def tells_times(seconds: Float64[np.ndarray, " N"], demuxer: VideoFormat) -> bool:
    """Return whether frames appear one after the other, except for a few jumps of a joined stream's clock."""
    closed, jumps = close_jumps(seconds, demuxer)
    return bool((np.diff(closed) > 0).all()) and len(jumps) <= MOST_JUMPS * len(seconds)
