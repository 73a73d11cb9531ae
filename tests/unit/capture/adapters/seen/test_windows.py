"""Windows of a map, by cells whose places a test has chosen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from foreign_attention import randomise
from torch import nn
from unfolded_maps import CELL, Mobile, unfolded

from nonlocal_core import InputSpec, ModelSpec, Session
from nonlocal_core.capture.adapters.seen.windows import Around, Windows, _as_maps, _stated_hw, divided, windows_of
from nonlocal_core.capture.reading import NotReadable
from nonlocal_core.query import row

T, H, W, C = 2, 4, 6, 5


def cut(maps, rows=2, cols=3):
    """Windows (B, n, C) of maps (T, H, W, C)."""
    t, h, w, c = maps.shape
    return maps.reshape(t, h // rows, rows, w // cols, cols, c).transpose(2, 3).reshape(-1, rows * cols, c)


def test_windows_of_frames_have_a_wall_along_rows_and_one_along_columns():
    cells = cut(torch.arange(T * H * W).reshape(T, H, W, 1))[..., 0]
    made = divided(cells, (T, H, W), within=True)
    flat = cells.reshape(-1)
    assert (flat[made.order] == torch.arange(T * H * W)).all()
    rows, columns = (wall.reshape(T, H, W) for wall in made.walls)
    assert (rows[0, :, 0].tolist(), columns[0, 0].tolist()) == ([0, 0, 1, 1], [0, 0, 0, 1, 1, 1])
    assert (rows == rows[:1, :, :1]).all()
    assert (columns == columns[:1, :1]).all()


def test_windows_over_all_frames_have_walls_in_time_where_time_is_cut():
    whole = torch.arange(T * H * W).reshape(1, -1)
    assert divided(whole, (T, H, W), within=False).walls == ()
    halves = whole.reshape(2, -1)
    (wall,) = divided(halves, (T, H, W), within=False).walls
    assert wall.reshape(T, H, W)[:, 0, 0].tolist() == [0, 1]


def test_padding_lies_nowhere_and_cells_must_be_there_once():
    padded = torch.tensor([[0, 1, -1], [2, 3, -1]])
    assert divided(padded, (1, 2, 2), within=True).order.tolist() == [0, 1, 3, 4]
    for odd in (torch.tensor([[0, 1], [2, 2]]), torch.tensor([[0, 1], [2, -1]])):
        said = divided(odd, (1, 2, 2), within=True)
        assert isinstance(said, NotReadable)
        assert "some cells of their map twice or not at all" in said.reason


class Attends(nn.Module):
    def forward(self, tokens):
        return tokens


class Block(nn.Module):
    """Rolls a map, cuts it into windows and lets them attend."""

    def __init__(self, fed, shift=1):
        super().__init__()
        self.attends, self.fed, self.shift = Attends(), fed, shift

    def forward(self, x, height=None, _is_shifted=None, width=None):
        maps = {
            "last": lambda: x,
            "first": lambda: x.permute(0, 2, 3, 1),
            "tokens": lambda: x.reshape(len(x), height or H, width or W, C),
        }[self.fed]()
        return self.attends(cut(maps.roll((-self.shift, -self.shift), (1, 2))))


def learned(block, x, *args, input_hw=None):
    around = Around((block,))
    stop = around.watch()
    found = []
    block.attends.register_forward_hook(
        lambda layer, given, _: found.append(windows_of(around, layer, given[0], (8, 6), input_hw))
    )
    block(x, *args)
    stop()
    assert around.calls == {}
    return found[0]


@pytest.mark.parametrize(
    ("fed", "shape", "args", "hw"),
    [
        ("last", (T, H, W, C), (), None),
        ("first", (T, C, H, W), (), None),
        ("tokens", (T, H * W, C), (H, True, W), None),
        ("tokens", (T, H * W, C), (), (40, 60)),
    ],
)
def test_cells_are_found_by_their_values_wherever_rolling_and_cutting_put_them(fed, shape, args, hw):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    made = learned(Block(fed), x, *args, input_hw=hw)
    numbers = torch.arange(T * H * W).reshape(T, H, W, 1).roll((-1, -1), (1, 2))
    assert isinstance(made, Windows)
    assert (made.thw, made.within_frames) == ((T, H, W), True)
    assert (made.cells == cut(numbers)[..., 0]).all()


def test_tokens_whose_map_nothing_states_are_not_guessed():
    x = torch.randn(T, H * W, C, generator=torch.Generator().manual_seed(0))
    said = learned(Block("tokens"), x)
    assert isinstance(said, NotReadable)
    assert said.reason.startswith("has 8 sequences of 6 tokens, and no map around it")


@pytest.mark.parametrize(
    ("args", "kwargs", "stated"),
    [
        (((3, 4),), {}, (3, 4)),
        (([4, 3],), {}, (4, 3)),
        ((torch.Size([2, 6]),), {}, (2, 6)),
        ((2, 6), {}, (2, 6)),
        (("a layer", 7), {"height": 4, "width": 3}, (4, 3)),
        (((1.5, 8), (3, 4)), {}, (3, 4)),  # half a row is no row, whichever of the two is whole
        (((8, 1.5),), {}, None),
        ((True, 12), {}, None),  # a switch is no number of rows
        (((3, 4, 1),), {}, None),
        (((3, 5),), {}, None),
        ((12,), {}, None),
    ],
)
def test_a_size_is_two_whole_numbers_that_make_up_the_cells(args, kwargs, stated):
    assert _stated_hw((args, kwargs), 12) == stated


MAP = torch.arange(T * H * W * C, dtype=torch.float32).reshape(T, H, W, C)


@pytest.mark.parametrize(
    ("seen", "within"),
    [
        (MAP.flatten(1, 2), True),
        (MAP, True),
        (MAP.movedim(-1, 1), True),
        (MAP[None], False),
        (MAP.movedim(-1, 0)[None], False),
    ],
)
def test_a_tensor_is_a_map_in_the_way_that_its_axes_allow(seen, within):
    ((table, thw, is_within),) = _as_maps(seen, C, (((H, W),), {}), None)
    assert (thw, is_within) == ((T, H, W), within)
    assert torch.equal(table, MAP.reshape(T if within else 1, -1, C))


@pytest.mark.parametrize("shape", [(T, H * W, C + 1), (T, H, W, C + 1), (1, T, H, W, C + 1), (2, T, H, W, C), (C, H)])
def test_a_tensor_of_other_channels_or_of_several_clips_is_no_map(shape):
    assert _as_maps(torch.zeros(shape), C, (((H, W),), {}), None) == []


HW = (4 * CELL, 6 * CELL)
SPEC = ModelSpec(
    takes="frames", input_spec=InputSpec(short_side=HW[0], multiple_of=CELL, mean=(0.5,) * 3, std=(1,) * 3)
)
CLIP = np.random.default_rng(0).integers(0, 256, (2, *HW, 3), np.uint8)


def test_sequences_of_a_map_are_followed_through_norms_and_earlier_layers():
    network = randomise(Mobile()).eval()
    session = Session.from_model(network, CLIP, frames=2, spec=SPEC)
    with torch.no_grad():
        network(torch.from_numpy(CLIP).movedim(-1, 1) / 255 - 0.5)
    assert session.unreadable == ()
    numbers = unfolded(torch.arange(2 * H * W).reshape(2, 1, H, W))[..., 0]
    layers = ["inner.chain.layers.0.attends.0", "inner.chain.layers.1.attends.0"]
    assert sorted({block.layer for block in session.capture.blocks}) == layers
    for number, layer in enumerate(network.inner.chain.layers):
        heads = [block for block in session.capture.blocks if block.layer == layers[number]]
        for head, block in enumerate(heads):
            assert block.query_grid.shape == (2, H, W)
            for sequence, cells in enumerate(numbers.tolist()):
                for place, cell in enumerate(cells):
                    expected = np.zeros(2 * H * W)
                    expected[cells] = layer.attends[0].seen[sequence, head, place]
                    answer = row(block, block.query_grid.cell(cell)).values
                    np.testing.assert_allclose(answer, expected, atol=1e-4)


def test_sequences_that_change_their_order_on_the_way_are_refused():
    session = Session.from_model(randomise(Mobile(lambda tokens: tokens.roll(1, 1))).eval(), CLIP, frames=2, spec=SPEC)
    assert {block.layer for block in session.capture.blocks} == {"inner.chain.layers.0.attends.0"}
    (refused,) = session.unreadable
    assert refused[0] == "inner.chain.layers.1.attends.0"
    assert "cannot be placed: a change of the clip at cell" in refused[1]


def test_windows_of_one_cell_attend_to_themselves():
    """As in the last stage of a small MobileViT; other rows than those cannot be shown, and need not be."""
    small = CLIP[:, : 2 * CELL, : 2 * CELL]
    spec = replace(SPEC, input_spec=replace(SPEC.input_spec, short_side=2 * CELL))
    session = Session.from_model(randomise(Mobile()).eval(), small, frames=2, spec=spec)
    assert session.unreadable == ()
    for block in session.capture.blocks:
        assert block.query_grid.shape == (2, 2, 2)
        for index in range(8):
            np.testing.assert_array_equal(row(block, block.query_grid.cell(index)).values, np.eye(8)[index])
