"""Facts and frames of a file, as the rest of the program reads them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nonlocal_core.errors import SelectionError
from nonlocal_core.media.formats import picture_format, video_format
from nonlocal_core.media.frames import Frames, MediaInfo
from nonlocal_core.media.gathered import GatheredClip, GatheredPictures, gather_folder, gather_given
from nonlocal_core.media.jpeg_stream import is_jpeg_stream
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.listing import StaleListingError
from nonlocal_core.media.media_file import MediaFile, as_media_file
from nonlocal_core.media.pictures import PictureClip
from nonlocal_core.media.pixels import fit_within
from nonlocal_core.media.refusal import check_is_read_here
from nonlocal_core.media.samples import sample_of
from nonlocal_core.media.selection import Selection, choose_frames
from nonlocal_core.media.video import VideoClip

DEFAULT_LIMITS = Limits()

Readable = str | Path | bytes | np.ndarray | Sequence[Any]
"""A file or a folder of frames, or ``sample:ID``; a file's bytes; an array of frames; a list of arrays, PIL images,
paths and bytes."""
Media = Readable | Frames
"""Any of these, or frames that were read already."""

_Clip = PictureClip | GatheredClip | VideoClip


def probe(source: Readable, *, name: str | None = None, limits: Limits = DEFAULT_LIMITS) -> MediaInfo:
    """Return the facts about a picture, an animation, a video or gathered frames, by content and never by name.

    >>> info = probe(np.zeros((5, 48, 64, 3), np.uint8))
    >>> info.frame_count, info.shown_hw
    (5, (48, 64))

    The first frame of a video is decoded, and all frames of an animation; a still picture is only opened. Raises
    MediaError if the file cannot be used and MediaLimitError if it exceeds a limit.
    """
    checked = _checked(source, name, limits)
    return _info(checked, _open_clip(checked, limits))


def read_frames(
    source: Readable,
    selection: Selection | None = None,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    max_side: int = 1024,
    progress: Callable[[int, int], None] | None = None,
) -> Frames:
    """Return the selected frames of a file as shown, scaled down so that no side exceeds ``max_side`` pixels.

    >>> frames = read_frames(np.zeros((5, 48, 64, 3), np.uint8), Selection(frames=3))
    >>> frames.rgb.shape, frames.frame_indices.tolist()
    ((3, 48, 64, 3), [0, 2, 4])

    ``selection``: by default the sample's own, or 8 frames spread over the clip. ``name``: the name of the clip if
    the file has none. Only the needed part of a video is decoded, and only the selected frames are held. A picture is
    a clip of one frame. ``progress(done, total)`` is called after each frame; it starts again if the list of frames in
    the file proves wrong and all of it must be decoded. Raises MediaError, MediaLimitError, or SelectionError if a
    selected frame does not exist.
    """
    if max_side < 1:
        raise SelectionError(f"Frames are at least 1 pixel wide; got max_side={max_side}.")
    sample = sample_of(source)
    selection = selection or (sample.selection if sample else Selection())
    checked = _checked(source, name, limits)
    limits.check_frames(checked.name, selection.count)
    clip = _open_clip(checked, limits)
    try:
        frames = _read(checked, clip, selection, max_side, progress)
    except StaleListingError:
        assert isinstance(clip, VideoClip)
        clip.recount()
        frames = _read(checked, clip, selection, max_side, progress)
    if sample is None:
        return frames
    marks = None if sample.marks is None else sample.marks()[frames.frame_indices]
    return replace(frames, info=replace(frames.info, sample_id=sample.id), marks=marks)


def _checked(source: Readable, name: str | None, limits: Limits) -> MediaFile | GatheredPictures:
    if (sample := sample_of(source)) is not None:
        source, name = sample.open(), name or sample.title
    elif isinstance(source, str):
        source = Path(source)
    if isinstance(source, Path) and _is_folder(source):
        return gather_folder(source, name=name, limits=limits)
    if isinstance(source, Path | bytes):
        return as_media_file(source, name=name, limits=limits)
    return gather_given(source, name=name, limits=limits)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a path that is too long, or has a NUL in it
        return False


def _open_clip(source: MediaFile | GatheredPictures, limits: Limits) -> _Clip:
    if isinstance(source, GatheredPictures):
        return GatheredClip(source, limits)
    head = source.head()
    check_is_read_here(head, source.name)
    picture = picture_format(head)
    if picture == "jpeg" and is_jpeg_stream(source):
        return VideoClip(source, "mjpeg", limits)
    if picture is not None:
        return PictureClip(source, picture, limits)
    return VideoClip(source, video_format(head, source.name), limits)


def _read(
    source: MediaFile | GatheredPictures,
    clip: _Clip,
    selection: Selection,
    max_side: int,
    progress: Callable[[int, int], None] | None,
) -> Frames:
    indices, warnings = choose_frames(selection, clip.starts, end_seconds=clip.end_seconds)
    shown_hw = fit_within(clip.shown_hw, max_side)
    rgb = np.empty((len(indices), *shown_hw, 3), dtype=np.uint8)
    for slot, frame in enumerate(clip.read(indices, shown_hw)):
        rgb[slot] = frame
        if progress is not None:
            progress(slot + 1, len(indices))
    info = _info(source, clip)
    told = () if clip.kind == "image" else warnings  # nobody expects more than one frame of a picture
    return Frames(
        rgb=rgb,
        pts_seconds=clip.starts[indices],
        frame_indices=indices,
        info=info,
        warnings=info.warnings + told,
    )


def _info(source: MediaFile | GatheredPictures, clip: _Clip) -> MediaInfo:
    moves = clip.kind != "image"
    return MediaInfo(
        name=source.name,
        kind=clip.kind,
        byte_count=source.byte_count,
        sha256=source.sha256(),
        shown_hw=clip.shown_hw,
        frame_count=len(clip.starts),
        rate=clip.rate if moves else None,
        duration_seconds=clip.end_seconds if moves else None,
        codec=clip.codec,
        warnings=tuple(clip.notes),
        remarks=tuple(clip.remarks),
    )
