"""The first question of a clip: a thing that is looked for elsewhere, away from the border."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from bundles import make_block

from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.measures.default_query import (
    MARGIN,
    _candidates,
    _from_rim,
    _pixels,
    _stays,
    _striking,
    default_query,
)

FRAMES, ROWS, COLS = 4, 12, 16
GROUND, THING = (60, 70, 60), (230, 120, 40)


def clip(thing, frames=FRAMES, pixels=8):
    """A grey clip and a mask (T, H, W) of a square of 3 x 3 cells that lies at ``thing`` (y, x) in every frame."""
    mask = np.zeros((frames, ROWS, COLS), bool)
    mask[:, thing[0] : thing[0] + 3, thing[1] : thing[1] + 3] = True
    cells = np.where(mask[..., None], THING, GROUND).astype(np.uint8)
    return cells.repeat(pixels, axis=1).repeat(pixels, axis=2), mask


def by_likeness(mask, *, at_home=()):
    """A block whose rows of things look at things and rows of the ground at the ground; ``at_home``: at themselves."""
    block = make_block(grid=mask.shape, channels=2 + mask.size, scale=1.0)
    flat = mask.reshape(-1)
    theta = np.zeros((mask.size, 2 + mask.size), np.float32)
    theta[:, 0], theta[:, 1] = 12 * flat, 12 * ~flat
    phi = theta / 12
    phi[:, 2:] = np.eye(mask.size)
    for index in at_home:
        theta[index] = 0
        theta[index, 2 + index] = 40
    return replace(block, theta=theta, phi=phi)


@pytest.mark.parametrize("thing", [(2, 2), (4, 9), (7, 5)])
def test_it_is_asked_from_the_thing_that_stands_out(thing):
    frames, mask = clip(thing)
    assert mask[default_query(by_likeness(mask), frames)]


def test_a_still_image_is_asked_from_its_thing_too():
    frames, mask = clip((4, 9), frames=1)
    assert mask[default_query(by_likeness(mask), frames)]


def test_a_row_that_stays_on_its_own_cell_is_not_asked():
    frames, mask = clip((4, 9))
    other = np.zeros_like(mask)
    other[:, 4:7, 3:6] = True
    frames[other.repeat(8, axis=1).repeat(8, axis=2)] = (40, 120, 230)
    home = np.flatnonzero(mask)
    cell = default_query(by_likeness(mask | other, at_home=home), frames)
    assert other[cell], "the one whose rows leave their place"


def test_nothing_is_asked_from_the_border():
    frames, mask = clip((0, 0))
    _, y, x = default_query(by_likeness(mask), frames)
    assert MARGIN <= (y + 0.5) / ROWS <= 1 - MARGIN
    assert MARGIN <= (x + 0.5) / COLS <= 1 - MARGIN


def test_a_grid_of_one_cell_has_a_question():
    assert default_query(make_block(grid=(1, 1, 1)), np.zeros((1, 8, 8, 3), np.uint8)) == Cell(0, 0, 0)


def test_a_colour_is_compared_with_the_nearest_fifth_of_those_two_cells_from_an_edge():
    rng = np.random.default_rng(3)
    frame = rng.integers(0, 256, (8, 9, 3)).astype(np.float64)
    rim = [frame[y, x] for y in range(8) for x in range(9) if y < 2 or y >= 6 or x < 2 or x >= 7]
    assert len(rim) == 52
    found = _from_rim(frame)
    for y, x in np.ndindex(8, 9):
        nearest = sorted(np.sqrt(((frame[y, x] - colour) ** 2).sum()) for colour in rim)[:10]  # of 52, rounded down
        assert found[y, x] == pytest.approx(np.mean(nearest))


@pytest.mark.parametrize("shape", [(1, 5, 6), (3, 9, 8), (4, 12, 16), (8, 28, 48), (9, 56, 96)])
def test_the_candidates_are_spread_evenly_over_the_middle_of_three_frames(shape):
    grid = QueryGrid.over_clip(clip_frames=shape[0], steps=shape[0], rows=shape[1], cols=shape[2])
    found = _candidates(grid)
    steps = {int(shape[0] * part) for part in (0.25, 0.5, 0.75)}
    inner = [[n for n in range(count) if 0.12 <= (n + 0.5) / count <= 0.88] for count in shape[1:]]
    apart = next(n for n in itertools.count(1) if len(steps) * len(inner[0]) * len(inner[1]) <= 400 * n * n)
    # What an even step leaves over lies half before the first cell and half behind the last one.
    rows, cols = ([line[n] for n in range((len(line) - 1) % apart // 2, len(line), apart)] for line in inner)
    assert {(cell.t, cell.y, cell.x) for cell in found} == set(itertools.product(steps, rows, cols))
    assert len(found) == len(set(found))


def test_what_stays_is_the_own_frame_or_the_cells_around_the_own_place():
    weights = np.random.default_rng(5).random((3, 5, 6))
    for own in (Cell(0, 0, 0), Cell(2, 2, 3), Cell(1, 4, 5)):
        assert _stays(weights, own) == pytest.approx(weights[own.t].sum())
        around = [weights[0, y, x] for y in range(5) for x in range(6) if max(abs(y - own.y), abs(x - own.x)) <= 1]
        assert _stays(weights[:1], own) == pytest.approx(sum(around))


def test_a_cell_is_as_striking_as_its_pixels_inside_a_crop_and_moves_against_the_median_frame():
    rng = np.random.default_rng(6)
    frames = rng.integers(0, 256, (3, 40, 60, 3)).astype(np.uint8)
    keys = QueryGrid.over_clip(clip_frames=3, steps=3, rows=6, cols=7, box=(0.1, 0.2, 0.8, 0.8)).pooled((1, 1, 1))
    cells = np.zeros((3, 6, 7, 3))
    for t, y, x in np.ndindex(3, 6, 7):  # cells of 4 x 6 pixels
        cells[t, y, x] = np.round(frames[t, 8 + 4 * y : 12 + 4 * y, 6 + 6 * x : 12 + 6 * x].mean(axis=(0, 1)))
    found = _striking(keys, frames)
    for t, y, x in np.ndindex(3, 6, 7):
        moved = math.sqrt(sum((cells[t, y, x, c] - sorted(cells[:, y, x, c])[1]) ** 2 for c in range(3)))
        assert found[t, y, x] == pytest.approx(moved + _from_rim(cells[t])[y, x], abs=2.5)  # box means are rounded


def test_cells_that_reach_past_the_frame_are_compared_by_what_lies_inside():
    grid = QueryGrid.over_clip(clip_frames=1, steps=1, rows=3, cols=4, box=(-0.1, -0.2, 1.3, 1.1)).pooled((1, 1, 1))
    assert _pixels(grid, np.zeros((1, 40, 60, 3), np.uint8)) == (0, 0, 60, 40)
