"""Jumps of a clock in containers that are joined: over ten seconds and fifty usual frames, or backwards."""

import numpy as np
import pytest

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
