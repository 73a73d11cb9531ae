"""Facts about a file, frames and errors, between the process that reads it and the one that asked."""

from dataclasses import asdict
from fractions import Fraction
from io import BufferedReader
from typing import Any, cast

import numpy as np

from nonlocal_core import errors
from nonlocal_core.errors import MediaError
from nonlocal_core.media.frames import Frames, Kind, MediaInfo

KINDS: tuple[Kind, ...] = ("image", "animation", "video")


def info_as_json(info: MediaInfo) -> dict[str, Any]:
    """Return the facts in a form for JSON."""
    return asdict(info) | {"rate": None if info.rate is None else [info.rate.numerator, info.rate.denominator]}


def info_from_json(told: dict[str, Any]) -> MediaInfo:
    """Return the facts. Raises KeyError, TypeError or ValueError for any other content."""
    height, width = told["shown_hw"]
    count, rate, seconds = told["frame_count"], told["rate"], told["duration_seconds"]
    if told["kind"] not in KINDS:
        raise ValueError(told["kind"])
    return MediaInfo(
        name=str(told["name"]),
        kind=cast(Kind, told["kind"]),
        byte_count=int(told["byte_count"]),
        sha256=str(told["sha256"]),
        shown_hw=(int(height), int(width)),
        frame_count=None if count is None else int(count),
        rate=None if rate is None else Fraction(*map(int, rate)),
        duration_seconds=None if seconds is None else float(seconds),
        codec=str(told["codec"]),
        warnings=tuple(map(str, told["warnings"])),
        remarks=tuple(map(str, told["remarks"])),
    )


def error_in(head: dict[str, Any]) -> Exception:
    """Return an error of the process as one of ours, or as a MediaError if its kind is not known here."""
    kind = getattr(errors, str(head["error"]), MediaError)
    known = isinstance(kind, type) and issubclass(kind, errors.NonlocalError) and kind is not errors.UnknownNameError
    return cast(Exception, (kind if known else MediaError)(str(head["message"])))


def frames_in(head: dict[str, Any], told: BufferedReader, *, most: int, max_side: int) -> Frames:
    """Return the frames after their header. Raises ValueError, KeyError or TypeError for any other content.

    ``most``, ``max_side``: the maximum number and size of frames, whatever a compromised decoder says.
    """
    count, height, width, channels = map(int, head["shape"])
    if not (0 < count <= most and min(height, width) > 0 and max(height, width) <= max_side and channels == 3):
        raise ValueError(head["shape"])
    rgb = np.empty((count, height, width, channels), np.uint8)
    left = rgb.data.cast("B")
    while left:
        taken = told.readinto(left)
        if not taken:
            raise ValueError("the frames end too early")
        left = left[taken:]
    return Frames(
        rgb=rgb,
        pts_seconds=np.array(head["pts_seconds"], np.float64),
        frame_indices=np.array(head["frame_indices"], np.int64),
        info=info_from_json(head["info"]),
        warnings=tuple(map(str, head["warnings"])),
    )
