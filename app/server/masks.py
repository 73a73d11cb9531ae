"""Visitors' masks, read in a separate process like every other picture of a visitor."""

from collections.abc import Sequence
from itertools import count

import numpy as np
from jaxtyping import Bool

from nonlocal_core import Frames, Limits, Selection
from nonlocal_core.measures import tracking
from nonlocal_core.media.apart import ApartReader

from .clips import turn
from .memory import Steps


def read_masks(contents: Sequence[bytes], size_hw: tuple[int, int], tell: Steps) -> Bool[np.ndarray, "frames h w"]:
    """Return one mask for each picture, as ``measures.read_masks`` does, all of them from one process.

    Raises MediaError, with the number of the file, and MediaLimitError.
    """
    reader = ApartReader(0, again=True)  # one visitor's own files: none can learn of another's

    places = count()

    def read(content: bytes, name: str) -> Frames:
        done = next(places)
        return reader.read_frames(
            content,
            Selection(frames=1),
            name=name,
            limits=Limits(),
            tell=lambda *_: tell(done, len(contents)),
        )

    with turn(lambda words, done, total: tell(done, total, words)):
        try:
            return tracking.read_masks(contents, size_hw, read)
        finally:
            reader.close()
