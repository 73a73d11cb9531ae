"""What a process says of the frames that it read: the same at both ends, and believed within what was asked for."""

import io
import json
from fractions import Fraction

import numpy as np
import pytest

from nonlocal_core import errors
from nonlocal_core.media.frames import MediaInfo
from nonlocal_core.media.wire import error_in, frames_in, info_as_json, info_from_json

INFO = MediaInfo(
    name="it.mp4",
    kind="video",
    byte_count=321,
    sha256="ab" * 32,
    shown_hw=(48, 80),
    frame_count=5,
    rate=Fraction(30_000, 1_001),
    duration_seconds=1.5,
    codec="h264",
    warnings=("one", "two"),
    remarks=("three",),
)
STILL = MediaInfo(
    name="it.png",
    kind="image",
    byte_count=9,
    sha256="cd" * 32,
    shown_hw=(2, 3),
    frame_count=None,
    rate=None,
    duration_seconds=None,
    codec="png",
)


@pytest.mark.parametrize("info", [INFO, STILL])
def test_facts_come_over_as_they_are(info: MediaInfo) -> None:
    assert info_from_json(json.loads(json.dumps(info_as_json(info)))) == info


def test_facts_of_no_kind_are_none() -> None:
    with pytest.raises(ValueError, match="page"):
        info_from_json(info_as_json(INFO) | {"kind": "page"})


def test_an_error_is_one_of_ours_or_a_damaged_file() -> None:
    for kind in ("MediaError", "MediaLimitError", "SelectionError"):
        found = error_in({"error": kind, "message": "so it is"})
        assert (type(found), str(found)) == (getattr(errors, kind), "so it is")
    for kind in ("UnknownNameError", "KeyError", "annotations", "nothing", "__name__"):
        assert type(error_in({"error": kind, "message": "so it is"})) is errors.MediaError


def head(shape: list[int]) -> dict[str, object]:
    count = shape[0]
    times = {"pts_seconds": [0.5 * n for n in range(count)], "frame_indices": [3 * n for n in range(count)]}
    return {"shape": shape, "info": info_as_json(INFO), "warnings": ["so"], **times}


class Slow(io.RawIOBase):
    """Gives a few bytes at a time, as a pipe does."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:
        return self._data.readinto(into[:7])


def told(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(Slow(data), 5)


def test_frames_come_over_as_they_are() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (2, 4, 6, 3), np.uint8)
    frames = frames_in(head([2, 4, 6, 3]), told(rgb.tobytes() + b"beyond"), most=2, max_side=6)
    assert (frames.rgb == rgb).all()
    assert frames.pts_seconds.tolist() == [0.0, 0.5]
    assert frames.frame_indices.tolist() == [0, 3]
    assert (frames.info, frames.warnings) == (INFO, ("so",))
    with pytest.raises(ValueError, match="the frames end too early"):
        frames_in(head([2, 4, 6, 3]), told(rgb.tobytes()[:-1]), most=2, max_side=6)


@pytest.mark.parametrize(
    "shape",
    [
        [9, 8, 8, 3],
        [1, 8, 2000, 3],
        [1, 1025, 8, 3],
        [1, 10**9, 10**9, 3],
        [1, 8, 8, 4],
        [0, 8, 8, 3],
        [1, 0, 8, 3],
        [1, 8, 0, 3],
        [1, -8, -8, 3],
        [1, 8, 3],
    ],
)
def test_more_than_was_asked_for_is_refused_before_it_takes_memory(shape):
    told = io.BufferedReader(io.BytesIO(bytes(1000)))
    with pytest.raises(ValueError, match=r"\d"):
        frames_in({"shape": shape}, told, most=8, max_side=1024)
    assert told.tell() == 0


def test_as_much_as_was_asked_for_is_taken() -> None:
    for shape in ([8, 1, 1, 3], [1, 1024, 1, 3], [1, 1, 1024, 3]):
        assert list(frames_in(head(shape), told(bytes(3072)), most=8, max_side=1024).rgb.shape) == shape
