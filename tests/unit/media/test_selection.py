"""Which frames are chosen: pure rules over times, against a slow oracle that walks along the clip."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlocal_core.errors import SelectionError
from nonlocal_core.media import Selection
from nonlocal_core.media.selection import DEFAULT_FRAMES, choose_frames

UNHURRIED = settings(deadline=None)  # a busy machine is no fault

EVEN = np.arange(14) / 5.0  # 14 frames at 5 per second: 0 to 2.6 s
UNEVEN = np.array([0.0, 0.1, 0.2, 3.0, 3.1, 3.2, 3.3])


def on_screen(moment: float, starts: list[float]) -> int:
    """Walk along the clip: the last frame that has appeared by this moment."""
    shown = 0
    for index, start in enumerate(starts):
        if start <= moment + 1e-6:
            shown = index
    return shown


clips = st.lists(st.integers(1, 500), min_size=1, max_size=40).map(
    lambda gaps: np.cumsum(np.array([0, *gaps])) / 100.0  # at least two frames, at least 10 ms apart
)


@UNHURRIED
@given(clips, st.integers(1, 12), st.floats(0.0, 0.99))
def test_by_time_each_frame_is_the_one_on_screen(starts: np.ndarray, frames: int, share: float) -> None:
    start = round(float(starts[-1]) * share, 3)
    chosen, warnings = choose_frames(
        Selection(frames=frames, start_seconds=start), starts, end_seconds=float(starts[-1]) + 0.5
    )
    last = float(starts[-1])
    moments = [start + (last - start) * n / max(frames - 1, 1) for n in range(frames)]
    expected = sorted({on_screen(moment, starts.tolist()) for moment in moments})
    assert chosen.tolist() == expected
    assert bool(warnings) == (len(expected) < frames)


@UNHURRIED
@given(clips, st.integers(1, 12), st.integers(1, 5), st.floats(0.0, 0.99))
def test_by_stride_frames_are_stride_apart(starts: np.ndarray, frames: int, stride: int, share: float) -> None:
    start = round(float(starts[-1]) * share, 3)
    chosen, warnings = choose_frames(
        Selection(frames=frames, stride=stride, start_seconds=start), starts, end_seconds=float(starts[-1]) + 0.5
    )
    expected = []
    index = on_screen(start, starts.tolist())
    while index < len(starts) and len(expected) < frames:
        expected.append(index)
        index += stride
    assert chosen.tolist() == expected
    assert bool(warnings) == (len(expected) < frames)


def test_first_and_last_frame_are_included() -> None:
    chosen, warnings = choose_frames(Selection(frames=4), EVEN, end_seconds=2.8)
    assert chosen.tolist() == [0, 4, 8, 13]
    assert warnings == ()


def test_one_frame_is_the_one_on_screen_at_the_start() -> None:
    chosen, _ = choose_frames(Selection(frames=1, start_seconds=1.1), EVEN, end_seconds=2.8)
    assert chosen.tolist() == [5]


def test_uneven_times_are_taken_as_they_are() -> None:
    # Moments 0, 0.55 … 3.3: the long gap shows frame 2 five times, and that is one frame.
    chosen, warnings = choose_frames(Selection(frames=7), UNEVEN, end_seconds=3.4)
    assert chosen.tolist() == [0, 2, 6]
    assert warnings == (
        "7 frames were asked for, 3 can be given: frames are unevenly spaced, and some fill several moments.",
    )


def test_more_than_there_are_gives_all_and_says_so() -> None:
    chosen, warnings = choose_frames(Selection(frames=20, start_seconds=2.0), EVEN, end_seconds=2.8)
    assert chosen.tolist() == [10, 11, 12, 13]
    assert warnings == ("20 frames were asked for, 4 can be given: the clip has no more from 2 s on.",)


def test_a_stride_past_the_end_says_so() -> None:
    chosen, warnings = choose_frames(Selection(frames=5, stride=6), EVEN, end_seconds=2.8)
    assert chosen.tolist() == [0, 6, 12]
    assert warnings == ("5 frames were asked for, 3 can be given: the clip ends before the next.",)


def test_indices_are_given_as_asked() -> None:
    chosen, warnings = choose_frames(Selection(frame_indices=(2, 3, 13)), EVEN, end_seconds=2.8)
    assert chosen.dtype == np.int64
    assert chosen.tolist() == [2, 3, 13]
    assert warnings == ()


def test_an_index_that_no_frame_has_is_refused_with_the_valid_range() -> None:
    with pytest.raises(SelectionError, match=r"frames 0 to 13; \[14, 99\] were asked for"):
        choose_frames(Selection(frame_indices=(3, 14, 99)), EVEN, end_seconds=2.8)


def test_a_start_within_the_last_frame_shows_it_and_after_its_end_is_refused() -> None:
    chosen, _ = choose_frames(Selection(frames=1, start_seconds=2.79), EVEN, end_seconds=2.8)
    assert chosen.tolist() == [13]
    with pytest.raises(SelectionError, match=r"ends at 2\.800 s, so its frames cannot begin at 2\.800 s"):
        choose_frames(Selection(frames=1, start_seconds=2.8), EVEN, end_seconds=2.8)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frames": 0}, "At least 1 frame"),
        ({"stride": 0}, "stride=0"),
        ({"start_seconds": -0.1}, "start_seconds=-0.1"),
        ({"start_seconds": float("nan")}, "start_seconds=nan"),
        ({"start_seconds": float("inf")}, "start_seconds=inf"),
        ({"frame_indices": ()}, "one or more"),
        ({"frame_indices": (-1, 2)}, "from 0"),
        ({"frame_indices": (3, 3)}, "each larger"),
        ({"frame_indices": (5, 2)}, "each larger"),
        ({"frame_indices": (1,), "stride": 2}, "say everything"),
        ({"frame_indices": (1,), "start_seconds": 1.0}, "say everything"),
    ],
)
def test_selections_that_no_clip_can_satisfy_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(SelectionError, match=message):
        Selection(**wrong)


def test_what_is_asked_for_is_counted_and_named() -> None:
    assert (Selection().count, DEFAULT_FRAMES) == (8, 8)
    assert Selection(frames=3).count == 3
    assert Selection(frame_indices=(4, 7)).count == 2
    assert Selection().given == {}
    assert Selection(stride=2, start_seconds=0.0).given == {"stride": 2, "start_seconds": 0.0}
    assert Selection(frame_indices=(4,)).over(Selection(stride=2)) == Selection(frame_indices=(4,))
    assert Selection(frames=1, stride=1, start_seconds=0.0).given == {"frames": 1, "stride": 1, "start_seconds": 0.0}
    assert Selection(frame_indices=(0,)).count == 1


def test_too_few_are_told_only_where_a_number_was_asked_for() -> None:
    assert choose_frames(Selection(), EVEN[:3], end_seconds=0.6) == (pytest.approx([0, 1, 2]), ())
    assert choose_frames(Selection(stride=5), EVEN, end_seconds=2.8)[1] == ()


def test_a_number_that_nobody_asked_for_is_said_to_be_the_network_s() -> None:
    network, told = Selection(frames=16, of_network=True), "3 can be given: the clip has no more from 0 s on."
    for asked, whose in (
        (Selection(), "The network takes 16 frames"),
        (Selection(start_seconds=0.0), "The network takes 16 frames"),
        (Selection(frames=20), "20 frames were asked for"),
    ):
        assert choose_frames(asked.over(network), EVEN[:3], end_seconds=0.6)[1] == (f"{whose}, {told}",)
    assert Selection(frames=20).over(network).given == {"frames": 20}


def test_times_within_a_microsecond_are_the_same() -> None:
    for early, index in ((0.9e-6, 5), (1.1e-6, 4)):
        chosen, _ = choose_frames(Selection(frames=1, start_seconds=1.0 - early), EVEN, end_seconds=2.8)
        assert chosen.tolist() == [index]
    starts = np.array([0.0, 1.0])
    assert choose_frames(Selection(frames=1, start_seconds=1.5), starts, end_seconds=1.500002)[0].tolist() == [1]
    with pytest.raises(SelectionError, match="cannot begin"):
        choose_frames(Selection(frames=1, start_seconds=1.5), starts, end_seconds=1.5000009)
    assert choose_frames(Selection(frames=1, start_seconds=1.0), starts, end_seconds=1.0)[0].tolist() == [1]


def test_a_start_that_is_far_beyond_is_written_short() -> None:
    for start, told in ((9_999_999.0, "9999999.000 s"), (1e7, "1e+07 s"), (1.5e300, "1.5e+300 s")):
        with pytest.raises(SelectionError, match=f"cannot begin at {told}".replace("+", r"\+")):
            choose_frames(Selection(frames=1, start_seconds=start), EVEN, end_seconds=2.8)


def test_a_clip_has_no_more_where_every_frame_from_the_start_was_given() -> None:
    chosen, warnings = choose_frames(Selection(frames=5, start_seconds=3.0), UNEVEN, end_seconds=3.4)
    assert chosen.tolist() == [3, 4, 5, 6]
    assert warnings == ("5 frames were asked for, 4 can be given: the clip has no more from 3 s on.",)
    assert choose_frames(Selection(frames=4, start_seconds=3.0), UNEVEN, end_seconds=3.4)[1] == ()


def test_numbers_of_frames_are_whole_and_other_kinds_are_refused_in_words():
    code = """
from nonlocal_core import NonlocalError, Selection
for name, value in (("frames", 2.5), ("frames", "3"), ("frames", [0, 3]), ("frames", True), ("stride", 1.5)):
    try:
        Selection(**{name: value})
    except NonlocalError as error:
        print(error)
"""  # in a process of its own, since the test run checks types before the library does
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    chosen = "Chosen frames are Selection(frame_indices=(0, 3, 5))."
    assert said.splitlines() == [
        f"frames is a whole number; got 2.5. {chosen}",
        f"frames is a whole number; got '3'. {chosen}",
        f"frames is a whole number; got [0, 3]. {chosen}",
        f"frames is a whole number; got True. {chosen}",
        f"stride is a whole number; got 1.5. {chosen}",
    ]
