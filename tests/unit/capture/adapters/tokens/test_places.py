"""Positions of tokens and the order of their rows, by loops over frames, rows and columns."""

import pytest
import torch

from nonlocal_core.capture.adapters.tokens.nesting import Nesting
from nonlocal_core.capture.adapters.tokens.places import TokenLayout, TokenPlacement, list_names
from nonlocal_core.capture.reading import NotReadable

T, H, W = 2, 3, 5
EXTRA = ("class token", "register 1")


def number(t, y, x):
    return float(100 * t + 10 * y + x)


def sequences(scope, order, extra):
    """Tokens that hold the number of their cell, (B, N, 1), and those of the others, which hold -1 - their place."""
    cells = [(t, y, x) for t in range(T) for y in range(H) for x in range(W)]
    if scope == "spacetime":
        ordered = cells if order == "thw" else sorted(cells, key=lambda cell: cell[1:])
        tokens = [[number(*cell) for cell in ordered]]
    elif scope == "space":
        tokens = [[number(*cell) for cell in cells if cell[0] == t] for t in range(T)]
    else:
        tokens = [[number(t, y, x) for t in range(T)] for y in range(H) for x in range(W)]
    return torch.tensor([[*(-1.0 - place for place in range(extra)), *row] for row in tokens])[..., None]


@pytest.mark.parametrize(
    ("scope", "order", "extra"),
    [("spacetime", "thw", 2), ("spacetime", "hwt", 1), ("space", "thw", 2), ("time", "thw", 0)],
)
def test_rows_run_frame_after_frame_and_row_after_row_with_the_others_behind_the_keys(scope, order, extra):
    placed = TokenPlacement(thw=(T, H, W), scope=scope, extra=EXTRA[:extra], order=order)
    tokens = sequences(scope, order, extra)
    assert placed.holds(*tokens.shape[:2])
    assert not placed.holds(tokens.shape[0], tokens.shape[1] + 1)
    assert not placed.holds(tokens.shape[0] + 1, tokens.shape[1])
    expected = [number(t, y, x) for t in range(T) for y in range(H) for x in range(W)]
    assert placed.rows(tokens)[:, 0].tolist() == expected
    others = [-1.0 - place for _ in range(len(tokens)) for place in range(extra)]
    assert placed.keys(tokens)[:, 0].tolist() == expected + others


@pytest.mark.parametrize(
    ("sizes", "scope", "extra"),
    [((1, T * H * W + 2), "spacetime", EXTRA), ((T, H * W + 2), "space", EXTRA), ((H * W, T), "time", ())],
)
def test_a_scope_that_nothing_states_follows_from_the_call(sizes, scope, extra):
    layout = TokenLayout(frames=T, rows=H, cols=W, scope=None, extra=EXTRA)
    placed = layout.placed(*sizes)
    assert (placed.thw, placed.scope, placed.extra) == ((T, H, W), scope, extra)


def test_an_image_network_has_as_many_frames_as_its_batch():
    layout = TokenLayout(frames=None, rows=H, cols=W, scope="space", extra=EXTRA[:1])
    assert layout.placed(7, H * W + 1).thw == (7, H, W)
    said = layout.placed(7, H * W)
    assert isinstance(said, NotReadable)
    assert said.reason.startswith("saw 7 sequences of 15 tokens, which are no grid of Tx3x5 cells with 1 tokens before")


def test_a_call_that_fits_two_scopes_is_not_guessed_but_one_frame_is_one_either_way():
    said = TokenLayout(frames=6, rows=2, cols=3, scope=None).placed(6, 6)
    assert isinstance(said, NotReadable)
    assert said.reason.startswith("has 6 sequences of 6 tokens, which fit space and time alike.")
    assert TokenLayout(frames=1, rows=2, cols=3, scope=None).placed(1, 6).scope == "spacetime"


def test_names_of_a_list_are_the_given_ones_where_there_are_as_many():
    assert list_names("memory", 3, ("a", "b")) == ("memory 1", "memory 2", "memory 3")
    assert list_names("token", 3, ("a", "", "a")) == ("a (token 1)", "(token 2)", "a (token 3)")


def taken_apart(cells, times):
    """Cells {place: number} in the order of a grid unrolled ``times`` times, by recursion over rows and columns."""
    if not times:
        return [cells[place] for place in sorted(cells)]
    found = []
    for down in (0, 1):
        for right in (0, 1):
            part = {
                (t, y // 2, x // 2): number for (t, y, x), number in cells.items() if (y % 2, x % 2) == (down, right)
            }
            found += taken_apart(part, times - 1)
    return found


@pytest.mark.parametrize("scope", ["space", "spacetime"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_grid_that_was_unrolled_is_rolled_again(scope, times):
    steps, height, width = 2, 4, 8
    cells = {(t, y, x): number(t, y, x) for t in range(steps) for y in range(height) for x in range(width)}
    frames = [cells] if scope == "spacetime" else [{p: n for p, n in cells.items() if p[0] == t} for t in range(steps)]
    tokens = torch.tensor([[-1.0, *taken_apart(each, times)] for each in frames])[..., None]
    placed = TokenPlacement(
        thw=(steps, height, width), scope=scope, extra=EXTRA[:1], order="thw", nesting=Nesting(unrolled=times)
    )
    assert placed.holds(*tokens.shape[:2])
    assert placed.rows(tokens)[:, 0].tolist() == [cells[place] for place in sorted(cells)]
    stated = TokenLayout(
        frames=steps, rows=height, cols=width, scope=scope, extra=EXTRA[:1], nesting=Nesting(unrolled=times)
    )
    assert stated.placed(*tokens.shape[:2]) == placed


@pytest.mark.parametrize(("rows", "cols", "fits"), [(4, 8, True), (6, 8, False), (8, 6, False), (12, 4, True)])
def test_a_grid_is_unrolled_twice_only_if_four_divides_its_sides(rows, cols, fits):
    placed = TokenPlacement(thw=(1, rows, cols), scope="space", extra=(), order="thw", nesting=Nesting(unrolled=2))
    assert placed.holds(1, rows * cols) == fits
