"""Files of what Track found: pixels, boxes and scores in them are those that were found, and they carry the notes."""

import csv
import json
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from nonlocal_core import Session
from nonlocal_core.app.widgets import kept_track
from nonlocal_core.measures.tracking import carry, known_masks, pointing_hits, region_similarity
from nonlocal_core.render import PANEL, paint_mask


def tell(stage, done, total):
    """Hear nothing."""


def noted(found, warning):
    """The same find, where the block had this warning."""
    return replace(found, carried=replace(found.carried, note=warning))


@pytest.fixture(scope="module")
def found():
    session = Session.open("sample:composed", "lite0-parameter-free", frames=3, short_side=64)
    truth = known_masks(session.sample, session.frames.frame_indices)["cat"]
    block = session.block()
    return kept_track.Found(session=session, block=block, carried=carry(block, truth[1], frame=1), truth=truth)


def test_the_table_has_the_scores_and_boxes_of_every_frame(found, tmp_path):
    kept_track._table(tmp_path / "a.csv", found, tell)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    similarity, hits = region_similarity(found.masks, found.truth), pointing_hits(found.carried, found.truth)
    assert [line["frame_index"] for line in lines] == [str(index) for index in found.session.frames.frame_indices]
    assert [line["marked"] for line in lines] == ["0", "1", "0"]
    for index in (0, 2):
        assert float(lines[index]["j"]) == pytest.approx(similarity[index], abs=1e-6)
        assert lines[index]["pointing_hit"] == ("" if np.isnan(hits[index]) else str(int(hits[index])))
        rows, cols = np.nonzero(found.masks[index])
        height, width = found.truth.shape[1:]
        sides = [cols.min() / width, rows.min() / height, (cols.max() + 1) / width, (rows.max() + 1) / height]
        assert [float(lines[index][name]) for name in ("x0", "y0", "x1", "y1")] == pytest.approx(sides, abs=1e-6)
    assert lines[1]["j"] == "", "the marked frame is no score"


def test_the_note_of_a_table_stands_once_and_is_no_formula(found, tmp_path):
    kept_track._table(tmp_path / "a.csv", noted(found, "=1+1.mp4 has frames that last no time."), tell)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        notes = [line["note"] for line in csv.DictReader(file)]
    assert notes == ["Note: =1+1.mp4 has frames that last no time.", "", ""]


def test_the_picture_holds_every_frame_with_its_outline_and_the_words(found, tmp_path):
    kept_track._picture(tmp_path / "a.png", found, tell)
    picture = Image.open(tmp_path / "a.png")
    pixels = np.asarray(picture)
    frames = found.session.frames.rgb
    height, width = frames.shape[1:3]
    for index, frame in enumerate(frames):
        left = index * (width + kept_track.GAP)
        assert (pixels[:height, left : left + width] == paint_mask(frame, found.masks[index])).all()
    words = pixels[height + kept_track.GAP :]
    assert (words.min(axis=-1) > 200).any(), "letters"
    origin = json.loads(picture.text["provenance"])
    assert origin["clip_sha256"] == found.session.frames.info.sha256
    assert origin["marked_frame"] == 1
    assert origin["versions"]["numpy"] == np.__version__


def test_the_film_has_the_frames_at_their_times(found, tmp_path):
    kept_track._film(tmp_path / "a.mp4", found, tell)
    with av.open(str(tmp_path / "a.mp4")) as film:
        times = [float(frame.time) for frame in film.decode(video=0)]
    apart = np.diff(found.session.frames.pts_seconds)
    assert np.diff(times) == pytest.approx(apart, abs=0.01)


def test_the_pixels_are_the_masks(found, tmp_path):
    kept_track._pixels(tmp_path / "a.npz", found, tell)
    with np.load(tmp_path / "a.npz") as kept:
        assert (kept["masks"] == found.masks).all()


def test_words_under_a_picture_take_as_many_lines_as_they_need(found):
    short, long = (kept_track.words_under(noted(found, "word " * count), 200) for count in (1, 120))
    assert len(long) > 3 * len(short)
    assert (long[:, -2:] == PANEL).all(), "no letter runs off the edge"
