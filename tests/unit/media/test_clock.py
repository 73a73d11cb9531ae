"""Jumps of a clock in containers that are joined: over ten seconds and fifty usual frames, or backwards."""

import numpy as np
import pytest
from media_files import number_of, part, stamps

from nonlocal_core.media import Selection, read_frames
from nonlocal_core.media.clock import close_jumps, tells_times


def times(*gaps: float) -> np.ndarray:
    return np.concatenate(([0.0], np.cumsum(gaps)))


def closed(*gaps: float, demuxer: str = "mpegts") -> tuple[list[float], list[float]]:
    seconds, jumps = close_jumps(times(*gaps), demuxer)
    return np.diff(seconds).tolist(), jumps.tolist()


@pytest.mark.parametrize("demuxer", ["mpeg", "mpegts"])
def test_a_gap_of_more_than_ten_seconds_and_fifty_frames_is_closed(demuxer: str) -> None:
    usual = 0.125
    assert closed(usual, usual, 10.0, usual, demuxer=demuxer) == ([usual, usual, 10.0, usual], [])
    assert closed(usual, usual, 10.0625, usual, demuxer=demuxer) == ([usual] * 4, [10.0625])
    slow = 0.5
    assert closed(slow, slow, 25.0, slow, demuxer=demuxer) == ([slow, slow, 25.0, slow], [])
    assert closed(slow, slow, 25.5, slow, demuxer=demuxer) == ([slow] * 4, [25.5])


def test_a_clock_that_stands_or_goes_back_jumps() -> None:
    assert closed(0.5, 0.0, 0.5, -7.0, 0.5) == ([0.5] * 5, [0.0, -7.0])


def test_the_usual_frame_is_the_median_of_those_that_go_on() -> None:
    for gap in (0.0, -1.0):
        assert closed(0.25, 0.5, 0.75, gap, gap, gap) == ([0.25, 0.5, 0.75, 0.5, 0.5, 0.5], [gap, gap, gap])


@pytest.mark.parametrize("demuxer", ["mov", "matroska", "avi"])
def test_other_containers_keep_their_gaps(demuxer: str) -> None:
    assert closed(0.5, 500.0, -3.0, demuxer=demuxer) == ([0.5, 500.0, -3.0], [])


def test_a_clock_that_never_goes_on_is_left_as_it_is() -> None:
    assert closed(0.0, -1.0) == ([0.0, -1.0], [])
    assert closed() == ([], [])


def test_times_are_told_where_frames_follow_each_other_but_for_a_tenth_of_jumps() -> None:
    steady = [0.5] * 8
    assert tells_times(times(*steady, -1.0), "mpegts")  # one jump of ten frames
    assert not tells_times(times(*steady[:-1], -1.0), "mpegts")  # one of nine
    assert not tells_times(times(*steady[:-1], -1.0, -1.0), "mpegts")
    assert tells_times(times(*steady), "mov")
    assert not tells_times(times(*steady, 0.0), "mov")
    assert not tells_times(times(0.0, 0.0), "mpegts")


@pytest.mark.parametrize("starts", [(0, 18_000), (0, 15), (15, 0), (0, 0), (1, 0), (3600, 0, 7200)])
def test_the_clock_of_joined_recordings_runs_on(starts: tuple[int, ...]) -> None:
    data = b"".join(part(12 * place, start) for place, start in enumerate(starts))
    total = 12 * len(starts)
    frames = read_frames(data, Selection(stride=1, frames=total))
    assert [number_of(picture) for picture in frames.rgb] == list(range(total))
    assert frames.pts_seconds == pytest.approx(np.arange(total) / 10)
    assert frames.info.duration_seconds == pytest.approx(total / 10, abs=0.1)
    often = "" if len(starts) == 2 else f" {len(starts) - 1} times"
    note = f"The clock of untitled jumps{often}, as where recordings are joined; the gap is closed."
    assert frames.warnings == (note,)
    for index in (3, 12, total - 1):
        one = read_frames(data, Selection(frame_indices=(index,)))
        assert number_of(one.rgb[0]) == index
        assert one.pts_seconds == pytest.approx([index / 10])


@pytest.mark.parametrize("container", ["mpegts", "mp4", "matroska"])
@pytest.mark.parametrize(
    "hundredths", [[0, 1500, 3000, 6000, 7500], [0, 10, 20, 900, 910, 920]], ids=["slides", "a pause"]
)
def test_a_long_frame_is_no_jump(container: str, hundredths: list[int]) -> None:
    data = stamps(len(hundredths), container=container, pts=hundredths, options={"bf": "0"})
    frames = read_frames(data, Selection(stride=1))
    assert frames.pts_seconds == pytest.approx(np.array(hundredths) / 100)
    assert not any("clock" in warning for warning in frames.warnings)


def test_only_joined_streams_have_their_gaps_closed() -> None:
    frames = read_frames(stamps(4, container="matroska", pts=[0, 10, 20, 360_000]), Selection(stride=1, frames=4))
    assert frames.pts_seconds == pytest.approx([0.0, 0.1, 0.2, 3600.0])
