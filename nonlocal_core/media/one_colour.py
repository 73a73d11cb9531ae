"""Warning for frames of a single colour, whose attention comes from the network alone."""

from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from nonlocal_core.media.frames import Frames

SAME_LEVELS = 8
"""Maximum variation of each channel in a frame of one colour, in levels of 255: as much as a codec adds."""


def told_if_of_one_colour(frames: Frames) -> Frames:
    """Return the frames, with a warning if each of them has a single colour."""
    if any(_varies(frame) for frame in frames.rgb):
        return frames
    what = "The picture is" if len(frames.rgb) == 1 else "Every frame is"
    told = (
        f"{what} of one colour: what is looked at comes from the network, such as from its border, not from a picture."
    )
    return frames if told in frames.warnings else replace(frames, warnings=(*frames.warnings, told))


def _varies(frame: UInt8[np.ndarray, "H W 3"]) -> bool:
    return bool((np.ptp(frame.reshape(-1, 3), axis=0) > SAME_LEVELS).any())
