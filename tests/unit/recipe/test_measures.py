"""The figures on the cards: known answers for rows whose worth is known."""

import json

import numpy as np
import pytest
import torch

from pretrained.recipe.features import MIXED
from pretrained.recipe.measures import Truth, answer_measures, interval, label_similarity, pick_queries, row_measures
from pretrained.recipe.real import blob, load_real_clips, outlined, real_measures
from pretrained.recipe.runs import OUTLINES

SIZE = 4 * 5 * 6


@pytest.fixture
def truth():
    labels = np.zeros((4, 5, 6), np.uint8)
    labels[:, 1:3, 1:3] = 1
    labels[:3, 3:5, 3:6] = 2
    labels[0, 0, 0] = MIXED
    sure = np.zeros(labels.shape, bool)
    sure[:, 1, 1] = sure[:, 4, 4] = True
    return Truth(labels=labels, sure=sure, asked=np.array([True, False, True, True]))


def rows_by(rule, truth):
    flat, frame = truth.labels.ravel(), np.repeat(np.arange(4), 30)
    return lambda queries: np.stack([rule(flat, frame, q).astype(float) for q in queries])


def test_queries_come_from_sure_cells_of_the_frames_asked(truth):
    queries = pick_queries(truth, seed=3)
    frame, row, col = np.unravel_index(queries, truth.labels.shape)
    assert set(frame) == {0, 2, 3}
    assert {(r, c) for r, c in zip(row, col, strict=True)} == {(1, 1), (4, 4)}
    assert len(queries) == 5  # object 2 does not show in frame 3, where its sure cell is background


def test_a_row_on_the_same_object_is_perfect(truth):
    found = row_measures(rows_by(lambda flat, frame, q: flat == flat[q], truth), truth, seed=3)
    assert found["auc"] == found["auc_object"] == found["on_object"] == found["hit_rate"] == found["covered"] == 1.0
    # 12 cells of object 1 in other frames; 12 (from two frames) of object 2: of 20 strongest keys, 12 can be right.
    assert found["precision_20"] == pytest.approx(0.6)
    assert 0 < found["query_dependence"] <= 1


def test_a_row_on_everything_but_the_object_is_as_wrong_as_can_be(truth):
    found = row_measures(rows_by(lambda flat, frame, q: flat != flat[q], truth), truth, seed=3)
    assert found["auc"] == found["auc_object"] == found["on_object"] == found["hit_rate"] == found["covered"] == 0.0


def test_a_uniform_row_knows_nothing(truth):
    found = row_measures(rows_by(lambda flat, frame, q: np.ones_like(flat), truth), truth, seed=3)
    assert found["auc"] == found["auc_object"] == 0.5
    assert found["query_dependence"] == pytest.approx(0, abs=1e-12)
    assert found["own_frame"] == pytest.approx(0.25)


def test_what_stays_in_the_own_frame_is_counted_apart(truth):
    found = row_measures(rows_by(lambda flat, frame, q: np.arange(SIZE) == q, truth), truth, seed=3)
    assert found["own_frame"] == found["own_cell"] == found["on_object"] == 1.0
    assert "on_object_elsewhere" not in found
    assert found["auc"] == 0.5
    assert found["whole"] < 0.2


def test_negative_weights_count_as_zero(truth):
    right = rows_by(lambda flat, frame, q: np.where(flat == flat[q], 1.0, -5.0), truth)
    assert row_measures(right, truth, seed=3)["on_object"] == 1.0


def test_a_clip_without_queries_says_nothing(truth):
    nobody = Truth(labels=truth.labels, sure=np.zeros_like(truth.sure), asked=truth.asked)
    assert row_measures(rows_by(lambda flat, frame, q: flat == 1, truth), nobody, seed=3) == {}


def rows_in_place(labels):
    """Rows that look at the query's own place in every frame."""
    flat = np.arange(labels.size) % labels[0].size
    return lambda queries: (flat == flat[queries][:, None]).astype(float)


def test_labels_are_carried_from_the_first_frame_that_shows_the_object():
    labels = np.zeros((3, 4, 5), np.uint8)
    for t in range(3):
        labels[t, 0, t : t + 2] = 1  # moves a cell to the right in each frame
    labels[1, 2:, :2] = 2  # is not there before
    labels[2, 2:, :3] = 2
    labels[2, 2, 0] = MIXED  # counts neither as found nor as missed
    labels[1, 1, 4] = 3  # is there once, so that nothing can be carried
    one, two = (1 / 3 + 0) / 2, 3 / 5
    assert label_similarity(rows_in_place(labels), labels) == pytest.approx((one + two) / 2)


@pytest.mark.parametrize(("tall", "expected"), [(2, 0), (3, 3 / 4)])
def test_a_cell_takes_a_label_when_more_than_half_of_its_weight_lies_on_it(tall, expected):
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[:, :tall] = 1
    assert label_similarity(lambda queries: np.ones((len(queries), labels.size)), labels) == expected


def test_labels_of_rows_without_a_positive_weight_are_carried_nowhere(truth):
    right = rows_by(lambda flat, frame, q: np.where(flat == flat[q], 1.0, -5.0), truth)
    assert label_similarity(right, truth.labels) == 1
    assert label_similarity(lambda queries: right(queries) - 1, truth.labels) == 0


def test_a_clip_whose_objects_show_once_has_no_similarity():
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[1, 2, 3] = 1
    assert np.isnan(label_similarity(rows_in_place(labels), labels))


