"""Masks and rotary angles that an attention layer is called with: in every row, or refused by name."""

import numpy as np
import pytest
import torch
from foreign_attention import (
    HEAD_WIDTH,
    HEADS,
    WIDTH,
    FusedLayer,
    RotaryHub,
    RotaryTimm,
    SeparateLayer,
    ToLayer,
    heads_of,
    randomise,
    turned,
)
from torch import nn

from nonlocal_core.capture import recording
from nonlocal_core.capture.adapters import attach as attach_model
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.query import row

GRID = (4, 3, 5)
CELLS = 15
VIEW = ViewTransform(shown_hw=(24, 40), input_hw=(24, 40))
WORKING_PRECISION = 1e-5  # rebuild error of a true reading in float32; worst seen 6e-7
ROW_PRECISION = 1e-5  # weights are at most 1; worst seen 4e-6
HALF_PRECISION = 5e-3  # the same from tables in float16; worst seen 2e-3


class Called(nn.Module):
    """A layer that is called with what its network gives it beside the tokens."""

    def __init__(self, layer, **given):
        super().__init__()
        self.layer, self.given = layer, given

    def forward(self, x):
        if isinstance(self.layer, nn.MultiheadAttention):
            return self.layer(x, x, x, **self.given)[0]
        return self.layer(x, **self.given)


def tokens_of(scope, extra=1):
    batch, count = {"spacetime": (1, 4 * CELLS + extra), "space": (4, CELLS + extra), "time": (CELLS, 4)}[scope]
    return torch.randn(batch, count, WIDTH, generator=torch.Generator().manual_seed(3))


def record(layer, given, x, extra=1):
    model = Called(layer, **given)
    attached = attach_model(model, token_grid=GRID, class_tokens=extra)
    with recording(view=VIEW, clip_frames=GRID[0]) as found, torch.no_grad():
        model(x)
    attached.detach()
    return found


def places(scope, extra):
    """The sequence and the token of every cell, in the order of the queries."""
    t, y, x = (axis.reshape(-1) for axis in np.indices(GRID))
    return {
        "spacetime": (np.zeros_like(t), extra + (t * 3 + y) * 5 + x),
        "space": (t, extra + y * 5 + x),
        "time": (y * 5 + x, t),
    }[scope]


def assert_every_row(found, weights, scope, extra=1):
    """Compare every row of every head with ``weights`` (B, heads, N, N)."""
    assert found.unreadable == []
    extra = 0 if scope == "time" else extra
    sequences, tokens = places(scope, extra)
    assert len(found.blocks) == HEADS
    for head, captured in enumerate(found.blocks):
        assert captured.rebuild_error < WORKING_PRECISION
        answers = [row(captured, captured.query_grid.cell(i)) for i in range(captured.query_grid.size)]
        whole = weights[sequences, head, tokens]
        expected = np.where(sequences == sequences[:, None], whole[:, tokens], 0)
        values = np.stack([answer.values for answer in answers])
        np.testing.assert_allclose(values, expected, atol=ROW_PRECISION)
        assert not values[expected == 0].any()
        off_grid = [list(answer.off_grid.values()) for answer in answers]
        np.testing.assert_allclose(off_grid, whole[:, :extra], atol=ROW_PRECISION)


def some(*shape, seed=5):
    """A boolean mask that leaves every row its own first key."""
    blocked = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.4
    blocked[..., 0] = False
    return blocked


def few_kinds(*shape, kinds=5, seed=7):
    """Numbers whose rows are of a few kinds, some of them forbidden."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(*shape[:-2], kinds, shape[-1], generator=generator) * 2
    table[..., 1, 2:9] = -torch.inf
    return table[..., torch.randint(kinds, (shape[-2],), generator=generator), :]


def masks(scope):
    """Keyword arguments of torch's attention, by name."""
    batch, count, _ = tokens_of(scope).shape
    two_rows = torch.zeros(count, count, dtype=torch.bool)
    two_rows[-2, : count // 2] = two_rows[-1, 1 : count // 2] = True
    return {
        "boolean": {"attn_mask": two_rows},
        "many kinds": {"attn_mask": some(count, count)},
        "additive": {"attn_mask": few_kinds(count, count)},
        "by head": {"attn_mask": few_kinds(batch * HEADS, count, count)},
        "by head boolean": {"attn_mask": some(batch * HEADS, count, count)},
        "causal": {"attn_mask": torch.ones(count, count, dtype=torch.bool).triu(1), "is_causal": True},
        "padding by sequence": {"key_padding_mask": some(batch, count)},
        "padding additive": {"key_padding_mask": torch.randn(batch, count, generator=torch.Generator().manual_seed(1))},
        "both": {"attn_mask": few_kinds(count, count), "key_padding_mask": torch.where(some(batch, count), -3.0, 0.0)},
        "of zeros": {"attn_mask": torch.zeros(count, count)},
    }


@pytest.mark.parametrize("scope", ["spacetime", "space", "time"])
@pytest.mark.parametrize("case", masks("space"))
@pytest.mark.parametrize("need_weights", [True, False])
def test_masks_of_torchs_attention_are_in_every_row(case, scope, need_weights):
    layer, x = randomise(nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)), tokens_of(scope)
    given = masks(scope)[case]
    found = record(layer, given | {"need_weights": need_weights}, x)
    with torch.no_grad():
        _, weights = layer(x, x, x, average_attn_weights=False, **given)
    assert_every_row(found, weights.numpy(), scope)
    added = found.blocks[0].theta.shape[1] - HEAD_WIDTH
    assert added == 0 if case == "of zeros" else added > 0


