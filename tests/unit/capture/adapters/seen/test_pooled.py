"""Queries that a layer pools: every cell of a square has the row of the query that stands for it."""

import numpy as np
import pytest
import torch
from foreign_attention import randomise
from foreign_kinds import HEADS, WIDTH, heads_of
from pooled_queries import (
    COLS,
    HW,
    ROWS,
    EverySecond,
    Halving,
    InWindows,
    MaxPooled,
    Pyramid,
    Units,
    WindowLayer,
    squares,
    unrolled,
)
from torch import nn
from torch.nn import functional

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Session
from nonlocal_core.capture.adapters.seen.pooled import squares_of
from nonlocal_core.query import row

FRAMES = 2
ROW_PRECISION = 1e-4  # what a row may differ by from the layer's own
SPEC = ModelSpec(
    takes="frames", input_spec=InputSpec(short_side=HW[0], multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
)
CELLS = torch.arange(ROWS * COLS).reshape(ROWS, COLS)


def opened(network):
    """Open a network with a clip and run it on that once more, so that its layers keep the weights."""
    clip = np.random.default_rng(0).integers(0, 256, (FRAMES, *HW, 3), np.uint8)
    session = Session.from_model(randomise(network).eval(), clip, frames=FRAMES, spec=SPEC)
    with torch.no_grad():
        network((torch.from_numpy(clip).movedim(-1, 1) / 255 - 0.5) / 0.25)
    return session


def assert_rows(session, layer, rows, *, others=0):
    """Compare every row of a layer with ``rows(frame, head, cell)``, its weights on the cells of the asking frame."""
    heads = [block for block in session.capture.blocks if block.layer == layer]
    assert len(heads) == HEADS
    for head, block in enumerate(heads):
        _, height, width = block.query_grid.shape
        for index in range(block.query_grid.size):
            frame, cell = divmod(index, height * width)
            answer = row(block, block.query_grid.cell(index))
            expected = np.zeros((FRAMES, height * width))
            whole = rows(frame, head, cell)
            expected[frame] = whole[others:]
            np.testing.assert_allclose(answer.values, expected.reshape(-1), atol=ROW_PRECISION)
            np.testing.assert_allclose(list(answer.off_grid.values()), whole[:others], atol=ROW_PRECISION)


@pytest.mark.parametrize("extra", [0, 1])
def test_cells_of_a_square_have_the_row_of_its_pooled_query(extra):
    layer = MaxPooled(extra)
    session = opened(Pyramid(layer))
    assert session.unreadable == ()
    asked = layer.query.flatten()
    assert_rows(session, "layer", lambda frame, head, cell: layer.seen[frame, head, extra + asked[cell]], others=extra)
    said = {block.note for block in session.capture.blocks}
    assert said == {"The 2 x 2 cells of a square ask with one query, which the layer pools."}


def test_pooled_queries_in_another_order_are_refused():
    turned = torch.arange(ROWS * COLS // 4).flip(0)
    with pytest.raises(CaptureError, match="layer cannot be placed: a change of the clip"):
        opened(Pyramid(MaxPooled(order=turned)))


def test_what_comes_behind_a_layer_that_halves_its_map_is_placed_by_its_queries():
    network = Halving()
    session = opened(network)
    assert session.unreadable == ()
    assert {block.layer for block in session.capture.blocks} == {"before", "halve", "after"}
    asked = network.halve.query.flatten()
    assert_rows(session, "halve", lambda frame, head, cell: network.halve.seen[frame, head, asked[cell]])
    assert_rows(session, "after", lambda frame, head, cell: network.after.seen[frame, head, cell])
    (grid,) = {block.query_grid.shape for block in session.capture.blocks if block.layer == "after"}
    assert grid == (FRAMES, ROWS // 2, COLS // 2)


class Behind(Halving):
    """The same, with the cells in another order between the two."""

    def __init__(self, order):
        super().__init__()
        self.order = order

    def forward(self, frames):
        maps = self.patches(frames)
        x = maps.flatten(2).mT
        x = self.halve(x + self.before(x), *maps.shape[2:])[:, self.order]
        return x + self.after(x)


def test_another_order_behind_a_layer_that_halves_its_map_is_found():
    session = opened(Behind(torch.arange(ROWS * COLS // 4).flip(0)))
    ((name, reason),) = session.unreadable
    assert name == "after"
    assert reason.startswith("cannot be placed: a change of the clip at cell")


def test_mask_units_are_windows_in_an_order_of_their_own():
    network = Units()
    session = opened(network)
    assert session.unreadable == ()
    for number, layer in enumerate(network.layers):
        height, width = (ROWS, COLS) if number < 2 else (ROWS // 2, COLS // 2)
        cells = torch.arange(height * width).reshape(1, height, width, 1)
        times = 2 if number < 2 else 1
        place = unrolled(cells, times).flatten()  # the cell of each token
        token = place.argsort()
        units = layer.units if layer.use_mask_unit_attn else 1
        queries = layer.seen.shape[3]

        def rows(frame, head, cell, *, layer=layer, place=place, token=token, units=units, queries=queries):
            slot, unit = divmod(int(token[cell]), units)
            whole = torch.zeros(len(place))
            whole[place[torch.arange(layer.seen.shape[4]) * units + unit]] = layer.seen[
                frame, head, unit, slot % queries
            ]
            return whole

        assert_rows(session, f"layers.{number}", rows)
        (walled,) = {block.is_walled for block in session.capture.blocks if block.layer == f"layers.{number}"}
        assert walled == layer.use_mask_unit_attn


def test_units_that_untrained_weights_did_not_show_are_found_once_they_are_trained():
    network, clip = randomise(Units()).eval(), np.zeros((FRAMES, *HW, 3), np.uint8)
    with torch.no_grad():
        network.layers[0].answers.weight.zero_()
    first = Session.from_model(network, clip, frames=FRAMES, spec=SPEC)
    assert [name for name, _ in first.unreadable] == ["layers.0"]
    assert opened(network).unreadable == (), "drawn anew"


def test_queries_that_are_pooled_in_windows_stay_in_them():
    network = InWindows()
    session = opened(network)
    assert session.unreadable == ()
    layer = network.layer.attention
    windows = CELLS.unflatten(1, (-1, 4)).unflatten(0, (-1, 4)).transpose(1, 2).flatten(0, 1).flatten(1)

    def rows(frame, head, cell):
        (window, slot), small = (int(n) for n in (windows == cell).nonzero()[0]), squares(4, 4).flatten()
        whole = torch.zeros(ROWS * COLS)
        whole[windows[window]] = layer.seen[frame * len(windows) + window, head, small[slot]]
        return whole

    assert_rows(session, "layer.attention", rows)
    assert all(block.is_walled for block in session.capture.blocks)


class PaddedWindows(WindowLayer):
    """Windows of 6 x 6 cells, for which rows are added below."""

    def forward(self, x):
        maps = functional.pad(self.norm(x), (0, 0, 0, 0, 0, -ROWS % 6))
        windows = maps.unflatten(2, (-1, 6)).unflatten(1, (-1, 6)).transpose(2, 3).flatten(0, 2)
        made = self.attention(windows).unflatten(0, (-1, maps.shape[1] // 6, COLS // 6)).transpose(2, 3)
        short = functional.max_pool2d(x.movedim(-1, 1), 2).movedim(1, -1)
        return short + made.flatten(1, 2).flatten(2, 3)[:, : ROWS // 2]


def test_queries_that_are_pooled_beside_padding_are_refused_for_it():
    network = InWindows()
    network.layer = PaddedWindows()
    with pytest.raises(CaptureError, match=r"it pools its queries where windows hold padding.* Feed the network"):
        opened(network)


class Learned(EverySecond):
    """As many queries of its own as there are squares."""

    def __init__(self):
        super().__init__()
        self.extra, self.own = 0, nn.Parameter(torch.zeros(ROWS * COLS // 4, WIDTH))

    def forward(self, x, rows, cols):
        q = heads_of(self.asks_query(self.own).expand(len(x), -1, -1))
        k, v = heads_of(self.answers(x)), heads_of(self.gives(x))
        return self.last((self.weigh(q, k) @ v).transpose(1, 2).flatten(2))


def test_as_many_queries_of_its_own_as_squares_are_no_squares():
    with pytest.raises(CaptureError, match="layer has 24 queries for 96 keys in each frame"):
        opened(Pyramid(Learned()))


@pytest.mark.parametrize(("rows", "cols", "side"), [(4, 6, 2), (6, 6, 3), (5, 7, 2), (5, 7, 4), (3, 3, 3), (2, 2, 2)])
def test_queries_stand_for_squares_in_the_order_in_which_the_keys_meet_them(rows, cols, side):
    cells = torch.arange(2 * rows * cols).reshape(2, rows * cols)
    down, right = -(-rows // side), -(-cols // side)
    made = squares_of(cells, (2, rows, cols), down * right)
    y, x = torch.arange(rows)[:, None] // side, torch.arange(cols) // side
    assert made.side == side
    assert torch.equal(made.query, (y * right + x).flatten().expand(2, -1))
    assert torch.equal(
        made.first[0], (torch.arange(down)[:, None] * side * cols + torch.arange(right) * side).flatten()
    )


def test_no_squares_are_made_of_other_numbers_or_of_cells_of_two_sequences():
    cells = torch.arange(24).reshape(1, 24)
    assert squares_of(cells, (1, 4, 6), 7) is None
    halves = torch.arange(24).reshape(4, 6).T.reshape(2, 12)  # three columns each: a square has cells in both
    assert squares_of(halves, (1, 4, 6), 4) is None
    turned = torch.arange(24).flip(0)[None]
    assert squares_of(turned, (1, 4, 6), 6).query[0].tolist() == squares(4, 6).flatten().tolist(), "the first met is 0"
