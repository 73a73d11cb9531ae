"""The region around a click, against loops, regions known by construction, and the exact masks of the composed clip."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from bundles import make_block

from nonlocal_core import Selection, Session
from nonlocal_core.capture import BlockCapture
from nonlocal_core.errors import CaptureError, OutsideGridError
from nonlocal_core.geometry import Cell, QueryGrid, cells_mask, coverage
from nonlocal_core.measures.region import GOING_ON, LEAST_SPREAD, _softened, region_around, visits
from nonlocal_core.measures.tracking import known_masks
from nonlocal_core.vocabulary import PAIRWISE

LEFT_OVER = 0.0052
"""Of the walk after its steps, 0.9 ** 50: how far any part of it may still be from where it settles."""
T, H, W = 3, 5, 8
POOL = (1, 2, 2)  # keys 2 x 4: the last row of queries belongs to the last row of keys

OBJECT = [
    ".........",
    "..###....",
    "..#.##..#",  # a hole, and another piece of the same thing at the right rim
    "..###...#",
    "...#.....",
    "....x....",  # touches the thing at a corner only
    ".........",
]


def random_block(pairwise, **facts):
    return replace(make_block(pairwise, grid=(T, H, W), clip_frames=6, channels=5, subsample=POOL), **facts)


def settled_walk(block, seed, t):
    """Where the walk settles, in times chance: every step's likelihood by loops, the rest by solving."""
    _, rows, cols = block.key_grid.shape
    keys = list(itertools.product(range(rows), range(cols)))
    steps = np.zeros((len(keys), len(keys)))
    for i, (y, x) in enumerate(keys):
        down = range(2 * y, H if y == rows - 1 else 2 * y + 2)
        for asking in itertools.product(down, range(2 * x, 2 * x + 2)):
            theta = block.theta[(t * H + asking[0]) * W + asking[1]].astype(np.float64)
            scores = []
            for key in keys:
                phi = block.phi[(seed.t * rows + key[0]) * cols + key[1]].astype(np.float64)
                if block.pairwise == "concatenation":
                    scores.append(max(theta[0] + phi[0], 0.0))
                else:
                    scores.append(theta @ phi * (block.scale if block.is_softmax else 1.0))
            total = sum(math.exp(s) for s in scores) if block.is_softmax else len(keys)
            steps[i] += [(math.exp(s) if block.is_softmax else s) / total / (2 * len(down)) for s in scores]
    for i, row in enumerate(steps):
        row[:] = [max(weight, 0.0) if j != i else 0.0 for j, weight in enumerate(row)]
        row /= row.sum()
    start = np.zeros(len(keys))
    start[keys.index((seed.y, seed.x))] = 1
    often = (1 - GOING_ON) * np.linalg.solve(np.eye(len(keys)) - GOING_ON * steps.T, start)
    return often.reshape(rows, cols) * len(keys)


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_walk_comes_where_solving_says(pairwise):
    block, seed = random_block(pairwise), Cell(1, 1, 2)
    often = visits(block, seed, t=1)
    assert often.shape == (2, 4)
    np.testing.assert_allclose(often, settled_walk(block, seed, 1), atol=2 * LEFT_OVER * often.size)
    assert often.sum() == pytest.approx(often.size)
    # The oracle can tell: another cell and another frame are not that walk.
    assert abs(often - settled_walk(block, Cell(1, 0, 0), 1)).max() > 0.3
    assert abs(often - settled_walk(block, Cell(2, 1, 2), 2)).max() > 4 * LEFT_OVER * often.size


def known_block():
    """A Gaussian block of three frames, of which the middle one holds ``OBJECT`` and the others nothing."""
    rng = np.random.default_rng(6)
    thing, ground = np.linalg.qr(rng.normal(size=(12, 2)))[0].T
    queries = QueryGrid.over_clip(clip_frames=T, steps=T, rows=len(OBJECT), cols=len(OBJECT[0]))
    held = np.zeros(queries.shape, bool)
    held[1] = [[mark in "#x" for mark in line] for line in OBJECT]
    table = np.where(held[..., None], thing, ground).reshape(queries.size, -1)
    table = (table + 0.05 * rng.normal(size=table.shape)).astype(np.float32)
    return random_block(
        "gaussian",
        scale=8.0,
        theta=table,
        phi=table,
        query_grid=queries,
        key_grid=queries.pooled((1, 1, 1)),
        subsample=(1, 1, 1),
    )


