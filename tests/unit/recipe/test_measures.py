"""The figures on the cards: known answers for rows whose worth is known."""

import numpy as np
import pytest
import torch

from pretrained.recipe.features import MIXED
from pretrained.recipe.measures import Truth, answer_measures, interval, pick_queries, row_measures
from pretrained.recipe.real import RealClip, blob, box_measures, load_real_clips
from pretrained.recipe.runs import BOXES

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
    assert found["auc"] == found["auc_object"] == found["mass"] == found["hit_rate"] == 1.0
    # 12 cells of object 1 in other frames; 12 (from two frames) of object 2: of 20 strongest keys, 12 can be right.
    assert found["precision_20"] == pytest.approx(0.6)
    assert 0 < found["query_dependence"] <= 1


def test_a_row_on_everything_but_the_object_is_as_wrong_as_can_be(truth):
    found = row_measures(rows_by(lambda flat, frame, q: flat != flat[q], truth), truth, seed=3)
    assert found["auc"] == found["auc_object"] == found["mass"] == found["hit_rate"] == 0.0


def test_a_uniform_row_knows_nothing(truth):
    found = row_measures(rows_by(lambda flat, frame, q: np.ones_like(flat), truth), truth, seed=3)
    assert found["auc"] == found["auc_object"] == 0.5
    assert found["query_dependence"] == pytest.approx(0, abs=1e-12)
    assert found["own_frame"] == pytest.approx(0.25)


def test_what_stays_in_the_own_frame_is_counted_apart(truth):
    found = row_measures(rows_by(lambda flat, frame, q: np.arange(SIZE) == q, truth), truth, seed=3)
    assert found["own_frame"] == 1.0
    assert found["mass"] == 0.0
    assert found["auc"] == 0.5


def test_negative_weights_count_as_zero(truth):
    right = rows_by(lambda flat, frame, q: np.where(flat == flat[q], 1.0, -5.0), truth)
    assert row_measures(right, truth, seed=3)["mass"] == 1.0


def test_a_clip_without_queries_says_nothing(truth):
    nobody = Truth(labels=truth.labels, sure=np.zeros_like(truth.sure), asked=truth.asked)
    assert row_measures(rows_by(lambda flat, frame, q: flat == 1, truth), nobody, seed=3) == {}


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


def test_weight_in_boxes_and_frames_hit():
    inside = np.zeros((3, 4, 5), np.float32)
    inside[0, 1, 1] = inside[1, 2, 3] = inside[2, 0, 0] = 1
    clip = RealClip(id="one", pixels=torch.zeros(1, 3, 3, 64, 80), inside=inside, query=6)
    row = np.zeros((3, 4, 5))
    row[0, 1, 1] = 9  # the query's own frame does not count
    row[1, 2, 3] = 3
    row[2, 3, 4] = 1
    assert box_measures(row.ravel(), clip.inside, clip.own) == {"in_box": 0.75, "hit_rate": 0.5}
    assert blob(clip).reshape(3, 4, 5).argmax() == 6


def test_boxes_of_the_installed_clips_lie_on_the_cells_of_the_network():
    clips = {clip.id: clip for clip in load_real_clips(BOXES, folder=None)}
    assert set(clips) == {"bikes", "bunny"}
    for clip in clips.values():
        _, _, frames, height, width = clip.pixels.shape
        assert clip.inside.shape == (frames, height // 16, width // 16) == (6, 14, clip.inside.shape[2])
        assert clip.inside.ravel()[clip.query] == 1
    hidden = [not frame.any() for frame in clips["bikes"].inside]
    assert hidden == [False, True, True, True, False, False]
    # The cyclist's box of the last frame: x from .54 to .79, y from .04 down to the edge.
    rows, cols = clips["bikes"].inside.shape[1:]
    assert clips["bikes"].inside[5].sum() / (rows * cols) == pytest.approx(0.25 * 0.96, abs=0.01)


def test_a_clip_with_other_content_is_not_used(tmp_path):
    (tmp_path / "intel_car.mp4").write_bytes(b"not the clip")
    assert "car" not in {clip.id for clip in load_real_clips(BOXES, folder=tmp_path)}
