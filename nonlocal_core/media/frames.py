"""Records of a file that was read: facts about it, and its frames."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from nonlocal_core.errors import ShapeError

Kind = Literal["image", "animation", "video"]

ASSUMED_RATE = Fraction(10)
"""Frames per second of sources that have an order and no times: pages, a folder of pictures, arrays."""


def assumed_rate_note(subject: str) -> str:
    """Return the sentence for a clip whose times are assumed; ``subject``: the sentence's subject, with its verb."""
    return f"{subject} and no times; they are shown as frames in their order, {ASSUMED_RATE} a second."


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """Facts about a file.

    ``shown_hw`` is the size that a player shows: after rotation and with square pixels. ``rate`` is the mean
    number of frames per second. ``frame_count``, ``rate`` and ``duration_seconds`` follow the container's
    list until decoding proves it wrong. ``warnings`` are sentences for the user that are shown with every picture;
    ``remarks`` name the assumptions that players also make, and are shown apart. An image has one frame, no rate and
    no duration. ``sample_id``: the id of a sample of the installation, or None for any other file.
    """

    name: str
    kind: Kind
    byte_count: int
    sha256: str
    shown_hw: tuple[int, int]
    frame_count: int | None
    rate: Fraction | None
    duration_seconds: float | None
    codec: str
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    sample_id: str | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False, repr=False)
class Frames:
    """Frames of a file, in the order of time.

    ``rgb``: as shown, scaled down to the largest side asked for. ``pts_seconds``: the time of each frame, counted from
    the first frame of the file. ``frame_indices``: their indices among the decoded frames of the file. ``warnings``:
    sentences about the file and about this choice of frames. ``marks``: the mark on each pixel, counted from 1, or 0
    for none, at the size of the file; None for a clip without marks. Raises ShapeError if they disagree on T.
    """

    rgb: UInt8[np.ndarray, "T H W 3"]
    pts_seconds: Float64[np.ndarray, " T"]
    frame_indices: Int64[np.ndarray, " T"]
    info: MediaInfo
    warnings: tuple[str, ...] = ()
    marks: UInt8[np.ndarray, "T H0 W0"] | None = None

    def __post_init__(self) -> None:
        worn = len(self.rgb if self.marks is None else self.marks)
        counts = (len(self.rgb), len(self.pts_seconds), len(self.frame_indices), worn)
        if len(set(counts)) != 1 or counts[0] == 0:
            raise ShapeError(
                f"Frames need one picture, time, index and map of marks each, and at least one frame; got {counts}."
            )

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.rgb.shape))
        first, last = self.pts_seconds[[0, -1]]
        return f"Frames({self.info.name!r}, uint8 {shape}, {first:.3f} to {last:.3f} s)"
