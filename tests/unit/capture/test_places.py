"""Proof of place: a perfect rebuild cannot see in which order positions lie; a change of the clip can."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core import CaptureError, InputSpec, ModelSpec, NonlocalBlock, Session
from nonlocal_core.capture import drawn_points, points_for, run_count
from nonlocal_core.capture.places import FirstCall, are_moved, misplacement
from nonlocal_core.capture.points import Point
from nonlocal_core.geometry import QueryGrid
from nonlocal_core.weights import build_model

PATCH, WIDTH = 8, 12
TOKENS = InputSpec(short_side=48, multiple_of=16, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
GRID = (6, 10)  # of the sample, 48 x 80 pixels
FRAMES = 4


class Tokens(nn.Module):
    """Patches of every frame, put in some order, through one attention layer over all of them or within frames."""

    def __init__(self, order=None, *, joint=True, pad=None):
        super().__init__()
        torch.manual_seed(1)
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.attention = nn.MultiheadAttention(WIDTH, 3, batch_first=True)
        self.order, self.joint, self.pad = order, joint, pad

    def forward(self, frames):
        if self.pad:
            frames = nn.functional.pad(frames, self.pad)
        maps = self.patches(frames)  # (T, C, H, W)
        tokens = self.order(maps) if self.order else maps.flatten(2).mT
        tokens = tokens.flatten(0, 1)[None] if self.joint else tokens
        return self.attention(tokens, tokens, tokens)[0].sum(dim=1)


def place_by_place(maps):
    return maps.flatten(2).permute(2, 0, 1)


def columns_first(maps):
    return maps.mT.flatten(2).mT


def shuffled(maps):
    return maps.flatten(2).mT[:, torch.randperm(GRID[0] * GRID[1])]


def shuffled_by_numpy(maps):
    return maps.flatten(2).mT[:, np.random.permutation(GRID[0] * GRID[1])]  # noqa: NPY002 -- as networks do


def reversed_in_time(maps):
    return maps.flip(0).flatten(2).mT


def mirrored(maps):
    return maps.flip(3).flatten(2).mT


def moved_by_one(maps):
    return maps.roll(1, dims=3).flatten(2).mT


def second_frame_twice(maps):
    return maps[[0, 1, 1, 3]].flatten(2).mT


def open_(model, grid=(FRAMES, *GRID), spec=TOKENS):
    return Session.from_model(
        model.eval(), "sample:bunny", frames=FRAMES, spec=ModelSpec(token_grid=grid, input_spec=spec)
    )


@pytest.mark.parametrize("joint", [True, False])
def test_tokens_in_the_order_that_is_said_are_proved(joint):
    session = open_(Tokens(joint=joint))
    assert session.unreadable == ()
    assert session.block().query_grid.shape == (FRAMES, *GRID)


@pytest.mark.parametrize(
    "order",
    [
        place_by_place,
        columns_first,
        shuffled,
        shuffled_by_numpy,
        reversed_in_time,
        mirrored,
        moved_by_one,
        second_frame_twice,
    ],
    ids=lambda order: order.__name__,
)
def test_tokens_in_another_order_are_refused(order):
    with pytest.raises(CaptureError, match=r"cannot be placed"):
        open_(Tokens(order))


class WritesIntoItsOutput(Tokens):
    """A second layer behind a residual that is added in place, into what the first one returned."""

    def __init__(self):
        super().__init__(joint=False)
        self.second = nn.MultiheadAttention(WIDTH, 3, batch_first=True)

    def forward(self, frames):
        tokens = self.patches(frames).flatten(2).mT
        mixed = self.attention(tokens, tokens, tokens)[0]
        mixed *= 100
        mixed += tokens
        return self.second(mixed, mixed, mixed)[0].sum(dim=1)


def test_a_network_may_write_into_what_a_layer_returned():
    session = open_(WritesIntoItsOutput())
    assert session.unreadable == ()
    assert len(session.capture.blocks) == 6


def test_tables_that_are_recorded_are_held_once_while_places_are_proved(monkeypatch):
    held = []
    of = FirstCall.of
    monkeypatch.setattr(FirstCall, "of", lambda *call: held.append((of(*call), call[-1].blocks)) or held[-1][0])
    open_(Tokens())
    ((first, blocks),) = held
    for head, block in enumerate(blocks):
        assert np.shares_memory(first.reading.theta[head].numpy(), block.theta)
        assert np.shares_memory(first.reading.phi[head].numpy(), block.phi)


@pytest.mark.parametrize("grid", [(10, 6), (1, 60), (60, 1), (3, 20), (12, 5)], ids=str)
def test_a_token_grid_of_another_shape_is_refused(grid):
    with pytest.raises(CaptureError, match="cannot be placed"):
        open_(Tokens(), (FRAMES, *grid))


def test_the_frames_of_a_shuffled_clip_are_no_cells_either():
    with pytest.raises(CaptureError, match="cannot be placed"):
        open_(Tokens(lambda maps: maps[[1, 0, 3, 2]].flatten(2).mT, joint=False))


@pytest.mark.parametrize(
    ("pad", "grid"), [((0, 16, 0, 16), (8, 12)), ((8, 8, 8, 8), (8, 12)), ((16, 0, 0, 0), (6, 12))], ids=str
)
def test_a_network_that_pads_its_input_inside_is_refused(pad, grid):
    with pytest.raises(CaptureError, match="pad its input inside"):
        open_(Tokens(pad=pad), (FRAMES, *grid))


class Maps(nn.Module):
    """Strided convolutions with overlapping fields before a block, which may pad inside."""

    def __init__(self, depth=3, pad=(0, 0, 0, 0), norm=nn.BatchNorm2d):
        super().__init__()
        torch.manual_seed(0)
        widths = [3, *[WIDTH] * depth]
        self.stem = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), norm(b), nn.ReLU()) for a, b in pairwise(widths))
        )
        self.block = NonlocalBlock(WIDTH)
        nn.init.normal_(self.block.norm.weight)
        self.pad = pad

    def forward(self, frames):
        maps = self.stem(nn.functional.pad(frames, self.pad))
        return self.block(maps.transpose(0, 1)[None]).mean(dim=(2, 3, 4))


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.InstanceNorm2d], ids=lambda norm: norm.__name__)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_overlapping_fields_are_proved_by_their_centre(depth, norm):
    session = Session.from_model(
        Maps(depth, norm=norm).eval(), "sample:bunny", frames=3, spec=ModelSpec(input_spec=TOKENS)
    )
    assert session.unreadable == ()


def test_convolutions_that_pad_inside_are_refused():
    spec = InputSpec(short_side=96, multiple_of=8, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    with pytest.raises(CaptureError, match="pad its input inside"):
        Session.from_model(Maps(pad=(0, 32, 0, 32)).eval(), "sample:bunny", frames=3, spec=ModelSpec(input_spec=spec))


class Stages(nn.Module):
    """Two attention layers on one sequence; between them, perhaps, the tokens change places."""

    def __init__(self, *, shuffles):
        super().__init__()
        torch.manual_seed(1)
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.first, self.second = (nn.MultiheadAttention(WIDTH, 3, batch_first=True) for _ in range(2))
        self.shuffles = shuffles

    def forward(self, frames):
        x = self.patches(frames).flatten(2).mT
        x = x + self.first(x, x, x)[0]
        if self.shuffles:
            x = x.flip(1)
        return self.second(x, x, x)[0].sum(dim=1)


def test_a_later_layer_is_proved_on_its_own():
    """The first layer gives back what it gave, so that only the order of the tokens is left to see."""
    assert open_(Stages(shuffles=False)).unreadable == ()
    session = open_(Stages(shuffles=True))
    assert {block.layer for block in session.capture.blocks} == {"first"}
    ((name, reason),) = session.unreadable
    assert name == "second"
    assert "cannot be placed" in reason


def test_random_numbers_of_the_network_are_the_same_in_both_runs_and_left_to_the_user():
    model = Tokens(shuffled)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with pytest.raises(CaptureError, match="cannot be placed"):
        open_(model)
    assert torch.equal(torch.rand(3), expected)


def test_the_networks_of_this_library_keep_their_places():
    """The functions differ, the trunk and the places where the blocks sit do not."""
    network, _ = build_model("lite0-embedded-gaussian")
    small = replace(network.input_spec, short_side=96)
    session = Session.from_model(network, "sample:bunny", frames=3, spec=ModelSpec(takes="clip", input_spec=small))
    assert session.unreadable == ()
    assert [block.name for block in session.capture.blocks] == ["stride16", "mend", "joint"]


def runs_with(fields, points):
    """The runs in which each point is changed: two, and no two points in the same two; their movements add up."""
    moved = [np.zeros_like(fields[0]) for _ in range(run_count(points))]
    for field, pair in zip(fields, combinations(range(len(moved)), 2), strict=False):
        for run in pair:
            moved[run] += field
    return moved


def test_where_everything_moves_the_named_cell_must_move_most():
    grid = QueryGrid.over_clip(clip_frames=1, steps=1, rows=6, cols=10)
    points = points_for([grid])
    said = [int(point.y * 6) * 10 + int(point.x * 10) for point in points]
    moved = [each + 0.2 for each in runs_with(np.eye(60)[said], points)]
    assert misplacement(moved, grid, points, are_tokens=True) is None
    rolled = [np.roll(each, 1) for each in moved]
    assert "cannot be placed" in misplacement(rolled, grid, points, are_tokens=True)


def test_a_change_that_moves_all_alike_is_said_to_move_many_cells():
    grid = QueryGrid(steps=2, rows=5, cols=7, frame_spans=((0, 1), (1, 2)))
    points = points_for([grid])
    for far in ((1.0, 1.0, 1.0, 1.0), (5.0, 5.0, 1.0, 1.0)):
        moved = [np.full(grid.size, each) for each in far]
        said = misplacement(moved, grid, points, are_tokens=True)
        assert said.startswith("cannot be placed: a change of the clip at cell")
        assert "moved many cells." in said


def test_wide_fields_that_the_rim_cuts_are_placed_and_turned_ones_are_not():
    grid = QueryGrid.over_clip(clip_frames=2, steps=2, rows=24, cols=36)
    points = points_for([QueryGrid.over_clip(clip_frames=2, steps=2, rows=12, cols=18)])
    t, y, x = np.indices(grid.shape)
    fields = [
        np.exp(-(((y + 0.5 - point.y * 24) ** 2 + (x + 0.5 - point.x * 36) ** 2) / 60)) * (t == point.start)
        for point in points
    ]
    moved = runs_with(fields, points)
    assert misplacement([each.reshape(-1) for each in moved], grid, points, are_tokens=False) is None
    for turned in ([each[:, ::-1].reshape(-1) for each in moved], [np.roll(each, 6, 2).reshape(-1) for each in moved]):
        assert "cannot be placed" in misplacement(turned, grid, points, are_tokens=False)


@pytest.mark.parametrize("seed", range(8))
def test_uneven_fields_as_wide_as_half_a_map_are_placed_and_exchanged_ones_are_not(seed):
    grid, rng = QueryGrid.over_clip(clip_frames=2, steps=2, rows=7, cols=10), np.random.default_rng(seed)
    points = points_for([grid])
    t, y, x = np.indices(grid.shape)
    fields = [
        np.exp(-((y + 0.5 - point.y * 7) ** 2 + (x + 0.5 - point.x * 10) ** 2) / 4)
        * (t == point.start)
        * rng.uniform(0.5, 1.5, grid.shape)
        for point in points
    ]
    moved = [each.ravel() for each in runs_with(fields, points)]
    assert misplacement(moved, grid, points, are_tokens=False) is None
    others = [np.flip(each.reshape(grid.shape), axis).ravel() for each in moved for axis in (0, 1, 2)]
    for axis in range(3):
        assert "cannot be placed" in misplacement(others[axis::3], grid, points, are_tokens=False)


def squared(cells):
    """The movement of 6 x 10 cells in squares of 2 x 2, all cells of a square alike."""
    return moved_at({(y, x): far for (row, col), far in cells.items() for y in (row, row + 1) for x in (col, col + 1)})


@pytest.mark.parametrize(
    ("cells", "is_placed"),
    [
        ({(2, 4): 1}, True),
        ({(2, 4): 1, (2, 6): 1, (0, 4): 1}, True),
        ({(2, 4): 0.26, (2, 6): 1}, True),
        ({(2, 4): 0.24, (2, 6): 1}, False),
        ({(2, 6): 1}, False),
        ({(0, 4): 1}, False),
        ({(2, 4): 0.3, (2, 8): 1}, False),
    ],
)
def test_the_square_of_a_point_must_be_among_those_that_move(cells, is_placed):
    found = misplacement(squared(cells), ONE_FRAME, AT, are_tokens=False, square=2)
    assert (found is None) == is_placed


AT = (Point(0, 1, 2.5 / 6, 4.5 / 10),)  # the middle of cell 0, 2, 4
ONE_FRAME = QueryGrid.over_clip(clip_frames=1, steps=1, rows=6, cols=10)


def moved_at(cells, rest=0.0):
    """The movement of a grid of 6 x 10 cells, by row and column."""
    moved = np.full((6, 10), rest)
    for (row, col), far in cells.items():
        moved[row, col] = far
    return runs_with([moved.reshape(-1)], AT)


@pytest.mark.parametrize(("far", "is_placed"), [(3.0, True), (2.9, False)])
def test_a_movement_counts_from_three_times_the_median_on(far, is_placed):
    moved = moved_at({(2, 4): far}, rest=1.0)
    found = misplacement(moved, ONE_FRAME, AT, are_tokens=True)
    assert (found is None) == is_placed
    assert found is None or "a change of the clip at cell 0, 2, 4 (T, H, W) of 1x6x10 moved many cells" in found


@pytest.mark.parametrize(("beside", "is_placed"), [(0.24, True), (0.26, False)])
def test_a_token_that_moves_by_a_quarter_of_the_most_counts_for_the_centre(beside, is_placed):
    moved = moved_at({(2, 4): 1.0} | dict.fromkeys([(1, 9), (2, 9), (3, 9)], beside))
    assert (misplacement(moved, ONE_FRAME, AT, are_tokens=True) is None) == is_placed


@pytest.mark.parametrize("are_tokens", [True, False])
@pytest.mark.parametrize("count", [4, 5])
def test_up_to_four_tokens_must_lie_nearer_to_their_point_than_a_field(count, are_tokens):
    cells = [(2, 4), (2, 5), (1, 5), (3, 5), (2, 6)][:count]  # three quarters of a cell off, and a whole one
    moved = moved_at(dict.fromkeys(cells, 1.0))
    assert (misplacement(moved, ONE_FRAME, AT, are_tokens=are_tokens) is None) == (count == 5 or not are_tokens)


@pytest.mark.parametrize(("missed", "is_placed"), [(0, True), (2, True), (3, False)])
def test_pooled_keys_may_miss_half_of_the_points(missed, is_placed):
    points = tuple(
        Point(0, 1, (row + 0.5) / 6, (col + 0.5) / 10) for row, col in ((1, 1), (4, 8), (1, 8), (4, 1), (2, 5))
    )
    seen = np.array([int(point.y * 6) * 10 + int(point.x * 10) for point in points])
    flat = runs_with(np.eye(60)[seen] * (np.arange(5) >= missed)[:, None], points)
    found = misplacement(flat, ONE_FRAME, points, are_tokens=True, may_miss=True)
    assert (found is None) == is_placed
    assert found is None or "does not see a change of the clip at cell 0, 1, 8" in found
    assert (misplacement(flat, ONE_FRAME, points, are_tokens=True) is None) == (missed == 0)


class Square(nn.Module):
    """A vision transformer's first layer on few, square cells, whose tokens may lie in another order."""

    image_size, patch_size, class_token = 112, 16, None

    def __init__(self, order):
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, WIDTH, 16, 16)
        self.attention = nn.MultiheadAttention(WIDTH, 3, batch_first=True)
        self.order = order

    def forward(self, frames):
        tokens = self.order(self.patches(frames)).flatten(2).mT
        return self.attention(tokens, tokens, tokens)[0]


