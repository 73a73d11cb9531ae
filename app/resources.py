"""What all visitors share: prepared networks and opened sessions, each computed once."""

from dataclasses import dataclass

import streamlit as st

from app.state import Choices
from app.store import BUNDLES, UPLOADS
from nonlocal_core import MediaError, NonlocalError, Progress, Session

FIRST_CLIP = "sample:bunny"
"""What a first visit opens."""
MAX_SESSIONS = 8
"""Opened clips kept at once, least recently used first out: up to about 150 MB each at 64 frames."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened session, and the token under which the browser fetches its bundle."""

    session: Session
    token: str


def open_clip(choices: Choices, progress: Progress) -> Opened:
    """Return the session for these choices, from the cache when another visitor chose the same.

    Raises NonlocalError with the sentence to show.
    """
    session, bundle = _open(
        choices.clip,
        choices.model,
        choices.frames,
        choices.stride,
        choices.start_seconds,
        choices.short_side,
        _progress=progress,
    )
    return Opened(session, BUNDLES.put(bundle))


@st.cache_resource(max_entries=MAX_SESSIONS, show_spinner=False)
def _open(
    clip: str,
    model: str,
    frames: int | None,
    stride: int | None,
    start_seconds: float | None,
    short_side: int | None,
    _progress: Progress,
) -> tuple[Session, bytes]:
    media: str | bytes = clip
    name = None
    if clip.startswith("upload:"):
        held = UPLOADS.get(clip.removeprefix("upload:"))
        if held is None:
            raise MediaError("This upload is no longer held by the server. Open the file again.")
        media, name = held
    elif not clip.startswith("sample:"):
        raise MediaError(f"A link may name a sample or an upload, not {clip[:80]!r}. Open a clip with the button.")
    session = Session.open(
        media,
        model,
        name=name,
        frames=frames,
        stride=stride,
        start_seconds=start_seconds,
        short_side=short_side,
        progress=_progress,
    )
    return session, session.bundle()


def warm_up() -> None:
    """Open the first visit's clip before there is a visitor. A failure is shown to the visitor, not here."""
    try:
        open_clip(Choices(clip=FIRST_CLIP), lambda stage, done, total: None)
    except NonlocalError as error:
        print(f"The first sample could not be opened: {error}", flush=True)  # noqa: T201 -- the server's log
