"""Resources that all visitors share: prepared networks and opened sessions, each computed once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast
from weakref import WeakValueDictionary

import nonlocal_core
from nonlocal_core import MediaError, NonlocalError, Progress
from nonlocal_core.vocabulary import SAMPLE_PREFIX

from . import surveyed
from .budget import HELD, Key
from .byte_store import BUNDLES, UPLOADS, LazyBytes
from .first_picture import FirstPicture, keep_picture, kept_picture
from .known_networks import find_network
from .opened import OpenedClip, notes_on
from .queue import Queue
from .visit import FIRST_CLIP, SERVED, SURVEY_PREFIX, Choices, first_choices, served

if TYPE_CHECKING:  # their modules are imported when they are used: the first picture waits for none of them
    import numpy as np

    from nonlocal_core import Session

THUMBNAIL_SIDE = 240
"""Longer side in pixels of a picture in the gallery."""
PREVIEW_SIDE = 120
"""Longer side in pixels of a frame in the preview of a choice."""
QUIET_SECONDS = 20.0
"""Maximum number of seconds that the gallery's pictures wait for the first visitor's own picture."""


@dataclass(frozen=True, slots=True)
class _KeptSession:
    session: "Session"
    bundle: bytes
    columns: LazyBytes

    @property
    def size(self) -> int:
        """Size in bytes of the session and of its bundle, which it holds even if no page asks for it any more."""
        return session_bytes(self.session) + len(self.bundle)


FIRST = Choices(clip=FIRST_CLIP)
"""Clip and network of a first visit, as installed."""

_keeping = threading.Lock()
_opening: WeakValueDictionary[Choices, Queue] = WeakValueDictionary()
"""Queues of visitors who wait for the same clip and network, which are opened only once."""
_RUNS = Queue()
"""Queue of network runs, one at a time. Files are read before, in parallel; cached sessions need no waiting."""


def open_clip(choices: Choices, progress: Progress) -> OpenedClip:
    """Return the session for these choices, which visitors with the same choices share.

    The first picture after a start of the server is that of the previous start, and its session follows.
    Raises NonlocalError with the sentence to show.
    """
    key = replace(choices, pin=None)
    picture = kept_picture() if key == FIRST and _kept(key) is None else None
    if picture is not None:
        token = BUNDLES.put(picture.bundle, later=_first_columns)
        return OpenedClip(token=token, notes=picture.notes, awaited=first_session)
    kept = _kept_for(key, progress)
    token = BUNDLES.put(kept.bundle, later=kept.columns)
    # A page outlives its visitor for a while: it names the session and does not hold it.
    return OpenedClip(token=token, notes=notes_on(kept.session.frames), awaited=lambda: _kept_for(key, _silent).session)


def _kept(key: Choices) -> _KeptSession | None:
    return cast(_KeptSession | None, HELD.get(("session", key)))


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def first_session(progress: Progress = _silent) -> "Session":
    """Return the session of the first visit's clip, and store its picture for the next start. Raises NonlocalError."""
    return _kept_for(FIRST, progress).session


_first_columns = LazyBytes(lambda: first_session().columns_bundle())


def _kept_for(key: Choices, progress: Progress) -> _KeptSession:
    kept = _kept(key)
    if kept is not None:
        return kept
    with _keeping:
        opening = _opening.setdefault(key, Queue())
    with opening.turn(lambda _: progress("Opening what somebody else asked for too", 0, 1)):
        kept = _kept(key) or _open(key, progress)
        HELD.put(("session", key), kept, kept.size)
    return kept


def session_bytes(session: "Session") -> int:
    """Return the size of a session in bytes: its frames and the tables of its blocks."""
    frames = session.frames.rgb.nbytes + (0 if session.frames.marks is None else session.frames.marks.nbytes)
    tables = (getattr(block, each.name) for block in session.capture.blocks for each in fields(block))
    return frames + sum(getattr(table, "nbytes", 0) for table in tables)


def _media_of(clip: str) -> tuple[str | bytes | Path, str | None]:
    """Return the source that a session opens for a clip in a link, and its name if that is not the file's own."""
    own = served()
    if clip.startswith("upload:"):
        held = UPLOADS.get(clip.removeprefix("upload:"))
        if held is None:
            raise MediaError("This upload is no longer held by the server. Open the file again.")
        return held.content, held.name
    if own is not None and clip == f"{SERVED}{own.name}":
        return own, None
    if clip.startswith(SURVEY_PREFIX):
        return surveyed.media_of(clip)
    if not clip.startswith(SAMPLE_PREFIX):
        raise MediaError(f"A link may name a sample or an upload, not {clip[:80]!r}. Open a clip with the button.")
    return clip, None


