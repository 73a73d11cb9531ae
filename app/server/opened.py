"""An open clip: the notes that a page shows at once, and its session as soon as it is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nonlocal_core import Frames, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipNotes:
    """Facts about a clip without its frames."""

    name: str
    summary: str
    """One line: its name, its frames, its size."""
    key: str
    """Identity of a clip as it is shown: the content of the file and the chosen frames."""
    frame_count: int
    """Number of shown frames."""


def notes_on(frames: "Frames") -> ClipNotes:
    """Return the notes on the clip of these frames."""
    info, shown = frames.info, len(frames.rgb)
    height, width = info.shown_hw
    count = "" if shown == 1 else f" · {shown} of {info.frame_count or 'its'} frames"
    return ClipNotes(
        name=info.name,
        summary=f"{info.name}{count} · {width} × {height}",
        key=f"{info.sha256} {','.join(map(str, frames.frame_indices.tolist()))}",
        frame_count=shown,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedClip:
    """An opened clip, and the token under which the browser fetches its bundle."""

    token: str
    notes: ClipNotes
    awaited: "Callable[[], Session]"
    """Function that returns the session; the first picture after a start of the server is ready before it."""

    @property
    def session(self) -> "Session":
        """The session; callers wait for it. Raises NonlocalError if it could not be opened after all."""
        return self.awaited()
