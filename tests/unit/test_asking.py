"""Questions to a capture without a clip: points and boxes against loops, pins, and what is computed as stored."""

from dataclasses import replace

import numpy as np
import pytest
from affinity_oracle import capture, oracle_matrix
from bundles import MODEL, make_frames

from nonlocal_core import Cell, Pin, SelectionError, UnknownNameError
from nonlocal_core.asking import Questions
from nonlocal_core.bundle import decode_bundle, encode_bundle
from nonlocal_core.capture.record import Capture, in_a_chain
from nonlocal_core.vocabulary import PAIRWISE

TOLERANCE = 3e-6  # float32 scores of magnitude about 4; worst seen 4e-7
GRID = (4, 6, 8)
POINTS = [(0, 0.05, 0.1), (3, 0.9, 0.9)]
CELLS = [Cell(0, 0, 0), Cell(3, 5, 7)]
BOX, INSIDE = (2, 0.34, 0.21, 0.66, 0.55), [Cell(2, y, x) for y in (1, 2) for x in (3, 4)]
MINUS, LESS = [(1, 0.5, 0.5)], [Cell(1, 3, 4)]


def questions(pairwise="embedded_gaussian", **facts):
    """Return a capture of two blocks, one behind the other, that is asked; the later one is shown first."""
    blocks = (
        replace(capture(pairwise, grid=GRID, seed=seed, **facts), name=name, title=name.capitalize())
        for seed, name in enumerate(("first", "second"))
    )
    return Questions(capture=Capture(blocks=in_a_chain(tuple(blocks))))


def mean_of(matrix, grid, cells):
    return matrix[[grid.index(cell) for cell in cells]].mean(axis=0)


def difference_of(matrix, grid, asked, less):
    """What the mean of some looks at, less what that of others does: negative weight is no look."""
    return np.maximum(mean_of(matrix, grid, asked), 0) - np.maximum(mean_of(matrix, grid, less), 0)


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_points_and_boxes_are_answered_by_the_mean_of_their_rows(pairwise):
    asked = questions(pairwise)
    for name in ("first", "second"):
        block = asked.block(name)
        matrix, grid = oracle_matrix(block), block.query_grid
        found = asked.query(points=POINTS, boxes=[BOX, BOX], block=name)
        np.testing.assert_allclose(found.values, mean_of(matrix, grid, CELLS + INSIDE), atol=TOLERANCE)
        found = asked.query(frame=2, x=0.4, y=0.3, points=POINTS, minus=MINUS, block=name)
        expected = difference_of(matrix, grid, [INSIDE[0], *CELLS], LESS)
        np.testing.assert_allclose(found.values, expected, atol=TOLERANCE)


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_a_column_is_asked_in_the_same_way_and_again_the_same(pairwise):
    asked = questions(pairwise, subsample=(1, 1, 1))
    matrix, grid = oracle_matrix(asked.block()).T, asked.block().key_grid
    for _ in range(2):  # the second time its normaliser is known
        found = asked.column(points=POINTS, boxes=[BOX], minus=MINUS)
        expected = difference_of(matrix, grid, CELLS + INSIDE, LESS)
        np.testing.assert_allclose(found.values, expected, atol=TOLERANCE)
    other = asked.column(points=POINTS, block="first")
    np.testing.assert_allclose(
        other.values, mean_of(oracle_matrix(asked.block("first")).T, grid, CELLS), atol=TOLERANCE
    )


def test_where_none_is_named_the_block_that_is_shown_first_is_asked():
    asked = questions()
    assert asked.query(frame=0, x=0.5, y=0.5).block == asked.block().name == "second"
    shown = Questions(capture=replace(asked.capture, shown="first"))
    assert shown.query(frame=0, x=0.5, y=0.5).block == "first"
    with pytest.raises(UnknownNameError, match="first, second"):
        asked.query(frame=0, x=0.5, y=0.5, block="third")


@pytest.mark.parametrize("ask", [Questions.query, Questions.column])
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Nothing is asked"),
        ({"frame": 0, "x": 0.5}, "frame=0, x=0.5, y=None"),
        ({"minus": MINUS}, "Nothing is asked"),
    ],
)
def test_a_question_without_a_point_is_refused(ask, given, sentence):
    with pytest.raises(SelectionError, match=sentence):
        ask(questions(), **given)


def test_a_pin_is_answered_as_its_question_is():
    asked = questions()
    point = {"frame": 2, "x": 0.4, "y": 0.3}
    for how in ({}, {"block": "first"}):
        several = Pin(**point, also=tuple(POINTS), minus=tuple(MINUS), **how)
        for found, expected in (
            (asked.answer(several), asked.query(**point, points=POINTS, minus=MINUS, **how)),
            (
                asked.answer(replace(several, direction="column")),
                asked.column(**point, points=POINTS, minus=MINUS, **how),
            ),
            (asked.answer(Pin(**point, hops=3, **how)), asked.follow(**point, hops=3, **how)),
        ):
            np.testing.assert_array_equal(found.values, expected.values)
            assert found.block == expected.block


def test_a_temperature_divides_the_scores():
    asked = questions()
    found = asked.answer(Pin(frame=2, x=0.4, y=0.3, temperature=0.5))
    block = asked.block()
    twice = oracle_matrix(replace(block, scale=2 * block.scale))
    np.testing.assert_allclose(found.values, twice[block.query_grid.index(INSIDE[0])], atol=TOLERANCE)


@pytest.mark.parametrize("wrong", [{"hops": 0}, {"stays": -0.1}, {"stays": 1.1}])
def test_hops_that_cannot_be_are_refused(wrong):
    with pytest.raises(SelectionError, match=r"hops is 1 or more, stays from 0 to 1; got"):
        questions().follow(frame=0, x=0.5, y=0.5, **wrong)


SEVERAL = {"also": tuple(POINTS), "minus": tuple(MINUS)}
SHOWN = [(pairwise, how) for pairwise in PAIRWISE for how in (SEVERAL, {"direction": "column", **SEVERAL})]
SHOWN += [(pairwise, how) for pairwise in PAIRWISE[:2] for how in ({"temperature": 2.0, **SEVERAL}, {"hops": 2})]


@pytest.mark.parametrize(("pairwise", "how"), SHOWN, ids=lambda given: given if isinstance(given, str) else min(given))
def test_what_is_shown_is_computed_from_the_tables_as_a_bundle_has_them(pairwise, how):
    asked = questions(pairwise)
    pin = Pin(frame=2, x=0.4, y=0.3, **how)
    blocks = decode_bundle(encode_bundle(make_frames(GRID[0]), asked.capture, model=MODEL)).blocks
    stored = Questions(capture=Capture(blocks=in_a_chain(tuple(block.capture for block in blocks))))
    shown, exact = asked.shown(pin).values, asked.answer(pin).values
    np.testing.assert_allclose(shown, stored.answer(pin).values, rtol=0, atol=1e-6 * np.abs(exact).max())
    np.testing.assert_allclose(shown, exact, rtol=0, atol=0.01 * np.abs(exact).max())
    assert (shown == exact).all() == (pairwise == "concatenation"), "which travels in float32"
