"""The first question of a clip: a thing that is looked for elsewhere, away from the border."""

from dataclasses import replace

import numpy as np
import pytest
from bundles import make_block

from nonlocal_core.geometry import Cell
from nonlocal_core.measures.default_query import MARGIN, _from_rim, default_query

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
