"""Frames that were read already are taken wherever a file is."""

import io

import numpy as np
import pytest
from PIL import Image

from nonlocal_core import Selection, Session, read_frames
from nonlocal_core.errors import SelectionError


def animation():
    pictures = [
        Image.fromarray(np.random.default_rng(t).integers(0, 256, (48, 64, 3), dtype=np.uint8)) for t in range(5)
    ]
    file = io.BytesIO()
    pictures[0].save(file, "PNG", save_all=True, append_images=pictures[1:], duration=200)
    return file.getvalue()


def test_frames_that_were_read_give_the_answer_of_their_file():
    file = animation()
    frames = read_frames(file, Selection(frame_indices=(0, 2, 4)), name="noise.png")
    again = Session.open(frames, short_side=64)
    assert again.frames is frames
    read = Session.open(file, frames=Selection(frame_indices=(0, 2, 4)), short_side=64)
    rows = [session.query(frame=1, x=0.3, y=0.6).values for session in (read, again)]
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize("asked", [{"frames": 2}, {"stride": 2}, {"start_seconds": 0.1}, {"frame_indices": (0,)}])
def test_no_frames_can_be_chosen_of_those_that_were_read(asked):
    frames = read_frames(animation(), Selection(frames=3))
    with pytest.raises(SelectionError, match=rf"These 3 frames were read already, so {next(iter(asked))} cannot"):
        Session.open(frames, short_side=64, frames=Selection(**asked))
