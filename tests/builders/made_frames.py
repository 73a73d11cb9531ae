"""Frames from an array, without a file."""

from fractions import Fraction

import numpy as np

from nonlocal_core.media import Frames, MediaInfo


def frames_of(rgb: np.ndarray, shown_hw: tuple[int, int] | None = None) -> Frames:
    count = len(rgb)
    info = MediaInfo(
        name="made",
        kind="video",
        byte_count=1,
        sha256="0" * 64,
        shown_hw=shown_hw or rgb.shape[1:3],
        frame_count=count,
        rate=Fraction(10),
        duration_seconds=count / 10,
        codec="none",
    )
    return Frames(rgb=rgb, pts_seconds=np.arange(count) / 10, frame_indices=np.arange(count), info=info)