def expected_region():
    expected = np.array([[mark == "#" for mark in line] for line in OBJECT])
    expected[:, 8] = False  # the other piece
    expected[2, 3] = True  # the hole
    return expected


def test_a_click_takes_the_one_piece_that_the_block_holds_together():
    block = known_block()
    for y, x in [(1, 2), (2, 5), (4, 3)]:
        found = region_around(block, frame=1, x=(x + 0.5) / 9, y=(y + 0.5) / 7)
        np.testing.assert_array_equal(found, expected_region())
    alone = region_around(block, frame=1, x=4.5 / 9, y=5.5 / 7)
    assert np.argwhere(alone).tolist() == [[5, 4]]


def test_where_features_are_shuffled_the_thing_is_lost():
    block = known_block()
    order = np.random.default_rng(7).permutation(len(block.theta))
    facts = {name: getattr(block, name) for name in block.__dataclass_fields__}
    shuffled = BlockCapture(**facts | {"theta": block.theta[order], "phi": block.phi[order]})
    found = region_around(shuffled, frame=1, x=2.5 / 9, y=1.5 / 7)
    assert (found & expected_region()).sum() < 0.5 * (found | expected_region()).sum()


def test_a_lower_chance_gives_a_wider_region_that_holds_the_narrower():
    block = random_block("gaussian", subsample=(1, 1, 1), **fine_tables())
    sizes = []
    for narrow, wide in itertools.pairwise((2.0, 1.0, 0.5, 0.25, 0.0)):
        one, other = (region_around(block, frame=2, x=0.3, y=0.5, chance=chance) for chance in (narrow, wide))
        assert (one <= other).all()
        sizes += [one.sum(), other.sum()]
    assert sizes[0] < sizes[-1] == H * W


def test_a_cell_belongs_to_the_region_from_the_very_chance_on():
    block = random_block("gaussian", subsample=(1, 1, 1), **fine_tables())
    seed = block.key_grid.cell_at(frame=2, x=0.3, y=0.5)
    often = visits(block, seed, t=1)
    beside = often[seed.y, seed.x + 1]
    at, above = (region_around(block, frame=2, x=0.3, y=0.5, chance=c) for c in (beside, np.nextafter(beside, 9)))
    assert at[seed.y, seed.x + 1]
    assert not above[seed.y, seed.x + 1]


def test_steps_of_just_the_least_spread_stay_as_they_are():
    steps = np.eye(20)[:, ::-1].copy()  # each leads to one of 20 cells: a spread of 0.05
    assert LEAST_SPREAD == 1 / 20
    assert _softened(steps) is steps


def fine_tables():
    """Random tables of a block whose keys are not pooled."""
    rng, queries = np.random.default_rng(8), QueryGrid.over_clip(clip_frames=6, steps=T, rows=H, cols=W)
    theta, phi = (rng.normal(size=(queries.size, 5)).astype(np.float32) for _ in range(2))
    return {"theta": theta, "phi": phi, "query_grid": queries, "key_grid": queries.pooled((1, 1, 1))}


def test_sharp_steps_are_spread_and_keep_their_order():
    rng = np.random.default_rng(3)
    sharp = np.exp(rng.normal(size=(90, 90)) * 12)
    sharp[7] = 0  # a cell from which nothing leads on
    sharp /= np.maximum(sharp.sum(axis=1, keepdims=True), 1e-300)
    soft = _softened(sharp)
    leads = np.arange(90) != 7
    entropy = np.array([-sum(p * math.log(p) for p in row if p > 0) for row in soft[leads]])
    assert np.exp(entropy).mean() / 90 == pytest.approx(LEAST_SPREAD, abs=0.003)
    np.testing.assert_allclose(soft[leads].sum(axis=1), 1, rtol=1e-9)
    assert not soft[7].any()
    assert (soft.argsort(axis=1) == sharp.argsort(axis=1)).all()
    wide = np.full((90, 90), 1 / 90)
    assert _softened(wide) is wide


