"""Size of what an attention layer adds: seen at the network's own sum, wherever that lies, or unknown."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, silu

from nonlocal_core import InputSpec, ModelSpec, Session

C, ROWS, COLS = 12, 4, 6
CLIP = np.random.default_rng(0).integers(0, 256, (2, 8 * ROWS, 8 * COLS, 3), np.uint8)
SEEN = InputSpec(short_side=8 * ROWS, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3)
WORKING_PRECISION = 1e-5  # float32; worst seen 3e-7

sums = []
"""What was added in each run, and what to: maps (frames, rows, columns, channels)."""


class Around(nn.Module):
    """Patches, one layer of attention, and what a network does around it."""

    def __init__(self, forward):
        super().__init__()
        self.patches, self.attention = nn.Conv2d(3, C, 8, 8), nn.MultiheadAttention(C, 3, batch_first=True)
        self.norm, self.second, self.last = nn.LayerNorm(C), nn.LayerNorm(C), nn.Linear(C, C)
        self.wide, self.point = nn.Conv2d(C, C, 3, padding=1), nn.Conv2d(C, C, 1)
        self.gamma, self.table = nn.Parameter(torch.rand(C)), nn.Parameter(torch.rand(ROWS * COLS, C))
        self.token, self.dropout = nn.Parameter(torch.rand(1, 1, C)), nn.Dropout(0.3, inplace=True)
        self.within, self.within_and_normed = AddsWithin(nn.Identity()), AddsWithin(nn.LayerNorm(C))
        self.within_and_more = AddsWithin(MoreOfIt())
        self.around = forward

    def attend(self, x):
        return self.attention(x, x, x, need_weights=False)[0]

    def forward(self, frames):
        x = self.patches(frames).flatten(2).mT
        made = self.around(self, x)
        return made.mean(dim=(1, 2), keepdim=True)


class AddsWithin(nn.Module):
    """Attention that returns its input with what it gathered, normed or not."""

    def __init__(self, norm):
        super().__init__()
        self.qkv, self.out, self.norm = nn.Linear(C, 3 * C), nn.Linear(C, C), norm

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return self.norm(into(x, self.out((q @ k.mT).softmax(-1) @ v)))


class MoreOfIt(nn.Linear):
    """A further branch on the sum."""

    def __init__(self):
        super().__init__(C, C)

    def forward(self, x):
        return x + super().forward(x)


def noted(added, stream):
    sums.append([each.detach().clone().reshape(2, ROWS, COLS, C) for each in (added, stream)])


def into(stream, added):
    """Return the sum of a stream with what a layer adds, in maps of channels last, and note both."""
    noted(added, stream)
    return stream + added


def at_once(self, x):
    return into(x, self.attend(self.norm(x)))


def scaled(self, x):
    return into(x, self.gamma * self.dropout(self.attend(self.norm(x))))


def gated_by_the_clip(self, x):
    return into(x, self.attend(self.norm(x)) * x.mean(dim=1, keepdim=True))


def into_the_stream_itself(self, x):
    x = x.clone()
    added = self.attend(self.norm(x))
    noted(added, x)
    x += added
    return x


def before_a_norm(self, x):
    return self.norm(into(x, self.attend(x + self.table)))


def behind_a_norm(self, x):
    return into(x, self.second(self.attend(x)))


def behind_layers_of_each_token(self, x):
    return into(x, self.last(gelu(self.last(self.attend(self.norm(x))) + self.table)))


def behind_a_cast(self, x):
    return into(x, self.attend(self.norm(x)).to(torch.float32).contiguous())


def beside_another_branch(self, x):
    normed = self.norm(x)
    return into(x, self.attend(normed)) + self.last(normed)


def added_as_a_map(self, x):
    stream = x.mT.unflatten(2, (ROWS, COLS))
    added = self.point(self.attend(self.norm(x)).mT.reshape(stream.shape))
    noted(added.movedim(1, -1), stream.movedim(1, -1))
    return silu(stream + added, inplace=True).flatten(2).mT


def into_a_scaled_stream(self, x):
    stream = x * self.gamma
    return into(stream, self.attend(self.norm(x)))


def beside_a_class_token(self, x):
    x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
    added = self.attend(self.norm(x))
    noted(added[:, 1:], x[:, 1:])
    return x + added


def with_the_class_token_apart(self, x):
    stream = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
    added = self.attend(self.norm(stream))
    noted(added[:, 1:], x)
    return torch.cat([stream[:, :1], x], dim=1) + torch.cat([added[:, :1] * 3, added[:, 1:]], dim=1)


def within_the_layer(self, x):
    return x + self.within(x)


def in_shifted_windows(self, x):
    parts = self.norm(x).reshape(2, ROWS, COLS, C).roll((-1, -1), dims=(1, 2))
    windows = parts.reshape(2, 2, 2, 2, 3, C).permute(0, 1, 3, 2, 4, 5).reshape(-1, 6, C)
    made = self.attend(windows).view(2, 2, 2, 2, 3, C).transpose(2, 3).reshape(2, ROWS, COLS, C)
    return into(x, made.roll((1, 1), dims=(1, 2)).flatten(1, 2))


KNOWN = (
    at_once,
    scaled,
    gated_by_the_clip,
    into_the_stream_itself,
    before_a_norm,
    behind_a_norm,
    behind_layers_of_each_token,
    behind_a_cast,
    beside_another_branch,
    added_as_a_map,
    into_a_scaled_stream,
    beside_a_class_token,
    with_the_class_token_apart,
    within_the_layer,
    in_shifted_windows,
)


def opened(forward):
    torch.manual_seed(2)
    network = Around(forward)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1 and "norm" not in name:
                parameter.normal_(std=0.3)
    sums.clear()
    session = Session.from_model(network.eval(), CLIP, spec=ModelSpec(status="untrained", input_spec=SEEN))
    assert not session.unreadable, session.unreadable
    return session


@pytest.mark.parametrize("forward", KNOWN, ids=lambda each: each.__name__)
def test_it_is_seen_where_the_network_adds_it(forward):
    blocks = opened(forward).capture.blocks
    added, stream = sums[0]  # those of the run that was recorded
    expected = (added.norm(dim=-1) / stream.norm(dim=-1)).flatten().numpy()
    assert expected.std() > 0.01 * expected.mean()
    for block in blocks:
        assert block.query_grid.shape == (2, ROWS, COLS)
        np.testing.assert_allclose(block.effect, expected, rtol=WORKING_PRECISION)


def within_the_layer_beside_another_branch(self, x):
    return self.within_and_more(x)


def within_the_layer_before_a_norm(self, x):
    return x + self.within_and_normed(x)


def behind_a_wide_convolution(self, x):
    return x + self.wide(self.attend(x).mT.unflatten(2, (ROWS, COLS))).flatten(2).mT


def behind_a_mean(self, x):
    return x + self.attend(x).mean(dim=1, keepdim=True).expand_as(x)


def with_another_branch_first(self, x):
    return x + (self.attend(x) + self.last(x))


def with_another_branch_that_was_there(self, x):
    other = self.last(x)
    return x + (self.attend(x) + other)


def never_added(self, x):
    return self.attend(x)


def added_twice_as_much(self, x):
    return torch.add(x, self.attend(x), alpha=2)


def mixed_by_a_product(self, x):
    return x + self.table @ self.table.mT @ self.attend(x)


def cropped(self, x):
    return torch.cat([x[:, :-1] + self.attend(x)[:, :-1], x[:, -1:]], dim=1)


def of_another_type(self, x):
    return x + self.attend(x).view(torch.int32).view(torch.float32)


def flipped_into_another_shape(self, x):
    return x + self.attend(x).reshape(2, C, -1).mT


UNKNOWN = (
    within_the_layer_before_a_norm,
    within_the_layer_beside_another_branch,
    behind_a_wide_convolution,
    behind_a_mean,
    with_another_branch_first,
    with_another_branch_that_was_there,
    never_added,
    added_twice_as_much,
    mixed_by_a_product,
    cropped,
    of_another_type,
    flipped_into_another_shape,
)


@pytest.mark.parametrize("forward", UNKNOWN, ids=lambda each: each.__name__)
def test_it_is_unknown_where_the_sum_holds_more_or_each_token_is_no_longer_apart(forward):
    blocks = opened(forward).capture.blocks
    assert [block.mean_effect for block in blocks] == [None] * len(blocks) != []


def of_two_layers(self, x):
    first = into(x, self.attend(x))
    return into(first, self.attend(self.norm(first)))


def test_each_layer_has_its_own_where_the_next_adds_to_what_it_made():
    blocks = {block.layer: block for block in opened(of_two_layers).capture.blocks}
    for block, (added, stream) in zip((blocks["attention"], blocks["attention@2"]), sums, strict=False):
        expected = (added.norm(dim=-1) / stream.norm(dim=-1)).flatten().numpy()
        np.testing.assert_allclose(block.effect, expected, rtol=WORKING_PRECISION)


def test_it_is_known_of_the_layer_and_so_of_every_head_and_their_mean():
    session = opened(at_once)
    mean = session.block("attention.mean")
    assert mean.is_of_heads
    assert {block.mean_effect for block in (*session.capture.blocks, mean)} == {mean.mean_effect}