def test_answers_are_compared_in_nats():
    clean = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]))
    given = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]))
    found = answer_measures(given, clean)
    assert found["top1_kept"] == 0.5
    assert found["kl"] == pytest.approx((0.5 * np.log(2) - 0.25 * np.log(2)) / 2, rel=1e-5)


def test_the_interval_holds_the_mean_and_leaves_missing_clips_out():
    values = np.array([0.1, 0.4, np.nan, 0.2, 0.5])
    mean, low, high = interval(values)
    assert mean == pytest.approx(0.3)
    assert 0.1 <= low < mean < high <= 0.5


def test_frames_are_hit_where_the_strongest_cell_lies_on_the_object():
    cover = np.zeros((4, 4, 5))
    cover[0, 1, 1] = cover[1, 2, 3] = cover[2, 0, 0] = 1  # in the last frame it does not show
    row = np.zeros((4, 4, 5))
    row[0, 1, 1] = 9  # the query's own frame does not count
    row[1, 2, 3] = 3
    row[2, 3, 4] = 1
    found = real_measures(row.ravel(), cover, query=6)
    assert found["hit_rate"] == 0.5
    assert found["on_object_elsewhere"] == 0.75
    assert found["on_object"] == 12 / 13
    assert found["covered"] == pytest.approx(2 / 3)
    assert blob(cover, 6).reshape(4, 4, 5).argmax() == 6
    still = real_measures(row[:1].ravel(), cover[:1], query=6)
    assert set(found) - set(still) == {
        "on_object_elsewhere",
        "hit_rate",
        "average_precision",
        "auc",
    }  # one cell: itself


def test_outlines_are_boxes_ellipses_and_polygons():
    box, triangle = [0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.5, 0.0, 0.0, 0.5]
    drawn = outlined([box], (8, 16), is_round=False)
    expected = np.zeros((8, 16), bool)
    expected[4:8, 4:12] = True
    assert np.array_equal(drawn, expected)
    ellipse = outlined([box], (80, 160), is_round=True)
    assert ellipse.mean() == pytest.approx(np.pi / 4 * 0.25, rel=0.05)  # Pillow draws its rim as well
    assert not ellipse[41, 41]
    both = outlined([box, triangle], (80, 160), is_round=False)
    assert both.mean() == pytest.approx(0.25 + 0.125, rel=0.03)


REAL = {clip.id: clip for clip in load_real_clips(OUTLINES, folder=None)}


def test_outlines_of_what_is_installed_lie_on_the_cells_of_the_network():
    assert set(REAL) == {"bikes", "bunny", "coins", "face", "suit", "cat", "saucer", "rocket"}
    for clip in REAL.values():
        _, _, frames, height, width = clip.pixels.shape
        for stride in (8, 16):
            cover = clip.cover(height // stride, width // stride)
            assert cover.shape == (frames, height // stride, width // stride)
            assert cover.ravel()[clip.query(height // stride, width // stride)] > 0.2
    hidden = [not frame.any() for frame in REAL["bikes"].cover(14, 32)]
    assert hidden == [False, True, True, True, False, False]
    # The cyclist's box of the last frame: x from .54 to .79, y from .04 down to the edge.
    assert REAL["bikes"].cover(14, 32)[5].mean() == pytest.approx(0.25 * 0.96, abs=0.01)
    assert [clip.id for clip in REAL.values() if clip.is_still] == ["coins", "face", "suit", "cat", "saucer", "rocket"]


@pytest.mark.parametrize("clip", REAL.values(), ids=lambda clip: clip.id)
def test_on_real_pictures_only_a_row_that_lies_on_all_of_the_object_is_good(clip):
    """What a row deserves that never looks, and that looks right, wrong and nowhere else."""
    height, width = clip.pixels.shape[3] // 8, clip.pixels.shape[4] // 8
    cover, query = clip.cover(height, width), clip.query(height, width)
    home = np.zeros(cover.size)
    home[query] = 1
    whole, stays, even, wrong, at_its_place = (
        real_measures(row.ravel().astype(float), cover, query)
        for row in (cover >= 0.5, home, np.ones_like(cover), cover < 0.5, blob(cover, query))
    )
    assert whole["covered"] == whole["average_precision"] == 1
    assert whole["whole"] > 0.85
    assert stays["own_cell"] == 1
    assert stays["places"] == pytest.approx(1)
    assert max(stays["whole"], even["whole"]) < 0.1
    assert wrong["whole"] < 0.2  # of cells at the rim some part is the object's
    assert stays["average_precision"] < cover.mean() + 0.1  # chance, of other frames
    assert even["auc"] == 0.5
    assert wrong["auc"] == 0
    assert at_its_place["whole"] < whole["whole"] - 0.2


def test_a_clip_with_other_content_is_not_used(tmp_path):
    (tmp_path / "intel_car.mp4").write_bytes(b"not the clip")
    assert "car" not in {clip.id for clip in load_real_clips(OUTLINES, folder=tmp_path)}


def test_at_least_four_objects_are_outlined_and_not_only_boxed():
    entries = json.loads(OUTLINES.read_text())
    outlines = [e for e in entries if e.get("round") or any(len(shape) > 4 for frame in e["shapes"] for shape in frame)]
    assert len(outlines) >= 4
    assert all(len(entry["shapes"]) == len(entry["frame_indices"]) for entry in entries)
