"""Labels carried by the affinity, and the scores of what arrives, against loops and clips whose truth is exact."""

import io
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from bundles import make_block
from PIL import Image
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core import Selection, Session
from nonlocal_core.capture import BlockCapture
from nonlocal_core.errors import CaptureError, MediaError, OutsideGridError, ShapeError
from nonlocal_core.geometry import QueryGrid, box_mask, coverage
from nonlocal_core.measures.tracking import (
    MOST_BOXES,
    CarriedMask,
    _mean_label,
    carry,
    known_masks,
    pointing_hits,
    read_boxes,
    read_masks,
    region_similarity,
)
from nonlocal_core.media import find_sample
from nonlocal_core.render import paint_mask
from nonlocal_core.vocabulary import PAIRWISE

T, H, W = 3, 4, 6


def capture(pairwise, *, subsample=(1, 2, 2), **facts):
    return replace(make_block(pairwise, grid=(T, H, W), clip_frames=6, channels=5, subsample=subsample), **facts)


def following_block():
    """A block in which every position looks at one key of each frame: the one that moves a column a frame with it."""
    queries = QueryGrid.over_clip(clip_frames=T, steps=T, rows=H, cols=W)
    places = np.eye(H * W, dtype=np.float32).reshape(H, W, -1)
    theta = np.stack([np.roll(places, t, axis=1) for t in range(T)]).reshape(queries.size, -1)
    return capture(
        "gaussian",
        subsample=(1, 1, 1),
        scale=90.0,
        theta=theta,
        phi=theta,
        query_grid=queries,
        key_grid=queries.pooled((1, 1, 1)),
    )


def oracle(block, label, source_key, k):
    """The mean label of the k strongest keys of the marked frame, by loops in float64."""
    _, rows, cols = block.key_grid.shape
    keys = list(itertools.product(range(rows), range(cols)))
    arriving = np.zeros(block.query_grid.size)
    for i, theta in enumerate(block.theta.astype(np.float64)):
        scores = []
        for y, x in keys:
            phi = block.phi[(source_key * rows + y) * cols + x].astype(np.float64)
            if block.pairwise == "concatenation":
                scores.append(max(theta[0] + phi[0], 0.0))
            else:
                scores.append(theta @ phi * (block.scale if block.is_softmax else 1.0))
        strongest = sorted(range(len(keys)), key=lambda j: -scores[j])[:k]
        weights = [math.exp(scores[j]) if block.is_softmax else max(scores[j], 0.0) for j in strongest]
        if sum(weights) > 0:
            carried = sum(w * label[keys[j]] for w, j in zip(weights, strongest, strict=True))
            arriving[i] = carried / sum(weights)
    return arriving.reshape(block.query_grid.shape)


@pytest.mark.parametrize("pairwise", PAIRWISE)
@pytest.mark.parametrize("k", [1, 4, 100])
def test_labels_are_the_mean_of_the_strongest_keys_of_the_marked_frame(pairwise, k):
    block = capture(pairwise)
    mask = np.random.default_rng(1).random((40, 90)) < 0.3
    found = carry(block, mask, frame=3, k=k)
    expected = oracle(block, coverage(block.key_grid, mask), 1, k)
    expected[1] = coverage(block.query_grid, mask)
    np.testing.assert_allclose(found.labels, expected, atol=2e-6)


@pytest.mark.parametrize("k", [1, 2, 10, 37, 299, 300, 400])
def test_exactly_the_k_strongest_keys_are_kept_of_many(k):
    rng = np.random.default_rng(4)
    weights, label = rng.normal(size=(40, 300)), rng.random(300)
    expected = []
    for row in weights:
        best = np.argsort(-row)[:k]
        strongest = np.maximum(row[best], 0)
        expected.append(strongest @ label[best] / strongest.sum())
    np.testing.assert_allclose(_mean_label(weights, label, k), expected, rtol=1e-12)


def test_frames_in_two_spans_and_between_spans_have_the_label_of_their_step():
    grid = QueryGrid(steps=3, rows=1, cols=2, frame_spans=((0, 3), (2, 4), (5, 6)))
    labels = np.array([[[1, 0]], [[0, 1]], [[1, 1]]], np.float32)
    found = CarriedMask(labels=labels, grid=grid, frame=0).masks((1, 2))
    assert found[:, 0].tolist() == [[True, False]] * 2 + [[False, True]] * 3 + [[True, True]]


