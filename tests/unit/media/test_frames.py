"""Records of frames: they agree on their number, and show their shape."""

import numpy as np
import pytest
from made_frames import frames_of
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core.errors import ShapeError
from nonlocal_core.media import Frames
from nonlocal_core.media.frames import assumed_rate_note


def test_frames_agree_on_their_number_and_show_their_shape() -> None:
    rgb = np.zeros((5, 6, 8, 3), np.uint8)
    assert repr(frames_of(rgb)) == "Frames('made', uint8 5 × 6 × 8 × 3, 0.000 to 0.400 s)"
    info = frames_of(rgb).info
    with pytest.raises(ShapeError, match="at least one frame"):
        Frames(rgb=rgb[:0], pts_seconds=np.zeros(0), frame_indices=np.zeros(0, np.int64), info=info)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", ["rgb", "pts_seconds", "frame_indices", "marks"])
def test_a_part_of_another_number_is_refused(name: str) -> None:
    parts = {
        "rgb": np.zeros((5, 6, 8, 3), np.uint8),
        "pts_seconds": np.arange(5) / 10,
        "frame_indices": np.arange(5),
        "marks": np.zeros((5, 12, 16), np.uint8),
    }
    info = frames_of(parts["rgb"]).info
    assert len(Frames(**parts, info=info).rgb) == 5
    with pytest.raises(ShapeError, match="at least one frame; got"):
        Frames(**parts | {name: parts[name][1:]}, info=info)


def test_the_sentence_of_assumed_times_tells_their_rate() -> None:
    note = assumed_rate_note("It has pages")
    assert note == "It has pages and no times; they are shown as frames in their order, 10 a second."
