"""The visitor's own tours, kept while the session lasts, one for each clip with its chosen frames."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from nonlocal_core import BundleError

from .opened import ClipNotes

if TYPE_CHECKING:
    from nonlocal_core import Session, TourStop

_KEY = "tours"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTour:
    """A clip's tour."""

    clip: str
    """The key of the clip's notes: its file and the frames that the stops count. Networks may change."""
    stops: "tuple[TourStop, ...] | None"
    """Stops of the tour; None if it is still the sample's own."""

    def as_json(self) -> dict[str, object]:
        """Return the tour in the viewer's form."""
        if self.stops is None:
            return {"clip": self.clip, "stops": None}
        from nonlocal_core.bundle import tour_as_json

        return {"clip": self.clip, "stops": tour_as_json(self.stops)}


def kept(notes: ClipNotes) -> KeptTour:
    """Return the tour of this clip."""
    return KeptTour(clip=notes.key, stops=st.session_state.get(_KEY, {}).get(notes.key))


def keep(notes: ClipNotes, sent: object) -> None:
    """Store the stops that the browser sent; None, a tour of another clip or a broken one changes nothing."""
    if sent is None:
        return
    from nonlocal_core.bundle import read_tour  # with NumPy, which the first picture does not wait for

    try:
        stops = read_tour(sent, frame_count=notes.frame_count)
    except BundleError:  # not from our viewer, whose limits are the same
        return
    st.session_state.setdefault(_KEY, {})[notes.key] = stops


def for_file(notes: ClipNotes, session: "Session") -> "tuple[TourStop, ...] | None":
    """Return the stops for a file of this session; a stop at a block of another network keeps the block on screen."""
    stops = kept(notes).stops
    if stops is None:
        return None
    known = {block.name for block in session.capture.named}
    return tuple(stop if stop.block in known else replace(stop, block=None) for stop in stops)
