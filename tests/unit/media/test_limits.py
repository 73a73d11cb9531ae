"""Each limit lets through what lies at it, and refuses one more by its name."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from nonlocal_core.errors import MediaLimitError
from nonlocal_core.media.limits import DecodeBudget, Limits

SMALL = Limits(
    max_bytes=1_000,
    max_picture_bytes=900,
    max_pixels=30 * 50,
    max_picture_memory=6_750,
    max_unpacked_pixels=10_000,
    max_unpacked_per_byte=7,
    max_video_pixels=2_000,
    max_light_video_pixels=1_100,
    max_seconds=60.0,
    max_frames=12,
    max_listed_frames=34,
    max_decoded_frames=3,
    max_decoded_pixels=4_500,
)


def test_the_defaults_are_those_that_are_documented() -> None:
    assert asdict(Limits()) == {
        "max_bytes": 2_147_483_648,
        "max_picture_bytes": 268_435_456,
        "max_pixels": 80_000_000,
        "max_picture_memory": 600_000_000,
        "max_unpacked_pixels": 200_000_000,
        "max_unpacked_per_byte": 100,
        "max_video_pixels": 37_748_736,
        "max_light_video_pixels": 9_437_184,
        "max_seconds": 14_400.0,
        "max_frames": 128,
        "max_listed_frames": 1_000_000,
        "max_decoded_frames": 20_000,
        "max_decoded_pixels": 20_000_000_000,
        "max_light_decoded_pixels": 3_000_000_000,
    }


@pytest.mark.parametrize(
    ("check", "most", "above", "limit"),
    [
        pytest.param(SMALL.check_bytes, (1_000,), (1_001,), "max_bytes", id="bytes"),
        pytest.param(SMALL.check_picture_bytes, (900,), (901,), "max_picture_bytes", id="picture bytes"),
        pytest.param(SMALL.check_picture_size, ((50, 30),), ((50, 31),), "max_pixels", id="pixels"),
        pytest.param(SMALL.check_picture_size, ((1, 1_500),), ((1_501, 1),), "max_pixels", id="pixels of a line"),
        pytest.param(SMALL.check_picture_memory, ((30, 50), 4.5), ((30, 50), 4.51), "max_picture_memory", id="memory"),
        pytest.param(SMALL.check_unpacked, (10_700.0, 100), (10_701.0, 100), "max_unpacked_pixels", id="unpacked"),
        pytest.param(SMALL.check_video_size, ((40, 50), 900), ((40, 51), 900), "max_video_pixels", id="video"),
        pytest.param(
            SMALL.check_video_size, ((30, 40), 13), ((30, 40), 12), "max_light_video_pixels", id="light video"
        ),
        pytest.param(SMALL.check_seconds, (60.0,), (60.001,), "max_seconds", id="seconds"),
        pytest.param(SMALL.check_frames, (12,), (13,), "max_frames", id="frames"),
        pytest.param(SMALL.check_listed, (34,), (35,), "max_listed_frames", id="listed"),
    ],
)
def test_a_limit_itself_is_let_through_and_one_more_is_not(
    check: Callable[..., None], most: tuple[object, ...], above: tuple[object, ...], limit: str
) -> None:
    check("it", *most)
    with pytest.raises(MediaLimitError, match=rf"\blimits? {limit}\b"):
        check("it", *above)


def test_sizes_are_told_as_width_by_height_and_memory_in_megabytes() -> None:
    with pytest.raises(MediaLimitError, match="it is a picture of 40 × 60 pixels"):
        SMALL.check_picture_size("it", (60, 40))
    with pytest.raises(
        MediaLimitError, match="2,000 × 1,000 pixels, which take 800 MB to decode; up to 600 MB are used"
    ):
        Limits().check_picture_memory("it", (1_000, 2_000), 400.0)
    with pytest.raises(MediaLimitError, match="take 4,000,000 MB to decode; up to 1,000,000 MB are used"):
        Limits(max_picture_memory=10**12).check_picture_memory("it", (1_000_000, 1_000_000), 4.0)
    with pytest.raises(MediaLimitError, match="video of 7 bytes of 40 × 30 pixels; up to 1,156 pixels"):
        SMALL.check_video_size("it", (30, 40), 7)


def test_the_budget_of_a_video_grows_with_its_bytes_up_to_the_limit_of_all() -> None:
    limits = Limits(max_decoded_pixels=100_000, max_light_decoded_pixels=10_000)
    assert limits.for_video(20).max_decoded_pixels == 70_000
    assert limits.for_video(31).max_decoded_pixels == 100_000
    assert limits.for_video(20).max_decoded_frames == limits.max_decoded_frames


def test_a_budget_is_spent_by_frames_or_by_pixels() -> None:
    frames = DecodeBudget("it", SMALL)
    for _ in range(3):
        frames.spend((30, 40))
    with pytest.raises(MediaLimitError, match=r"more than 3 decoded frames \(limit max_decoded_frames\)"):
        frames.spend((1, 1))
    pixels = DecodeBudget("it", SMALL)
    pixels.spend((30, 50))
    pixels.spend((60, 50))
    with pytest.raises(MediaLimitError, match=r"more than 4,500 decoded pixels \(limit max_decoded_pixels\)"):
        pixels.spend((1, 1))
