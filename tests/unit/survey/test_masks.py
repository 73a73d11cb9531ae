"""Masks beside a clip are found by the number of their frame; the row's figure is that of the session's own capture."""

import fsspec
import numpy as np
import pytest
from PIL import Image
from survey_folders import write_clip

from nonlocal_core import Selection, Session
from nonlocal_core.measures.tracking import carry, region_similarity
from nonlocal_core.media import read_frames
from nonlocal_core.survey import clip_list
from nonlocal_core.survey.masks import known_masks
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import as_table
from nonlocal_core.survey.worker import Worker

MODEL = "lite0-gaussian"
COUNT, SIZE = 8, (128, 160)
CHOSEN = Selection(frames=3)


def true_masks():
    """Of the blob of ``write_clip``."""
    masks = np.zeros((COUNT, *SIZE), bool)
    for t in range(COUNT):
        masks[t, 20:60, 10 + 9 * t : 40 + 9 * t] = True
    return masks


def write_masks(folder, masks, start=0):
    folder.mkdir()
    for index, mask in enumerate(masks, start):
        Image.fromarray(np.where(mask, 37, 0).astype(np.uint8)).save(folder / f"{index:05d}.png")
    return folder


def rows_of(clip, models=(MODEL,)):
    worker = Worker(Plan(models=models, frames=CHOSEN, short_side=64))
    try:
        return as_table(worker.measure(Job(0, clip))).to_pylist()
    finally:
        worker.close()


def read(source, name):
    return read_frames(source, Selection(frames=1), name=name)


def test_a_row_has_the_figure_of_the_session(tmp_path):
    """The object is out of sight in the first frame that is read, so the second one is marked."""
    clip, masks = write_clip(tmp_path / "a.b.gif", seed=1), true_masks()
    masks[0] = False
    write_masks(tmp_path / "a.b.masks", masks)
    session = Session.open(clip, MODEL, frames=CHOSEN, short_side=64)
    truth = masks[session.frames.frame_indices]
    assert session.frames.frame_indices.tolist() == [0, 3, 7]
    rows = rows_of(clip)
    assert [row["block"] for row in rows] == [block.name for block in session.capture.blocks]
    for row, block in zip(rows, session.capture.blocks, strict=True):
        found = carry(block, truth[1], frame=1).masks(SIZE)
        assert row["propagation"] == region_similarity(found, truth)[[0, 2]].mean()
        assert row["propagation_reason"] is None
    assert 0 < rows[-1]["propagation"] < 1


def test_frames_without_a_mask_are_not_scored(tmp_path):
    clip, masks = write_clip(tmp_path / "a.gif", seed=1), true_masks()
    write_masks(tmp_path / "a.masks", masks[3:], start=3)
    known = known_masks(clip, read_frames(clip, CHOSEN), read)
    assert known.masks.keys() == {1, 2}
    assert np.array_equal(known.masks[1], masks[3])


def test_no_masks_beside_it_are_no_figure_and_no_reason(tmp_path):
    (row, *_) = rows_of(write_clip(tmp_path / "a.gif", seed=1))
    assert (row["propagation"], row["propagation_reason"], row["reason"]) == (None, None, None)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "00003.png").write_bytes(b"no picture"), "00003.png"),
        (lambda folder: [(folder / f"{index:05d}.png").unlink() for index in (0, 3, 7)], "of other frames than those"),
        (
            lambda folder: [(folder / f"{index:05d}.png").unlink() for index in (0, 3)],
            "another frame has to have a mask",
        ),
        (lambda folder: write_black(folder), "one mask has to show the object"),
    ],
)
def test_masks_that_cannot_be_used_are_a_reason_beside_the_other_figures(tmp_path, spoil, words):
    clip = write_clip(tmp_path / "a.gif", seed=1)
    spoil(write_masks(tmp_path / "a.masks", true_masks()))
    for row in rows_of(clip):
        assert row["propagation"] is None
        assert words in row["propagation_reason"]
        assert row["reason"] is None
        assert row["effect"] is not None or row["places"] is not None


def test_masks_are_no_clips_and_lie_beside_addresses_too(tmp_path):
    (tmp_path / "set").mkdir()
    clip = write_clip(tmp_path / "set" / "a.gif", seed=1)
    folder = write_masks(tmp_path / "set" / "a.masks", true_masks())
    assert clip_list(tmp_path / "set") == (clip,)
    system = fsspec.filesystem("memory")
    for file in [tmp_path / "set" / "a.gif", *folder.iterdir()]:
        system.pipe_file(f"/masked/{file.relative_to(tmp_path / 'set')}", file.read_bytes())
    assert clip_list("memory://masked") == ("memory:///masked/a.gif",)
    known = known_masks("memory:///masked/a.gif", read_frames(clip, CHOSEN), read)
    assert [np.array_equal(known.masks[place], true_masks()[index]) for place, index in enumerate((0, 3, 7))] == [
        True
    ] * 3
    assert known_masks("memory:///masked/b.gif", read_frames(clip, CHOSEN), read).masks == {}


def test_masks_of_a_folder_of_frames_lie_beside_the_folder(tmp_path):
    write_masks(tmp_path / "dog.v2", true_masks())
    write_masks(tmp_path / "dog.v2.masks", true_masks())
    frames = read_frames(tmp_path / "dog.v2", CHOSEN)
    assert known_masks(str(tmp_path / "dog.v2"), frames, read).masks.keys() == {0, 1, 2}


def write_black(folder):
    for file in folder.iterdir():
        Image.new("L", SIZE[::-1]).save(file)