def serpentine(maps):
    turned = maps.clone()
    turned[:, :, 1::2] = maps[:, :, 1::2].flip(-1)
    return turned


ORDERS = {
    "as said": lambda maps: maps,
    "mirrored": lambda maps: maps.flip(-1),
    "upside down": lambda maps: maps.flip(-2),
    "column after column": lambda maps: maps.mT.contiguous(),
    "serpentine": serpentine,
    "rolled": lambda maps: maps.flatten(2).roll(1, -1).view_as(maps),
}


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("side", [64, 80, 96, 112, 224])
@pytest.mark.parametrize("order", ORDERS)
def test_no_order_of_a_small_square_grid_hides(order, side, frames):
    model = Square(ORDERS[order]).eval()
    model.image_size = side
    if order == "as said":
        assert Session.from_model(model, "sample:bunny", frames=frames).unreadable == ()
    else:
        with pytest.raises(CaptureError, match="cannot be placed"):
            Session.from_model(model, "sample:bunny", frames=frames)


@pytest.mark.parametrize("shift", [0, 8, 10, 11, 12, 14])
def test_a_picture_shifted_by_half_a_patch_or_more_is_refused(shift):
    class Shifted(Square):
        def forward(self, frames):
            side = frames.shape[-1]
            return super().forward(nn.functional.pad(frames, (shift, 0, shift, 0))[..., :side, :side])

    model = Shifted(ORDERS["as said"]).eval()
    if shift == 0:
        assert Session.from_model(model, "sample:bunny", frames=1).unreadable == ()
    else:
        with pytest.raises(CaptureError, match="cannot be placed"):
            Session.from_model(model, "sample:bunny", frames=1)