def test_where_no_weight_leads_on_the_click_stands_alone():
    tables = fine_tables()
    block = random_block("dot_product", subsample=(1, 1, 1), **tables | {"theta": tables["theta"] * 0})
    assert np.argwhere(region_around(block, frame=0, x=0.99, y=0.01)).tolist() == [[0, W - 1]]


def test_what_could_not_be_tracked_or_lies_outside_is_refused():
    with pytest.raises(CaptureError, match="cannot carry a label to all frames"):
        region_around(random_block("gaussian", scope="space"), frame=0, x=0.5, y=0.5)
    with pytest.raises(OutsideGridError):
        region_around(random_block("gaussian"), frame=0, x=0.5, y=0.95)  # the row that shares no key
    with pytest.raises(OutsideGridError):
        region_around(random_block("gaussian"), frame=6, x=0.5, y=0.5)


def test_the_pixels_of_cells_are_those_whose_centres_lie_in_them():
    keys = QueryGrid.over_clip(clip_frames=2, steps=2, rows=H, cols=W).pooled(POOL)
    cells = np.array([[True, False, False, True], [False, True, False, False]])
    expected = np.zeros((10, 24), bool)
    expected[:4, :6] = expected[:4, 18:] = expected[4:8, 6:12] = True
    np.testing.assert_array_equal(cells_mask(cells, keys, (10, 24)), expected)


@pytest.mark.parametrize(("model", "measured"), [("default", 0.73), ("lite0-parameter-free", 0.60)])
def test_a_click_finds_the_objects_of_the_composed_clip(model, measured):
    session = Session.open("sample:composed", model, frames=Selection(frame_indices=(0, 9, 21)))
    block, similar = session.block(), []
    for masks in known_masks(session.sample, session.frames.frame_indices).values():
        found = []
        for frame, mask in enumerate(masks):
            true = coverage(block.key_grid, mask) >= 0.5
            for y, x in np.argwhere(true)[1 :: true.sum() // 3 or 1]:
                centre_x, centre_y = block.key_grid.center(Cell(frame, int(y), int(x)))
                cells = region_around(block, frame=frame, x=centre_x, y=centre_y)
                found.append((cells & true).sum() / (cells | true).sum())
        similar.append(np.mean(found))
    assert np.mean(similar) == pytest.approx(measured, abs=0.02)


def test_a_frame_of_too_many_cells_is_refused_before_its_table_is_made(monkeypatch):
    monkeypatch.setattr("nonlocal_core.measures.region.MOST_CELLS", 11)
    block = Session.open(np.zeros((2, 30, 40, 3), np.uint8), "pixels-bilateral", short_side=3).block()
    with pytest.raises(CaptureError, match=r"at most 11 cells; 'near, and of one colour' has 12. Draw a box"):
        region_around(block, frame=0, x=0.5, y=0.5)


def test_a_walk_between_two_cells_has_fifty_steps():
    queries = QueryGrid.over_clip(clip_frames=T, steps=T, rows=1, cols=2)
    tables = {"theta": np.ones((6, 5), np.float32), "phi": np.ones((6, 5), np.float32)}
    block = random_block(
        "gaussian", subsample=(1, 1, 1), query_grid=queries, key_grid=queries.pooled((1, 1, 1)), **tables
    )
    often = visits(block, Cell(1, 0, 0), t=1)
    stays = sum((1 - 0.9) * 0.9**step for step in range(0, 50, 2)) + 0.9**50  # back after every second step
    np.testing.assert_allclose(often, [[2 * stays, 2 * (1 - stays)]], atol=1e-9)


def test_a_frame_of_one_cell_too_many_is_refused():
    with pytest.raises(CaptureError, match=r"at most 8192 cells; .* has 8193"):
        region_around(make_block("gaussian", grid=(1, 1, 8193)), frame=0, x=0.5, y=0.5)


@pytest.mark.parametrize(("rows", "is_softened"), [(127, False), (128, True)])
def test_the_spread_is_measured_on_every_second_row_from_128_on(rows, is_softened):
    steps = np.full((rows, rows), 1 / rows)
    steps[::2] = np.eye(rows)[::2]  # the spread of all rows is wide enough, that of every second one is not
    assert (_softened(steps) is not steps) == is_softened
