"""Cache of decoded frames, for as long as a session shows them, so that switching networks does not decode again.

Samples, and the file named when the server was started, are read here. Visitors' files are read in separate processes
(`nonlocal_core.media.apart`): one that takes too much, or whose visitor left, is ended. A few run in parallel, one for
each visitor, so that no visitor takes all places. Nothing here imports torch, so the first visit's clip is read while
the libraries load.
"""

import threading
from collections.abc import Hashable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from weakref import WeakValueDictionary

from nonlocal_core import Frames, Limits, Selection, read_frames
from nonlocal_core.media.apart import ApartReader
from nonlocal_core.media.intake import choice_for
from nonlocal_core.vocabulary import Progress

from . import visitors
from .budget import HELD
from .queue import Queue
from .visit import FIRST_CLIP

READERS_AHEAD = 2
"""Number of processes that wait for a visitor's file, of about 70 MB each."""
READERS_AT_ONCE = 4
"""Maximum number of processes that read at once, of up to 700 MB each."""
DEFAULT_SIDE = 1024
"""Longer side of frames in pixels, as in ``read_frames``."""
READING = "Reading frames"
READER = ApartReader(READERS_AHEAD)
_TURNS = Queue(READERS_AT_ONCE, "the files of others")


def _nobody(_stage: str, _done: int, _total: int) -> None:
    """Report nothing."""


class FrameMemory:
    """Reader of frames that reuses those still held; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: WeakValueDictionary[Hashable, Frames] = WeakValueDictionary()
        self._reading: WeakValueDictionary[Hashable, Queue] = WeakValueDictionary()

    def read(
        self, source: str | Path | bytes, selection: Selection, *, name: str | None = None, progress: Progress = _nobody
    ) -> Frames:
        """Return the frames that ``read_frames`` returns; only callers with the same arguments wait for each other."""
        asked = _asked(source, selection, name)
        with self._lock:
            reading = self._reading.setdefault(asked, Queue())
        with reading.turn(lambda _: progress(READING, 0, 1)):
            frames = self._held.get(asked)
            if frames is None:
                frames = self._held[asked] = read(source, selection, name=name, progress=progress)
        HELD.drop(("frames", asked))  # who asked holds them now
        return frames

    def read_ahead(self, source: bytes, selection: Selection, *, name: str, progress: Progress = _nobody) -> None:
        """Read a visitor's file, and hold its frames until they are asked for. Raises MediaError."""
        frames = self.read(source, selection, name=name, progress=progress)
        HELD.put(("frames", _asked(source, selection, name)), frames, frames.rgb.nbytes)


def _asked(source: str | Path | bytes, selection: Selection, name: str | None) -> tuple[Hashable, ...]:
    known = sha256(source).digest() if isinstance(source, bytes) else source  # the bytes are the uploads' to hold
    return (known, selection, name)


def read(
    source: str | Path | bytes,
    selection: Selection,
    *,
    name: str | None = None,
    max_side: int = DEFAULT_SIDE,
    progress: Progress = _nobody,
) -> Frames:
    """Return the frames that ``read_frames`` returns, read by a separate process for an upload."""

    def tell(done: int, total: int) -> None:
        progress(READING, done, total)

    if not isinstance(source, bytes):
        return read_frames(source, selection, name=name, max_side=max_side, progress=tell)
    with turn(progress):
        return READER.read_frames(source, selection, name=name, limits=Limits(), max_side=max_side, tell=tell)


def turn(progress: Progress) -> AbstractContextManager[None]:
    """Wait for the visitor's turn to have files read, and hold it."""
    return _TURNS.turn(lambda place: progress(place.words, 0, 1), visitors.here())


FRAMES = FrameMemory()


def read_first_clip() -> Frames:
    """Return the frames of the first visit's clip. Raises MediaError if the sample's package is missing."""
    return FRAMES.read(FIRST_CLIP, choice_for(FIRST_CLIP, None, None))