class Overwriting(Maps):
    """A network that works in place on what a block was given and on what it gave."""

    def forward(self, frames):
        maps = self.stem(frames).transpose(0, 1)[None].contiguous()
        z = self.block(maps).relu_()
        maps.zero_()
        return z.mean(dim=(2, 3, 4))


def test_a_network_that_overwrites_its_own_tensors_is_proved():
    session = Session.from_model(Overwriting().eval(), "sample:bunny", frames=3, spec=ModelSpec(input_spec=TOKENS))
    assert session.unreadable == ()


def counted(model):
    """Return a network and the list that grows by one with each of its runs."""
    runs = []
    model.patches.register_forward_hook(lambda *call: runs.append(len(call)))
    return model, runs


def test_places_are_proved_once_for_a_network_and_a_size():
    model, runs = counted(Tokens())
    each = []
    for frames in (4, 4, 2, 2, 4):
        before = len(runs)
        Session.from_model(
            model.eval(), "sample:bunny", frames=frames, spec=ModelSpec(token_grid=(frames, *GRID), input_spec=TOKENS)
        )
        each.append(len(runs) - before)
    assert each == [2, 1, 2, 1, 1]  # the run that is shown, and one that changes the clip


def test_tokens_whose_order_is_another_than_stated_are_looked_at_in_further_runs():
    model, runs = counted(Tokens(columns_first))
    with pytest.raises(CaptureError, match="cannot be placed"):
        open_(model)
    assert len(runs) == 2 + run_count(points_for([open_(Tokens()).block().query_grid]))