def preview(choices: Choices, tell: Callable[[int, int], None]) -> "np.ndarray":
    """Return small pictures (T, h, w, 3) uint8 of exactly the frames that these choices name. Raises NonlocalError."""
    media, name = _media_of(choices.clip)
    source = nonlocal_core.find_sample(media.removeprefix(SAMPLE_PREFIX)).open() if isinstance(media, str) else media
    exactly = nonlocal_core.Selection(frame_indices=choices.frame_indices)
    from .clips import read

    pictures: np.ndarray = read(
        source, exactly, name=name, max_side=PREVIEW_SIDE, progress=lambda _stage, done, total: tell(done, total)
    ).rgb
    return pictures


def _open(key: Choices, progress: Progress) -> _KeptSession:
    media, name = _media_of(key.clip)
    from nonlocal_core.media.intake import choice_for  # with the decoder
    from nonlocal_core.running.prepared import network_and_frames, network_for  # with torch

    from .clips import FRAMES

    asked = nonlocal_core.Selection(
        frames=key.frames, stride=key.stride, start_seconds=key.start_seconds, frame_indices=key.frame_indices
    )
    network, frames = network_and_frames(
        network_for(media, find_network(key.model)),
        "auto",
        lambda trained_on: FRAMES.read(
            media,
            choice_for(media, asked, trained_on),
            name=name,
            progress=progress,
        ),
        progress,
    )
    with _RUNS.turn(lambda place: progress(place.words, 0, 1)), _features_of(notes_on(frames).key, key.short_side):
        session = nonlocal_core.Session.open(frames, network, short_side=key.short_side, progress=progress)
        progress("Preparing the viewer", 0, 1)
        if key == FIRST:
            return _KeptSession(session, _first_bundle(session), _first_columns)
        return _KeptSession(session, session.bundle(columns=False), LazyBytes(session.columns_bundle))


@contextmanager
def _features_of(frames: str, short_side: int | None) -> Iterator[None]:
    """Share the trunk's features of these frames with the networks that are shown them later: most of their run."""
    from nonlocal_core.models.sharing import Features, shared_features  # with torch

    key: Key = ("features", (frames, short_side))
    kept = cast(Features, HELD.get(key) or {})
    with shared_features(kept):
        yield
    if kept:
        HELD.put(key, kept, sum(features.nbytes for features in kept.values()))


def _first_bundle(session: "Session") -> bytes:
    """Return the bytes of the picture that was already shown, or make them and store them for the next start."""
    picture = kept_picture()
    if picture is not None:
        return picture.bundle
    bundle = session.bundle(columns=False)
    try:
        keep_picture(FirstPicture(notes=notes_on(session.frames), bundle=bundle))
    except (OSError, NonlocalError) as fault:
        print(f"The first picture could not be kept for the next start: {fault}", flush=True)  # noqa: T201 -- the log
    return bundle


@cache
def thumbnail(sample_id: str) -> "np.ndarray":
    """Return a small picture (H, W, 3) uint8 of the frame that the sample's first question is in.

    Raises MediaError with the install command if the sample's package is missing.
    """
    sample = nonlocal_core.find_sample(sample_id)
    frames = nonlocal_core.read_frames(f"{SAMPLE_PREFIX}{sample_id}", max_side=THUMBNAIL_SIDE)
    picture: np.ndarray = frames.rgb[min(sample.query.frame, len(frames.rgb) - 1)]
    return picture


def warm_up() -> None:
    """Open the first visit's clip and draw the gallery before a visitor comes.

    A failure is shown to the visitor where it matters; here it is only logged.
    """
    try:
        _kept_for(first_choices(), _silent)
        time.sleep(QUIET_SECONDS)
        from .clips import READER

        READER.start_ahead()
        for sample in nonlocal_core.list_samples():
            thumbnail(sample.id)
    except NonlocalError as error:
        print(f"The samples could not be prepared: {error}", flush=True)  # noqa: T201 -- the server's log
