"""The yardstick: rows whose worth is known get the figures that they deserve, and none of them by staying at home."""

import dataclasses

import numpy as np
import pytest

from nonlocal_core.answers import AffinityRow
from nonlocal_core.errors import ShapeError
from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.measures import measure_object, ranking, rows_on_object

T, H, W = 4, 6, 7
SIZE = T * H * W
QUERY = (1, 2, 2)


@pytest.fixture
def cover():
    """An object of 2 x 3 cells that moves one to the right in each frame, and one cell of it that is half covered."""
    cells = np.zeros((T, H, W))
    for t in range(T):
        cells[t, 2:4, t + 1 : t + 4] = 1
    cells[3, 3, 4] = 0.5
    return cells


def figures(row, cover, query=QUERY):
    own = np.array([np.ravel_multi_index(query, cover.shape)])
    return rows_on_object(np.asarray(row, float).reshape(1, -1), own, cover).means()


def at(*cells):
    row = np.zeros((T, H, W))
    for cell in cells:
        row[cell] = 1
    return row


def blob():
    """The same in every frame: a Gaussian of 1.5 cells around the query's place, whatever is there."""
    y, x = np.mgrid[:H, :W]
    return np.tile(np.exp(-((y - QUERY[1]) ** 2 + (x - QUERY[2]) ** 2) / (2 * 1.5**2)), (T, 1, 1))


def test_the_whole_object_is_perfect(cover):
    found = figures(cover >= 0.5, cover)
    assert found["covered"] == found["average_precision"] == found["auc"] == 1
    assert found["own_cell"] == pytest.approx(1 / 24)
    assert found["places"] == pytest.approx(24)
    assert found["own_frame"] == pytest.approx(0.25)
    assert found["on_object"] == pytest.approx(23.5 / 24)  # of the cell that is half covered, half counts
    assert found["on_object_elsewhere"] == pytest.approx(17.5 / 18)
    assert found["whole"] == pytest.approx(2 * 23.5 / (23.5 + 24))


def test_a_row_that_stays_at_home_has_all_its_weight_on_the_object_and_fails(cover):
    found = figures(at(QUERY), cover)
    assert found["on_object"] == found["own_cell"] == found["own_frame"] == 1
    assert found["places"] == pytest.approx(1)
    assert found["covered"] == pytest.approx(1 / 24)
    assert found["whole"] == pytest.approx(2 / 25)
    assert found["average_precision"] == pytest.approx(18 / 126)  # chance: no key of another frame is told apart
    assert found["auc"] == 0.5
    assert found["reach"] == 0
    assert np.isnan(found["on_object_elsewhere"])


def test_sharpening_buys_nothing(cover):
    """A row that finds the object, its logits times four: more weight inside, less of the object, a worse whole."""
    rng = np.random.default_rng(2)
    logits = 2.5 * (cover >= 0.5) + rng.normal(size=cover.shape) + at(QUERY)
    soft, sharp = (figures(np.exp(times * logits), cover) for times in (1, 4))
    assert sharp["on_object"] > soft["on_object"]
    assert sharp["average_precision"] == soft["average_precision"]
    assert sharp["covered"] < soft["covered"]
    assert sharp["whole"] < soft["whole"]


def test_a_uniform_row_covers_nothing(cover):
    found = figures(np.full((T, H, W), 0.3), cover)
    assert found["places"] == pytest.approx(SIZE)
    assert found["covered"] == found["whole"] == 0
    assert found["on_object"] == pytest.approx(23.5 / SIZE)
    assert found["average_precision"] == pytest.approx(18 / 126)
    assert found["auc"] == 0.5


def test_a_blob_that_never_looks_is_found_out_by_the_other_frames(cover):
    found = figures(blob(), cover)
    assert found["own_cell"] == pytest.approx(0.01958, abs=1e-5)
    assert found["places"] == pytest.approx(112.319, abs=1e-3)
    assert found["covered"] == pytest.approx(18 / 24)
    assert found["on_object"] == pytest.approx(0.23426, abs=1e-5)
    assert found["whole"] == pytest.approx(0.35701, abs=1e-5)
    assert found["average_precision"] == pytest.approx(0.24747, abs=1e-5)
    assert found["reach"] == pytest.approx(0.18187, abs=1e-5)


def test_another_positions_row_is_as_wrong_as_can_be(cover):
    found = figures(cover == 0, cover)
    assert found["own_cell"] == found["covered"] == found["whole"] == found["on_object"] == 0
    assert found["auc"] == 0
    assert found["average_precision"] == pytest.approx(18 / 126)  # all of the object in one last step