def test_one_run_proves_places_if_a_cell_of_every_point_moves_and_no_other_cell():
    grid = QueryGrid.over_clip(clip_frames=4, steps=2, rows=6, cols=8)
    points = drawn_points([grid])
    moved = np.zeros(grid.shape)
    for point in points:
        moved[point.start // 2, int(point.y * 6), int(point.x * 8)] = 1
    assert len(points) == moved.sum() == grid.size / 4
    assert are_moved(moved.ravel(), grid, points)
    for index in range(grid.size):
        other = moved.ravel().copy()
        other[index] = 1 - other[index]
        assert not are_moved(other, grid, points)
    for turned in (moved[::-1], moved[:, ::-1], moved[..., ::-1], np.roll(moved, 1, axis=2), moved.transpose(0, 2, 1)):
        assert not are_moved(turned.ravel(), grid, points)
    assert not are_moved(np.zeros(grid.size), grid, points)


def test_a_network_that_was_refused_is_refused_again_without_further_runs():
    model, runs = counted(Tokens(columns_first))
    reasons = []
    for _ in range(2):
        before = len(runs)
        with pytest.raises(CaptureError, match="cannot be placed") as refused:
            open_(model)
        reasons.append(str(refused.value))
    assert reasons[0] == reasons[1]
    assert len(runs) - before == 1


def test_a_network_whose_parts_were_changed_is_proved_anew():
    model, runs = counted(Tokens())
    open_(model)
    first = len(runs)
    model.attention = nn.MultiheadAttention(WIDTH, 3, batch_first=True)
    open_(model)
    assert len(runs) == 2 * first


class BesideItsMean(nn.Module):
    """Patches of every frame behind their mean, which asks like a class token and moves with every change."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.attention = nn.MultiheadAttention(WIDTH, 3, batch_first=True)

    def forward(self, frames):
        tokens = self.patches(frames).flatten(2).mT
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
        return self.attention(tokens, tokens, tokens)[0].sum(dim=1)


def test_a_first_token_that_moves_with_the_clip_is_no_list_of_pooled_positions():
    spec = ModelSpec(token_grid=(FRAMES, *GRID), class_tokens=1, input_spec=TOKENS)
    session = Session.from_model(BesideItsMean().eval(), "sample:bunny", frames=FRAMES, spec=spec)
    assert session.unreadable == ()
    assert session.capture.blocks[0].askers == ("class token",)


class BesideItsText(nn.Module):
    """Patches that attend to each other, beside a text of as many tokens that does."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.patches, self.text = nn.Conv2d(3, WIDTH, PATCH, PATCH), nn.Parameter(torch.randn(GRID[0] * GRID[1], WIDTH))
        self.words, self.attention = (nn.MultiheadAttention(WIDTH, 3, batch_first=True) for _ in range(2))

    def forward(self, frames):
        tokens, words = self.patches(frames).flatten(2).mT, self.text.expand(len(frames), -1, -1)
        return self.attention(tokens, tokens, tokens)[0] + self.words(words, words, words)[0]


def test_a_text_of_as_many_tokens_as_there_are_cells_is_told_from_them():
    session = Session.from_model(
        BesideItsText().eval(), "sample:bunny", spec=ModelSpec(input_spec=TOKENS), frames=FRAMES
    )
    assert {block.layer for block in session.capture.blocks} == {"attention"}
    assert dict(session.unreadable)["words"].startswith("has tokens that are the same on every clip, those of a text")