def test_an_object_is_followed_to_every_frame_before_and_after():
    steps = []
    mask = np.zeros((8, 12), bool)
    mask[2:6, 4:8] = True
    found = carry(following_block(), mask, frame=1, k=1, progress=lambda done, total: steps.append((done, total)))
    expected = np.stack([np.roll(mask, shift, axis=1) for shift in (-2, 0, 2)])
    smooth = found.masks((8, 12))
    assert region_similarity(smooth, expected).min() > 0.7  # the rim is smoothed by a part of a cell
    np.testing.assert_array_equal(found.labels[0, 1], [0, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(found.labels[2, 2], [0, 0, 0, 1, 1, 0])
    np.testing.assert_array_equal(pointing_hits(found, expected), [1, 1, 1])
    assert steps == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("facts", [{"scope": "space"}, {"scope": "time"}, {"temporal_groups": 3}])
def test_a_block_that_does_not_compare_all_frames_carries_nothing(facts):
    with pytest.raises(CaptureError, match="cannot carry a label to all frames"):
        carry(capture("gaussian", **facts), np.ones((8, 12), bool), frame=0)


def test_a_mark_that_covers_no_key_and_a_frame_that_is_not_there_are_refused():
    queries = QueryGrid.over_clip(clip_frames=6, steps=T, rows=5, cols=W)
    rng = np.random.default_rng(2)
    block = capture(
        "gaussian",
        query_grid=queries,
        key_grid=queries.pooled((1, 2, 2)),
        theta=rng.normal(size=(queries.size, 5)).astype(np.float32),
    )
    dropped = np.zeros((50, 60), bool)
    dropped[41:] = True  # the last row of cells, which pooling left out
    with pytest.raises(CaptureError, match="Mark a larger part"):
        carry(block, dropped, frame=0)
    with pytest.raises(OutsideGridError):
        carry(block, ~dropped, frame=6)


def test_coverage_is_the_part_of_each_cells_pixels():
    grid = QueryGrid.over_clip(clip_frames=2, steps=2, rows=3, cols=4)
    mask = np.random.default_rng(3).random((18, 20)) < 0.4
    expected = [[mask[6 * y : 6 * y + 6, 5 * x : 5 * x + 5].mean() for x in range(4)] for y in range(3)]
    np.testing.assert_allclose(coverage(grid, mask), expected)
    cropped = QueryGrid.over_clip(clip_frames=2, steps=2, rows=3, cols=2, box=(0.25, 0.0, 0.75, 1.0))
    np.testing.assert_allclose(coverage(cropped, mask), np.array(expected)[:, 1:3])
    assert coverage(grid, np.ones((2, 3), bool)).min() == 1  # frames coarser than the grid


def test_a_box_holds_the_pixels_whose_centres_lie_in_it():
    mask = box_mask((0.25, 0.4, 0.76, 1.0), (4, 10))
    expected = np.zeros((4, 10), bool)
    expected[2:, 2:8] = True  # columns have their centres at 0.05, 0.15, 0.25 ...: the box starts on the third
    np.testing.assert_array_equal(mask, expected)


def test_region_similarity_is_intersection_over_union():
    found, truth = (np.zeros((4, 5, 7), bool) for _ in range(2))
    found[0, :2, :3], truth[0, 1:3, :3] = True, True
    found[1], truth[2] = True, True
    np.testing.assert_allclose(region_similarity(found, truth), [3 / 9, 0, 0, 1])


@pytest.mark.usefixtures("unchecked")
def test_masks_of_different_sizes_are_not_compared():
    with pytest.raises(ShapeError, match=r"pixel by pixel; got \(4, 5, 7\) and \(4, 4, 7\)"):
        region_similarity(np.zeros((4, 5, 7), bool), np.zeros((4, 4, 7), bool))


def test_pointing_asks_only_where_the_object_is_to_be_seen():
    grid = QueryGrid.over_clip(clip_frames=T, steps=T, rows=2, cols=4)
    labels = np.zeros((T, 2, 4), np.float32)
    labels[0, 1, 3] = labels[1, 0, 0] = labels[2, 1, 2] = 0.7
    truth = np.zeros((T, 10, 20), bool)
    truth[0, 5:, 15:] = True
    truth[1, 5:, 5:] = True
    np.testing.assert_array_equal(pointing_hits(CarriedMask(labels=labels, grid=grid, frame=0), truth), [1, 0, np.nan])


def test_masks_are_read_from_pictures_in_their_order_and_to_the_frames_size():
    large = np.zeros((12, 20), np.uint8)
    large[:6, :10] = 3  # dark, but not black: an index of a palette
    colour = np.zeros((6, 10, 3), np.uint8)
    colour[3:, 5:] = (0, 0, 128)
    found = read_masks([png(large), png(colour)], (6, 10))
    expected = np.zeros((2, 6, 10), bool)
    expected[0, :3, :5] = expected[1, 3:, 5:] = True
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(MediaError, match="mask 2"):
        read_masks([png(large), b"no picture"], (6, 10))


def test_a_table_of_boxes_is_bounded():
    many = b"1,0,0,1,1\n" * (MOST_BOXES + 1)
    assert read_boxes(many[:10] * MOST_BOXES, 1, (3, 4)).all()
    with pytest.raises(MediaError, match="at most 10,000 lines"):
        read_boxes(many, 1, (3, 4))
    with pytest.raises(MediaError, match="Line 1"):
        read_boxes(b'1,"' + b"9" * 200_000, 1, (3, 4))


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def test_painting_marks_the_object_and_leaves_the_frame_alone():
    frame = np.full((20, 30, 3), 200, np.uint8)
    frame.setflags(write=False)
    mask = np.zeros((20, 30), bool)
    mask[5:12, 6:20] = True
    shown = paint_mask(frame, mask)
    assert shown[8, 10].tolist() != frame[8, 10].tolist()
    assert (shown[5, 6:20] == 255).all()
    assert shown[19, 29].max() < 200
    assert (shown[~mask] == 110).all(), "darkened to 0.55"
    assert paint_mask(frame, np.zeros_like(mask)).max() < 200


@pytest.fixture(scope="module")
def composed():
    return Session.open("sample:composed", frames=Selection(frame_indices=(0, 7, 14)), short_side=128)


def test_the_composed_sample_knows_its_objects_in_the_frames_that_were_taken(composed):
    masks = known_masks(composed.sample, composed.frames.frame_indices)
    assert set(masks) == {"cat", "cup", "patch"}
    assert {found.shape for found in masks.values()} == {composed.frames.rgb.shape[:3]}
    # The patch has left the frame by the third of these; the cat never does.
    assert [bool(found.any()) for found in masks["patch"]] == [True, True, False]
    assert masks["cat"].any(axis=(1, 2)).all()
    assert known_masks(find_sample("bunny"), composed.frames.frame_indices) == {}
    assert known_masks(None, composed.frames.frame_indices) == {}


def test_the_default_network_finds_the_cat_again_and_shuffled_features_do_not(composed):
    cat = known_masks(composed.sample, composed.frames.frame_indices)["cat"]
    block = composed.block()
    found = carry(block, cat[0], frame=0)
    score = region_similarity(found.masks(cat.shape[1:]), cat)[1:].mean()
    order = np.random.default_rng(4).permutation(len(block.theta))
    facts = {name: getattr(block, name) for name in block.__dataclass_fields__}
    shuffled = BlockCapture(**facts | {"theta": block.theta[order], "phi": block.phi[order]})
    lost = carry(shuffled, cat[0], frame=0)
    assert score > 0.6
    assert pointing_hits(found, cat)[1:].tolist() == [1, 1]
    assert region_similarity(lost.masks(cat.shape[1:]), cat)[1:].mean() < 0.3


def test_a_table_of_boxes_says_where_the_object_is():
    table = b"frame,x0,y0,x1,y1\n1, 0, 0, 0.5, 1\n3,0.5,0.5,1,1\n3,0,0,0.25,0.5\n\n"
    found = read_boxes(table, 4, (4, 8))
    expected = np.zeros((4, 4, 8), bool)
    expected[0, :, :4] = True
    expected[2, 2:, 4:] = expected[2, :2, :2] = True
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "line",
    ["5,0,0,1,1", "0,0,0,1,1", "1,0,0,1", "1,0,0,1,1,1", "1,0.5,0,0.5,1", "1,0,0,1,1.5", "1,0,nan,1,1", "one,0,0,1,1"],
)
def test_a_line_that_is_no_box_is_refused_by_its_number(line):
    with pytest.raises(MediaError, match="Line 2 should be a frame from 1 to 4"):
        read_boxes(f"1,0,0,1,1\n{line}\n".encode(), 4, (3, 5))


def test_a_long_line_is_quoted_in_part():
    with pytest.raises(MediaError, match=r"it is '1,0,0,1,x{72}'\."):
        read_boxes(f"1,0,0,1,{'x' * 200}\n".encode(), 4, (3, 5))


def test_a_position_takes_its_label_from_ten_keys_unless_told_otherwise():
    block = capture(
        "gaussian",
        subsample=(1, 1, 1),
        **{"key_grid": QueryGrid.over_clip(clip_frames=6, steps=T, rows=H, cols=W).pooled((1, 1, 1))},
    )
    block = replace(block, phi=np.random.default_rng(5).normal(size=block.theta.shape).astype(np.float32))
    mask = np.random.default_rng(1).random((40, 90)) < 0.3
    found, *others = (carry(block, mask, frame=3, **said).labels for said in ({}, {"k": 10}, {"k": 9}, {"k": 11}))
    assert [np.array_equal(found, other) for other in others] == [True, False, False]