def test_sequences_come_first_and_unbatched_ones_alone():
    layer, x = randomise(nn.MultiheadAttention(WIDTH, HEADS)), tokens_of("spacetime")[0]
    given = {"attn_mask": few_kinds(HEADS, len(x), len(x)), "key_padding_mask": torch.arange(len(x)) == len(x) - 1}
    given["key_padding_mask"] = torch.where(given["key_padding_mask"], -torch.inf, 0.0)
    found = record(layer, given, x)
    with torch.no_grad():
        _, weights = layer(x, x, x, average_attn_weights=False, **given)
    assert_every_row(found, weights.numpy()[None], "spacetime")


def test_a_forbidden_key_stays_so_in_half_precision():
    layer, x = randomise(nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)), tokens_of("space")
    blocked = some(x.shape[1], x.shape[1])
    found = record(layer, {"attn_mask": blocked}, x)
    with torch.no_grad():
        _, weights = layer(x, x, x, attn_mask=blocked, average_attn_weights=False)
    sequences, tokens = places("space", 1)
    for head, captured in enumerate(found.blocks):
        theta, phi = (table.astype(np.float16).astype(np.float64) for table in (captured.theta, captured.phi))
        for i in (0, 22, 59):
            mine = np.append(sequences == sequences[i], np.arange(4) == sequences[i])
            scores = np.where(mine, captured.scale * phi @ theta[i], -np.inf)
            powers = np.exp(scores - scores.max())
            here = np.append(weights[sequences[i], head, tokens[i]].numpy()[tokens], [0.0] * 4)
            here[60 + sequences[i]] = weights[sequences[i], head, tokens[i], 0]
            np.testing.assert_allclose(powers / powers.sum(), np.where(mine, here, 0), atol=HALF_PRECISION)
            assert not powers[mine & (here == 0)].any()


def layer_weights(layer, x, bias):
    q, k = (part.double() for part in layer.qk(x))
    return (q @ k.mT * layer.used_scale() + bias).softmax(-1).detach().numpy()


def as_numbers(admitted):
    return torch.where(admitted, 0.0, -torch.inf)


FAMILIES = {
    "fused kernel": (FusedLayer(), "attn_mask"),
    "fused": (FusedLayer(fused=False, scale=0.7), "attn_mask"),
    "separate": (SeparateLayer(old=False), "attention_mask"),
    "to_q": (ToLayer(), "attention_mask"),
}
SHAPES = {
    "every query alike": lambda b, n: few_kinds(n, n),
    "by head": lambda b, n: few_kinds(1, HEADS, n, n),
    "by sequence": lambda b, n: few_kinds(b, 1, n, n),
    "by sequence and head": lambda b, n: few_kinds(b, HEADS, n, n),
    "padding": lambda b, n: torch.where(some(b, 1, 1, n), -torch.inf, 0.0),
    "largest negative number": lambda b, n: few_kinds(b, 1, n, n).clamp_min(torch.finfo(torch.float32).min),
}


