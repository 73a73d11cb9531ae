"""Frames that were read, for as long as a session shows them: another network is shown the same ones without reading.

Samples, and the file that whoever started the server named, are read here. Files that visitors bring are read in
processes of their own (`nonlocal_core.media.apart`): one that takes too much, or whose visitor left, is ended. A few
run beside each other, one for each visitor, so that nobody takes all places. Nothing here waits for torch, so the first
visit's clip is read while the libraries load.
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
"""Processes that wait for a visitor's file, of about 70 MB each."""
READERS_AT_ONCE = 4
"""Processes that read at once, of up to 700 MB each."""
DEFAULT_SIDE = 1024
"""The longer side of frames, as ``read_frames`` reads them."""
READING = "Reading frames"
READER = ApartReader(READERS_AHEAD)
_TURNS = Queue(READERS_AT_ONCE, "the files of others")


def _nobody(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""


class FrameMemory:
    """Reader of frames that hands out those that somebody still holds; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: WeakValueDictionary[Hashable, Frames] = WeakValueDictionary()
        self._reading: WeakValueDictionary[Hashable, Queue] = WeakValueDictionary()

    def read(
        self, source: str | Path | bytes, selection: Selection, *, name: str | None = None, progress: Progress = _nobody
    ) -> Frames:
        """Return what ``read_frames`` returns for these arguments; only who asks for the very same waits meanwhile."""
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
        """Read a file that a visitor brought, and hold its frames until they are asked for. Raises MediaError."""
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
    """Return what ``read_frames`` returns, for an upload from a process of its own."""

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
    """Return the frames of the first visit's clip. Raises MediaError when the sample's package is missing."""
    return FRAMES.read(FIRST_CLIP, choice_for(FIRST_CLIP, None, None))
