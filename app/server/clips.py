"""Frames that were read, for as long as a session shows them: another network is shown the same ones without reading.

Nothing here waits for torch, so the first visit's clip is read while the libraries load.
"""

import threading
from hashlib import sha256
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from nonlocal_core import Frames, Selection, read_frames
from nonlocal_core.media.intake import choice_for

from .visit import FIRST_CLIP


class FrameMemory:
    """Reads frames, and hands out those that somebody still holds; safe to use from several threads."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._held: WeakValueDictionary[tuple[Any, ...], Frames] = WeakValueDictionary()

    def read(self, source: str | Path | bytes, selection: Selection, *, name: str | None = None, **more: Any) -> Frames:
        """Return what ``read_frames`` returns for these arguments; one that asks while they are read waits."""
        known = sha256(source).digest() if isinstance(source, bytes) else source  # the bytes are the uploads' to hold
        asked = (known, selection, name)
        with self._reading:
            frames = self._held.get(asked)
            if frames is None:
                frames = self._held[asked] = read_frames(source, selection, name=name, **more)
            return frames


FRAMES = FrameMemory()


def read_first_clip() -> Frames:
    """Return the frames of the first visit's clip. Raises MediaError when the sample's package is missing."""
    return FRAMES.read(FIRST_CLIP, choice_for(FIRST_CLIP, None, None))