@pytest.mark.parametrize("scope", ["spacetime", "space"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_masks_of_other_layers_are_in_every_row(family, shape, scope):
    layer, name = FAMILIES[family]
    x = tokens_of(scope)
    bias = SHAPES[shape](*x.shape[:2])
    found = record(randomise(layer), {name: bias}, x)
    assert_every_row(found, layer_weights(layer, x, bias), scope)


def test_a_boolean_mask_of_the_fused_kernel_admits_and_causal_is_causal():
    layer, x = randomise(FusedLayer()), tokens_of("space")
    admitted = ~some(x.shape[1], x.shape[1])
    assert_every_row(record(layer, {"attn_mask": admitted}, x), layer_weights(layer, x, as_numbers(admitted)), "space")
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    assert_every_row(record(layer, {"is_causal": True}, x), layer_weights(layer, x, as_numbers(later)), "space")


@pytest.mark.parametrize(
    "layer", [RotaryHub(), RotaryTimm(), RotaryTimm(rotate_half=True)], ids=["hub", "timm", "half"]
)
@pytest.mark.parametrize("scope", ["spacetime", "space"])
def test_rotary_embeddings_of_the_call_are_in_every_row(layer, scope):
    x = tokens_of(scope)
    angles = torch.randn(x.shape[1] - 1, HEAD_WIDTH // 2, generator=torch.Generator().manual_seed(2))
    found = record(randomise(layer), layer.call(angles), x)
    halves = getattr(layer, "rotate_half", True)
    q, k = (turned(part, angles, halves=halves).double() for part in layer.qk(x))
    weights = (q @ k.mT * layer.used_scale()).softmax(-1)
    assert_every_row(found, weights.detach().numpy(), scope)


def test_a_layer_that_makes_its_tokens_itself_is_read():
    class Whole(ToLayer):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(2, WIDTH, 8, 8)

        def forward(self, frames):
            return super().forward(self.patches(frames).flatten(2).mT)

    layer = randomise(Whole())
    frames = torch.randn(4, 2, 24, 40)
    found = record(layer, {}, frames, extra=0)
    tokens = layer.patches(frames).flatten(2).mT
    assert_every_row(found, layer_weights(layer, tokens, 0.0), "space", extra=0)


def reason(layer, given, x=None):
    found = record(randomise(layer), given, tokens_of("space") if x is None else x)
    assert found.blocks == []
    ((_, said),) = found.unreadable
    return said


def test_a_query_without_any_key_is_refused():
    x = tokens_of("space")
    blocked = torch.zeros(x.shape[1], x.shape[1], dtype=torch.bool)
    blocked[7] = True
    layer = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    assert "leaves some queries no key at all, whose weights say nothing" in reason(layer, {"attn_mask": blocked})


def test_a_query_whose_keys_a_number_forbids_looks_at_all_alike():
    x, layer = tokens_of("space"), randomise(SeparateLayer())
    least = torch.zeros(x.shape[1], x.shape[1])
    least[7] = torch.finfo(torch.float32).min  # such a row is uniform in float32
    assert_every_row(record(layer, {"attention_mask": least}, x), layer_weights(layer, x, least), "space")


def test_a_mask_with_too_many_kinds_is_refused_with_the_limit():
    x = torch.randn(1, 301, WIDTH)
    layer = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    model = Called(randomise(layer), attn_mask=torch.randn(301, 301))
    attach_model(model, token_grid=(1, 15, 20), class_tokens=1)
    with recording(view=VIEW, clip_frames=1) as found:
        model(x)
    assert found.blocks == []
    assert "with more than 256 different rows" in found.unreadable[0][1]


def test_a_layer_that_pools_its_queries_says_so():
    class Pooling(FusedLayer):
        def forward(self, x):
            q, k, v = (heads_of(part) for part in self.qkv(x).chunk(3, dim=-1))
            weights = (q[:, :, ::2] @ k.mT).softmax(-1)
            return self.proj((weights**2 @ v).transpose(1, 2).flatten(2))

    said = reason(Pooling(), {})
    assert said.startswith("returns (4, 8, 12) for 60 queries: it pools or drops some of them")


def test_what_a_call_brings_and_cannot_be_read_is_named():
    given = {"attn_mask": torch.full((16, 16), torch.nan)}
    assert "holds NaN or infinity" in reason(FusedLayer(fused=False), given)


INTEGERS = torch.randint(-2, 3, (16, 16), generator=torch.Generator().manual_seed(1))
ONE_AXIS = torch.linspace(-2, 2, 16)


@pytest.mark.parametrize(
    ("layer", "name", "mask"),
    [
        (SeparateLayer(), "attention_mask", INTEGERS),
        (FusedLayer(fused=False), "attn_mask", ONE_AXIS),
    ],
    ids=["integers", "one axis"],
)
def test_masks_of_no_usual_form_are_read_where_they_are_added(layer, name, mask):
    x = tokens_of("space")
    found = record(randomise(layer), {name: mask}, x)
    assert_every_row(found, layer_weights(layer, x, mask), "space")


def test_tokens_that_a_layer_moves_in_its_own_way_are_read_where_they_are_multiplied():
    class Detr(SeparateLayer):
        def forward(self, hidden_states, position_embeddings=None):
            return super().forward(hidden_states + position_embeddings)

    layer, x, moved = randomise(Detr()), tokens_of("space"), torch.randn(4, 16, WIDTH)
    found = record(layer, {"position_embeddings": moved}, x)
    assert_every_row(found, layer_weights(layer, x + moved, 0.0), "space")


def test_queries_and_keys_that_an_older_layer_turns_itself_are_read_turned():
    class Turning(SeparateLayer):
        def qk(self, x):
            q, k = super().qk(x)
            angles = torch.linspace(0, 3, 2 * q.shape[2]).reshape(-1, 2)
            return turned(q, angles, halves=True), turned(k, angles, halves=True)

        def forward(self, hidden_states, attention_mask=None):
            (q, k), v = self.qk(hidden_states), heads_of(self.tables(hidden_states)[2])
            return nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2), None

    layer, x = randomise(Turning()), tokens_of("space")
    assert_every_row(record(layer, {}, x), layer_weights(layer, x, 0.0), "space")