def test_negative_weights_count_as_none(cover):
    assert figures(np.where(cover >= 0.5, 1.0, -5.0), cover) == figures(cover >= 0.5, cover)


def test_a_row_without_weight_says_nothing_but_that_it_ranks_nothing(cover):
    found = figures(np.zeros((T, H, W)), cover)
    told = {name for name, value in found.items() if np.isfinite(value)}
    assert told == {"average_precision", "auc"}
    assert found["auc"] == 0.5


def test_cells_that_are_half_one_thing_are_neither_right_nor_wrong_but_hold_weight(cover):
    counted = np.ones(cover.shape, bool)
    counted[0] = False
    row = np.ones((T, H, W)) * (cover >= 0.5)
    own = np.array([np.ravel_multi_index(QUERY, cover.shape)])
    found = rows_on_object(row.reshape(1, -1), own, cover, counted=counted).means()
    assert found["own_cell"] == pytest.approx(1 / 24)
    assert found["on_object"] == pytest.approx(17.5 / 18)
    assert found["covered"] == 1


def test_of_a_still_image_the_other_cells_of_the_frame_are_ranked(cover):
    still = cover[1:2]
    own = np.array([np.ravel_multi_index(QUERY[1:], still.shape[1:])])
    home, object_ = (
        rows_on_object(row.reshape(1, -1), own, still).means() for row in (at(QUERY)[1:2], (still > 0).astype(float))
    )
    assert home["average_precision"] == pytest.approx(5 / 41)
    assert object_["average_precision"] == 1
    assert np.isnan(object_["on_object_elsewhere"])


def test_rankings_equal_loops_over_pairs_and_ranks():
    rng = np.random.default_rng(5)
    for _ in range(20):
        scores, positive = rng.integers(0, 6, 30).astype(float), rng.random(30) < 0.3
        precision, auc = ranking(scores, positive)
        pairs = [(s > o) + (s == o) / 2 for s in scores[positive] for o in scores[~positive]]
        assert auc == pytest.approx(np.mean(pairs))
        at_least = [scores >= s for s in scores[positive]]
        assert precision == pytest.approx(np.mean([positive[chosen].mean() for chosen in at_least]))


def row_of(values, grid, query, subsample=(1, 1, 1)):
    keys = grid.pooled(subsample)
    return AffinityRow(
        block="block",
        pairwise="gaussian",
        values=values.astype(np.float32).reshape(-1),
        off_grid={},
        query=query,
        query_grid=grid,
        key_grid=keys,
        subsample=subsample,
        key_count=keys.size,
    )


def test_a_row_of_a_session_has_the_same_figures_and_knows_its_own_pooled_cell(cover):
    grid = QueryGrid.over_clip(clip_frames=T, steps=T, rows=H, cols=W)
    found = measure_object(row_of(blob(), grid, Cell(*QUERY)), cover, shown_hw=(H * 10, W * 10))
    for name, value in found.means().items():
        assert value == pytest.approx(figures(blob(), cover)[name], rel=1e-5), name

    grid = QueryGrid.over_clip(clip_frames=T, steps=T, rows=2 * H, cols=2 * W)
    row = row_of(at(QUERY), grid, Cell(1, 5, 4), (1, 2, 2))
    assert measure_object(row, cover, shown_hw=(90, 160)).own_cell[0] == 1
    wide, tall = (
        measure_object(row_of(at((1, 2, 6)), grid, Cell(1, 5, 4), (1, 2, 2)), cover, shown_hw=size).reach[0]
        for size in ((60, 140), (140, 60))
    )
    assert wide == pytest.approx(80 / np.hypot(60, 140))
    assert tall == pytest.approx(60 * 4 / 7 / np.hypot(60, 140))


def test_an_object_on_another_grid_is_refused(cover):
    grid = QueryGrid.over_clip(clip_frames=T, steps=T, rows=H, cols=W)
    with pytest.raises(ShapeError, match=r"\(4, 6, 7\) cells \(T, H, W\); got \(3, 6, 7\)"):
        measure_object(row_of(blob(), grid, Cell(*QUERY)), cover[:3], shown_hw=(60, 70))


def test_every_figure_has_its_sentence():
    found = rows_on_object(np.ones((1, SIZE)), np.array([0]), np.ones((T, H, W)))
    assert set(found.means()) == {field.name for field in dataclasses.fields(found)}
