"""Choice of the frames for a session among those that the user, the network and the sample ask for."""

from nonlocal_core.errors import SelectionError
from nonlocal_core.media.frames import Frames
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.reading import DEFAULT_LIMITS, Media, read_frames
from nonlocal_core.media.samples import sample_of
from nonlocal_core.media.selection import Selection
from nonlocal_core.vocabulary import Progress


def choice_for(media: Media, asked: int | Selection | None, trained_on: Selection | None) -> Selection:
    """Return the frames to read of a clip.

    Unset fields of ``asked``, or all but the number of frames, fall back to the network's training selection, else to
    the sample's, else to the library default.

    >>> choice_for("sample:bikes", 3, None)
    Selection(frames=3, stride=8, start_seconds=3.08, frame_indices=None)
    >>> choice_for("sample:bikes", None, Selection(frames=32, stride=2))
    Selection(frames=32, stride=2, start_seconds=None, frame_indices=None)
    """
    sample = sample_of(media)
    return _as_selection(asked).over(trained_on or (sample.selection if sample else Selection()))


def frames_for(
    media: Media,
    asked: int | Selection | None,
    trained_on: Selection | None,
    *,
    limits: Limits | None,
    tell: Progress,
) -> Frames:
    """Return the frames of a clip that ``choice_for`` chooses, or those that were read already.

    Raises MediaError, and SelectionError if a choice of frames was asked for from frames that were read already.
    """
    if isinstance(media, Frames):
        if given := _as_selection(asked).given:
            raise SelectionError(
                f"These {len(media.rgb)} frames were read already, so {', '.join(given)} cannot be chosen any more. "
                "Give it to read_frames instead."
            )
        return media
    return read_frames(
        media,
        choice_for(media, asked, trained_on),
        limits=limits or DEFAULT_LIMITS,
        progress=lambda done, total: tell("Reading frames", done, total),
    )


def count_of(asked: int | Selection | None) -> int | None:
    """Return the number of frames requested, or None if it was left open."""
    selection = _as_selection(asked)
    return selection.frames if selection.frame_indices is None else len(selection.frame_indices)


def _as_selection(asked: int | Selection | None) -> Selection:
    return asked if isinstance(asked, Selection) else Selection(frames=asked)
