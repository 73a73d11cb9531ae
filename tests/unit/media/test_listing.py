"""The list of a container's frames: which lists are trusted, and from where each frame is reached."""

import numpy as np
import pytest
from media_files import stamps

from nonlocal_core.media.limits import DecodeBudget, Limits
from nonlocal_core.media.listing import Listing, Run
from nonlocal_core.media.media_file import as_media_file
from nonlocal_core.media.stream import VideoPass


def listing(
    pts: list[int], positions: list[int], keys: tuple[int, ...] = (0,), dts: list[int] | None = None
) -> Listing:
    """Return a list in the order of showing; ``keys``: ranks of keyframes."""
    count = len(pts)
    return Listing(
        pts=np.array(pts, np.int64),
        dts=np.array(pts if dts is None else dts, np.int64),
        positions=np.array(positions, np.int64),
        is_key=np.isin(np.arange(count), keys),
        last_ticks=7,
        palettes={},
    )


GROUPS = listing([0, 10, 20, 30, 40, 50, 60], [0, 2, 1, 3, 5, 4, 6], keys=(0, 3, 5))


def test_a_list_is_trusted_where_each_time_is_there_once_and_in_order() -> None:
    assert GROUPS._is_plausible()
    assert not listing([0, 10, 10], [0, 1, 2])._is_plausible()
    assert not listing([0, 10, 9], [0, 1, 2])._is_plausible()
    assert listing([0, 10, 11], [0, 1, 2])._is_plausible()


def test_a_list_is_trusted_where_frames_are_shown_near_to_where_they_are_decoded() -> None:
    count = 40
    for distance, is_near in ((32, True), (33, False)):
        late = [*range(1, distance + 1), 0, *range(distance + 1, count)]  # decoded first, shown after the others
        assert listing(list(range(count)), late, keys=())._is_plausible() is is_near
        early = [distance, *range(distance), *range(distance + 1, count)]
        assert listing(list(range(count)), early, keys=())._is_plausible() is is_near


def test_a_list_is_trusted_where_keyframes_are_shown_in_the_order_of_decoding() -> None:
    assert listing([0, 10, 20], [0, 2, 1], keys=(0, 1))._is_plausible()
    assert not listing([0, 10, 20], [0, 2, 1], keys=(1, 2))._is_plausible()


def test_frames_are_reordered_where_one_is_not_shown_as_it_is_decoded() -> None:
    assert GROUPS.is_reordered
    assert not listing([0, 10, 20], [0, 1, 2]).is_reordered
    assert not listing([0, 10, 20], [3, 4, 5]).is_reordered


def test_avi_tells_times_of_decoding_where_nothing_is_reordered() -> None:
    plain, mixed = listing([1, 2], [0, 1], dts=[0, 1]), listing([1, 2, 3], [0, 2, 1], dts=[0, 2, 1])
    assert plain.times("avi").tolist() == [0, 1]
    assert plain.times("mov").tolist() == [1, 2]
    assert mixed.times("avi").tolist() == [1, 2, 3]


def test_a_rank_is_that_of_the_very_time() -> None:
    assert [GROUPS.rank_of(pts) for pts in (0, 10, 60)] == [0, 1, 6]
    assert [GROUPS.rank_of(pts) for pts in (None, -1, 5, 61, 70)] == [None] * 5


def test_a_list_may_begin_later() -> None:
    later = GROUPS.from_rank(2)
    assert later.pts.tolist() == [20, 30, 40, 50, 60]
    assert later.dts.tolist() == [20, 30, 40, 50, 60]
    assert later.positions.tolist() == [1, 3, 5, 4, 6]
    assert later.is_key.tolist() == [False, True, False, True, False]
    assert later.last_ticks == 7


def test_ranks_are_grouped_by_the_keyframe_that_is_shown_before_them() -> None:
    assert list(GROUPS.runs(np.array([1, 2, 3, 6]))) == [
        Run(start=0, first_rank=0, ranks=(1, 2)),
        Run(start=3, first_rank=3, ranks=(3,)),
        Run(start=4, first_rank=5, ranks=(6,)),
    ]
    assert list(GROUPS.runs(np.array([4]))) == [Run(start=3, first_rank=3, ranks=(4,))]
    late = listing([0, 10, 20], [1, 0, 2], keys=(2,))
    assert list(late.runs(np.array([0, 1, 2]))) == [
        Run(start=0, first_rank=0, ranks=(0, 1)),
        Run(start=2, first_rank=2, ranks=(2,)),
    ]


def listed(data: bytes, demuxer: str, limits: Limits = Limits()) -> tuple[Listing | None, int]:  # noqa: B008 -- frozen
    source = as_media_file(data, name="it", limits=limits)
    with VideoPass(source, demuxer, limits, DecodeBudget("it", limits)) as video:
        found = Listing.of(video, "it", limits)
        return found, 0 if found is None else found.reach(video)


@pytest.mark.parametrize(("container", "demuxer"), [("mp4", "mov"), ("avi", "avi"), ("matroska", "matroska")])
def test_a_container_lists_what_was_written(container: str, demuxer: str) -> None:
    """Thirteen frames ten a second, a keyframe every six, none reordered."""
    found, reach = listed(stamps(13, container=container, options={"bf": "0"}), demuxer)
    assert found is not None
    assert (len(found.pts), reach) == (13, 13)
    assert np.flatnonzero(found.is_key).tolist() == [0, 6, 12]
    assert found.positions.tolist() == list(range(13))
    assert len(set(np.diff(found.pts).tolist())) == 1
    assert found.last_ticks == (found.pts[1] - found.pts[0] if demuxer != "matroska" else found.last_ticks)


def test_reordered_frames_are_listed_as_they_are_shown() -> None:
    found, _ = listed(stamps(13, options={"bf": "2", "x264-params": "b-adapt=0:scenecut=0"}), "mov")
    assert found is not None
    assert found.is_reordered
    assert sorted(found.positions.tolist()) == list(range(13))
    assert (np.diff(found.pts) > 0).all()
    assert (found.dts <= found.pts).all()
