"""Frames that were read already are taken wherever a file is."""

import io

import numpy as np
import pytest
from PIL import Image

from nonlocal_core import Selection, Session, read_frames
from nonlocal_core.errors import MediaError, SelectionError
from nonlocal_core.media.intake import choice_for, count_of


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


def test_a_file_that_is_replaced_while_it_is_read_is_refused(tmp_path):
    """Else the record has the hash of the second and the pixels of the first."""
    clip, other = tmp_path / "clip.png", tmp_path / "other.png"
    for path in (clip, other):
        path.write_bytes(animation())

    def replaced(done, _total):
        if done == 1:
            other.replace(clip)

    with pytest.raises(MediaError, match=r"clip\.png was changed while it was read"):
        read_frames(clip, Selection(frames=3), progress=replaced)
    assert read_frames(clip, Selection(frames=3)).rgb.shape[0] == 3

    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 48)).save(folder / name)
    with pytest.raises(MediaError, match=r"b\.png was changed"):
        read_frames(folder, progress=lambda done, total: done == 1 and clip.replace(folder / "b.png"))


@pytest.mark.parametrize("asked", [{"frames": 2}, {"stride": 2}, {"start_seconds": 0.1}, {"frame_indices": (0,)}])
def test_no_frames_can_be_chosen_of_those_that_were_read(asked):
    frames = read_frames(animation(), Selection(frames=3))
    with pytest.raises(SelectionError, match=rf"These 3 frames were read already, so {next(iter(asked))} cannot"):
        Session.open(frames, short_side=64, frames=Selection(**asked))


def test_frames_of_a_sample_keep_its_question_its_tour_and_its_words():
    read = Session.open(read_frames("sample:composed", Selection(frames=4)), short_side=64)
    opened = Session.open("sample:composed", frames=4, short_side=64)
    assert read.sample is opened.sample
    assert read.first_question() == opened.first_question()
    assert read.bundle() == opened.bundle()
    assert Session.open(read_frames(animation()), short_side=64).sample is None


def test_a_name_goes_with_the_frames():
    frames = read_frames("sample:coins", name="Twenty-four coins")
    assert (frames.info.name, frames.info.sample_id) == ("Twenty-four coins", "coins")


TRAINED = Selection(frames=32, stride=2)


@pytest.mark.parametrize(
    ("media", "asked", "trained_on", "expected"),
    [
        (b"", None, None, Selection()),
        (b"", 3, None, Selection(frames=3)),
        (b"", Selection(start_seconds=0.0), TRAINED, Selection(frames=32, stride=2, start_seconds=0.0)),
        (b"", Selection(frame_indices=(1, 4)), TRAINED, Selection(frame_indices=(1, 4))),
        ("sample:bikes", None, None, Selection(stride=8, start_seconds=3.08)),
        ("sample:bikes", Selection(stride=3), None, Selection(stride=3, start_seconds=3.08)),
        ("sample:bikes", 5, TRAINED, Selection(frames=5, stride=2)),
    ],
)
def test_what_is_left_out_is_as_the_network_was_trained_or_as_the_sample_has_it(media, asked, trained_on, expected):
    assert choice_for(media, asked, trained_on) == expected


def test_only_a_number_that_was_asked_for_is_missed():
    assert "12 frames were asked for, 5 can be given" in read_frames(animation(), Selection(frames=12)).warnings[0]
    assert read_frames(animation()).warnings == read_frames(animation(), Selection(start_seconds=0.1)).warnings == ()


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (None, None),
        (3, 3),
        (Selection(frames=5, stride=2), 5),
        (Selection(stride=2), None),
        (Selection(frame_indices=(1, 4)), 2),
    ],
)
def test_what_was_asked_for_is_counted(asked, count):
    assert count_of(asked) == count
