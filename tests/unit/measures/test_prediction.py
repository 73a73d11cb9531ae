"""A guess scored against slow sums, on another frame and on the asked one."""

import numpy as np
import pytest
from loud_networks import loud_session

from nonlocal_core import SelectionError
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.prediction import scored

CLOSE = 1e-6


@pytest.fixture(scope="module")
def session():
    return loud_session("dot_product")


def by_loops(session, query, step, marked):
    """Shares by definition, from the row as the session tells it."""
    block = session.block("stride16")
    grid, frames = block.key_grid, session.frames.rgb
    x, y = block.query_grid.center(query)
    heat = np.maximum(session.query(frame=query.t, x=x, y=y, block="stride16").heat[step], 0)
    own = (query.y, query.x) if query.t == step else None
    cells = [(r, c) for r in range(grid.rows) for c in range(grid.cols) if (r, c) != own]
    whole = sum(heat[cell] for cell in cells)

    def share(chosen):
        return sum(heat[cell] for cell in chosen) / whole

    guess = [cell for cell in cells if marked[cell]]
    near = sorted(cells, key=lambda cell: np.hypot(cell[0] - query.y, cell[1] - query.x))[: len(guess)]
    best = sorted(cells, key=lambda cell: -heat[cell])[: len(guess)]
    height, width = frames.shape[1] // grid.rows, frames.shape[2] // grid.cols
    colours = frames.reshape(len(frames), grid.rows, height, grid.cols, width, 3).mean(axis=(2, 4))
    asked = colours[query.t, query.y, query.x]
    alike = sorted(cells, key=lambda cell: np.linalg.norm(colours[(step, *cell)] - asked))[: len(guess)]
    whole_shares = {"guess": share(guess), "blob": share(near), "best": share(best), "even": len(guess) / len(cells)}
    return whole_shares | {"colour": share(alike)}


@pytest.mark.parametrize("step", [1, 0])
def test_a_guess_captures_what_lies_in_its_cells_without_the_asked_one(session, step):
    block = session.block("stride16")
    query = Cell(1, 2, 1)
    marked = np.zeros((block.key_grid.rows, block.key_grid.cols), bool)
    marked[1:3, 0:3] = True
    found = scored(session, block, query, step=step, marked=marked)
    for name, share in by_loops(session, query, step, marked).items():
        assert getattr(found, name) == pytest.approx(share, abs=CLOSE), name
    assert found.cells == (5 if step == query.t else 6)
    assert max(found.guess, found.colour, found.blob) <= found.best + CLOSE


def test_the_strongest_cells_win_and_the_colour_of_a_flat_half_is_found(session):
    block = session.block("stride16")
    x, y = block.query_grid.center(Cell(0, 1, 1))
    heat = session.query(frame=0, x=x, y=y, block="stride16").heat[1]
    found = scored(session, block, Cell(0, 1, 1), step=1, marked=heat >= np.sort(heat.ravel())[-3])
    assert found.guess == pytest.approx(found.best, abs=CLOSE)
    everything = np.full(heat.shape, True)
    assert scored(session, block, Cell(0, 1, 1), step=1, marked=everything).colour == pytest.approx(1)


def test_what_cannot_be_scored_is_refused(session):
    block = session.block("stride16")
    nothing = np.zeros((block.key_grid.rows, block.key_grid.cols), bool)
    with pytest.raises(SelectionError, match="at least one"):
        scored(session, block, Cell(0, 1, 1), step=1, marked=nothing)
    with pytest.raises(SelectionError, match="of one of"):
        scored(session, block, Cell(0, 1, 1), step=99, marked=nothing)
