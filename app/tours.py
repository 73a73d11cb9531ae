"""The tours that a visitor made: kept while the session lasts, one for each clip with its chosen frames."""

from dataclasses import dataclass, replace

import streamlit as st

from nonlocal_core import BundleError, Session, TourStop
from nonlocal_core.bundle import read_tour, tour_as_json

_KEY = "tours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A clip's tour."""

    clip: str
    """The content of the file and the frames that were chosen, which the stops count: networks may come and go."""
    stops: tuple[TourStop, ...] | None
    """None where it is still the sample's own."""

    def as_json(self) -> dict[str, object]:
        """Return it as the viewer reads it."""
        return {"clip": self.clip, "stops": None if self.stops is None else tour_as_json(self.stops)}


def kept(session: Session) -> Kept:
    """Return the tour of this clip."""
    frames = session.frames
    clip = f"{frames.info.sha256} {','.join(map(str, frames.frame_indices.tolist()))}"
    tours: dict[str, tuple[TourStop, ...]] = st.session_state.get(_KEY, {})
    return Kept(clip=clip, stops=tours.get(clip))


def keep(session: Session, sent: object) -> None:
    """Keep the stops that the browser sent; what is no tour of this clip changes nothing, and neither does None."""
    if sent is None:
        return
    try:
        stops = read_tour(sent, frame_count=len(session.frames.rgb))
    except BundleError:  # not from our viewer, whose limits are the same
        return
    st.session_state.setdefault(_KEY, {})[kept(session).clip] = stops


def for_file(session: Session) -> tuple[TourStop, ...] | None:
    """Return the stops for a file of this session; one at a block of another network keeps the block on screen."""
    stops = kept(session).stops
    if stops is None:
        return None
    known = {block.name for block in session.capture.blocks}
    return tuple(stop if stop.block in known else replace(stop, block=None) for stop in stops)
