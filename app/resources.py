"""What all visitors share: prepared networks and opened sessions, each computed once."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from app.clips import FIRST_CLIP, FRAMES
from app.networks import find_network
from app.state import Choices
from app.store import BUNDLES, UPLOADS, Later
from nonlocal_core import MediaError, NonlocalError, Progress, Session, find_sample, list_samples, read_frames

THUMBNAIL_SIDE = 240
"""Pixels of the longer side of a picture in the gallery."""
QUIET_SECONDS = 20.0
"""How long the gallery's pictures wait for the first visitor's own picture to be drawn."""
MAX_SESSIONS = 8
"""Opened clips kept at once, the oldest first out."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened session, and the token under which the browser fetches its bundle."""

    session: Session
    token: str


@dataclass(frozen=True, slots=True)
class _Kept:
    session: Session
    bundle: bytes
    columns: Later


_kept: OrderedDict[Choices, _Kept] = OrderedDict()
_opening = threading.Lock()
"""One clip is opened at a time, since one network runs at a time; what is kept is answered without waiting."""


def open_clip(choices: Choices, progress: Progress) -> Opened:
    """Return the session for these choices; another visitor's, when someone chose the same before.

    Raises NonlocalError with the sentence to show.
    """
    key = replace(choices, pin=None)
    kept = _kept.get(key)
    if kept is None:
        progress("Waiting for the run before this one", 0, 1)
        with _opening:
            kept = _kept.get(key) or _open(key, progress)
            _kept[key] = kept
            while len(_kept) > MAX_SESSIONS:
                _kept.popitem(last=False)
    return Opened(kept.session, BUNDLES.put(kept.bundle, later=kept.columns))


def _open(choices: Choices, progress: Progress) -> _Kept:
    clip = choices.clip
    media: str | bytes = clip
    name = None
    if clip.startswith("upload:"):
        held = UPLOADS.get(clip.removeprefix("upload:"))
        if held is None:
            raise MediaError("This upload is no longer held by the server. Open the file again.")
        media, name = held.content, held.name
    elif not clip.startswith("sample:"):
        raise MediaError(f"A link may name a sample or an upload, not {clip[:80]!r}. Open a clip with the button.")
    session = Session.open(
        media,
        find_network(choices.model),
        name=name,
        frames=choices.frames,
        stride=choices.stride,
        start_seconds=choices.start_seconds,
        short_side=choices.short_side,
        reader=FRAMES.read,
        progress=progress,
    )
    progress("Preparing the viewer", 0, 1)
    return _Kept(session, session.bundle(columns=False), Later(session.columns_bundle))


@cache
def thumbnail(sample_id: str) -> np.ndarray:
    """Return a small picture (H, W, 3) uint8 of the frame that the sample's first question is in.

    Raises MediaError with the install command when the sample's package is missing.
    """
    sample = find_sample(sample_id)
    frames = read_frames(sample.open(), sample.selection, max_side=THUMBNAIL_SIDE)
    picture: np.ndarray = frames.rgb[min(sample.query.frame, len(frames.rgb) - 1)]
    return picture


def warm_up() -> None:
    """Open the first visit's clip and draw the gallery before there is a visitor.

    A failure is shown to the visitor, in the place where it matters; here it is only logged.
    """
    try:
        open_clip(Choices(clip=FIRST_CLIP), lambda stage, done, total: None)
        time.sleep(QUIET_SECONDS)
        for sample in list_samples():
            thumbnail(sample.id)
    except NonlocalError as error:
        print(f"The samples could not be prepared: {error}", flush=True)  # noqa: T201 -- the server's log
