"""Layers that nobody described, read by the products that they make: every row equals the layer's own weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from foreign_attention import randomise
from foreign_kinds import (
    COLS,
    FRAMES,
    HEAD,
    HEADS,
    IMAGE_HW,
    ROWS,
    BiasAttention,
    CosineAttention,
    DecomposedAttention,
    EinsteinAttention,
    ElsewhereAttention,
    FusedBiasAttention,
    GatedAttention,
    GroupedAttention,
    LinearAttention,
    MixedAttention,
    PooledAttention,
    RotaryAttention,
    Tokens,
    TurnedAttention,
    Windowed,
    heads_of,
)

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Session
from nonlocal_core.capture import recording
from nonlocal_core.capture.adapters import Fed
from nonlocal_core.capture.adapters import attach as attach_model
from nonlocal_core.capture.adapters.seen.products import Watch
from nonlocal_core.capture.record import WALLED
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.query import row

ROW_PRECISION = 1e-4  # what a row may differ by from the layer's own; worst seen 4e-6
WORKING_PRECISION = 1e-4  # rebuild error of a true reading in float32; worst seen 2e-5


def frames_of(hw):
    return torch.randn(FRAMES, 3, *hw, generator=torch.Generator().manual_seed(4))


def record(model, hw=IMAGE_HW):
    attached = attach_model(model, fed=Fed(frames=FRAMES, hw=hw))
    with recording(view=ViewTransform(shown_hw=hw, input_hw=hw), clip_frames=FRAMES) as found, torch.no_grad():
        model(frames_of(hw))
    attached.detach()
    with torch.no_grad():
        model(frames_of(hw))  # so that ``seen`` is that of the real call
    assert attached.found.unreadable == ()
    return found


def assert_every_row(blocks, weights, extra=0):
    """Compare every row of every head with ``weights`` (T, heads, n, N), other tokens first."""
    assert [block.head for block in blocks] == list(range(HEADS))
    for head, block in enumerate(blocks):
        assert block.rebuild_error < WORKING_PRECISION
        steps, rows, cols = block.query_grid.shape
        for index in range(block.query_grid.size):
            t, within = divmod(index, rows * cols)
            answer = row(block, block.query_grid.cell(index))
            expected = np.zeros((steps, block.key_grid.rows * block.key_grid.cols))
            expected[t] = weights[t, head, extra + within, weights.shape[3] - expected.shape[1] :]
            np.testing.assert_allclose(answer.values, expected.reshape(-1), atol=ROW_PRECISION)
            first = weights[t, head, extra + within, :extra]
            np.testing.assert_allclose(list(answer.off_grid.values()), first, atol=ROW_PRECISION)


KINDS = {
    "rotary, class token and registers": lambda: Tokens(RotaryAttention(3), 3),
    "cosines with a temperature": lambda: Tokens(CosineAttention(), 1),
    "a gate on each token behind it": lambda: Tokens(GatedAttention(), 1),
    "bias on positions": lambda: Tokens(BiasAttention(1), 1),
    "bias in the fused kernel": lambda: Tokens(FusedBiasAttention(2), 2),
    "bias of rows and columns": lambda: Tokens(DecomposedAttention()),
    "Einstein's notation": lambda: Tokens(EinsteinAttention(), 1),
    "one head of keys, bent output": lambda: Tokens(GroupedAttention(), 1),
    "values on the left": lambda: Tokens(TurnedAttention(), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_layer_that_nobody_described_are_its_own(kind):
    model = randomise(KINDS[kind]())
    found = record(model)
    assert found.unreadable == []
    extra = 0 if model.first is None else model.first.shape[1]
    assert {block.query_grid.shape for block in found.blocks} == {(FRAMES, ROWS, COLS)}
    assert {len(block.off_grid_keys) for block in found.blocks} == {extra}
    assert_every_row(found.blocks, model.layer.seen.numpy(), extra)


def test_a_bias_that_is_still_zero_is_none():
    model = randomise(Tokens(FusedBiasAttention(0)))
    torch.nn.init.zeros_(model.layer.table)
    found = record(model)
    assert found.unreadable == []
    assert {block.theta.shape[1] for block in found.blocks} == {HEAD}
    assert_every_row(found.blocks, model.layer.seen.numpy())


def test_pooled_keys_lie_on_a_grid_of_their_own():
    hw = (32, 48)
    model = Tokens(PooledAttention(), given_size=True)
    model.places = torch.nn.Parameter(torch.zeros(1, 24, 12))
    found = record(randomise(model), hw)
    assert found.unreadable == []
    assert {block.subsample for block in found.blocks} == {(1, 2, 2)}
    assert {block.key_grid.shape for block in found.blocks} == {(FRAMES, 2, 3)}
    assert_every_row(found.blocks, model.layer.seen.numpy())


WINDOW_HW = (16, 24)
MASKED = 1e-35  # Swin's mask is -100, whose exponential is not 0


def windows_of(layer):
    """The cell of each token of each window, by the layer's own cutting of a map of numbers; -1 for padding."""
    rows, cols = layer.window
    numbers = torch.full((FRAMES, 4 + -4 % rows, 6 + -6 % cols, 1), -1.0)
    numbers[:, :4, :6] = torch.arange(FRAMES * 24.0).reshape(FRAMES, 4, 6, 1)
    return layer.parted(numbers.roll([-s for s in layer.shift], dims=(1, 2)))[..., 0].long().numpy()


@pytest.mark.parametrize(("window", "pads"), [((2, 3), False), ((3, 4), True)], ids=["whole", "padded"])
def test_rows_are_zero_outside_of_their_window_shifted_or_not(window, pads):
    model = randomise(Windowed(window, pads=pads))
    found = record(model, WINDOW_HW)
    assert found.unreadable == []
    for name in ("plain", "shifted"):
        layer = model.get_submodule(name)
        blocks = [block for block in found.blocks if block.layer == f"{name}.attention"]
        assert {block.query_grid.shape for block in blocks} == {(FRAMES, 4, 6)}
        assert {block.off_grid_keys for block in blocks} == {("padding",) if pads else ()}
        expected, beside = np.zeros((HEADS, FRAMES * 24, FRAMES * 24)), np.zeros((HEADS, FRAMES * 24))
        for cells, weights in zip(windows_of(layer), layer.attention.seen.numpy(), strict=True):
            real = cells >= 0
            expected[:, cells[real][:, None], cells[real]] = weights[:, real][:, :, real]
            beside[:, cells[real]] = weights[:, real][:, :, ~real].sum(axis=-1)
        for head, block in enumerate(blocks):
            assert block.rebuild_error < WORKING_PRECISION
            assert block.is_walled
            assert WALLED in replace(block, status="trained").warning
            answers = [row(block, block.query_grid.cell(i)) for i in range(FRAMES * 24)]
            rows = np.stack([answer.values for answer in answers])
            np.testing.assert_allclose(rows, expected[head], atol=ROW_PRECISION)
            assert rows[expected[head] == 0].max() < MASKED
            padding = [sum(answer.off_grid.values()) for answer in answers]
            np.testing.assert_allclose(padding, beside[head], atol=ROW_PRECISION)


REFUSED = {
    "mixed heads": (lambda: Tokens(MixedAttention()), "which changes its softmax of products before it meets"),
    "linear": (lambda: Tokens(LinearAttention()), "as linear attention does, and so has no row of weights"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_row_can_say_is_refused(kind):
    make, words = REFUSED[kind]
    found = record(randomise(make()))
    assert found.blocks == []
    assert words in found.unreadable[0][1]


def open_(model, hw):
    spec = ModelSpec(
        status="untrained",
        takes="frames",
        input_spec=InputSpec(short_side=hw[0], multiple_of=8, mean=(0.5,) * 3, std=(0.5,) * 3),
    )
    clip = np.random.default_rng(2).integers(0, 255, (FRAMES, *hw, 3), dtype=np.uint8)
    return Session.from_model(randomise(model), clip, spec=spec)


def test_a_network_of_ones_own_is_read_and_placed_without_a_grid():
    session = open_(Windowed(), WINDOW_HW)
    assert session.unreadable == ()
    assert {block.layer for block in session.capture.blocks} == {"plain.attention", "shifted.attention"}
    session = open_(Tokens(BiasAttention(1), 1), IMAGE_HW)
    assert {block.query_grid.shape for block in session.capture.blocks} == {(FRAMES, ROWS, COLS)}


class Overlapping(Tokens):
    """Patches whose fields overlap, as in SegFormer, and pooled keys."""

    def __init__(self, layer):
        super().__init__(layer, given_size=True)
        self.patches = torch.nn.Conv2d(3, 12, 7, 4, 3)
        self.places = torch.nn.Parameter(torch.zeros(1, 96, 12))


class ElsewherePooledAttention(PooledAttention):
    """Keys as many as pooled ones, made of no part of the clip."""

    def forward(self, x, height, width):
        q, k, v = (layer(x) for layer in (self.asks_query, self.answers, self.gives))
        elsewhere = torch.linspace(-2, 2, 24 * 12).reshape(1, 24, 12).expand(len(x), -1, -1)
        k, v = heads_of(self.answers(elsewhere)), heads_of(self.gives(elsewhere))
        return self.last((self.weigh(heads_of(q), k) @ v).transpose(1, 2).flatten(2))


def test_patches_that_overlap_are_placed_and_pooled_keys_with_them():
    session = open_(Overlapping(PooledAttention()), (32, 48))
    assert session.unreadable == ()
    block = session.capture.blocks[0]
    assert (block.query_grid.shape, block.key_grid.shape) == ((FRAMES, 8, 12), (FRAMES, 4, 6))
    with pytest.raises(CaptureError, match="has tokens that are the same on every clip"):
        open_(Overlapping(ElsewherePooledAttention()), (32, 48))


def test_keys_of_other_tokens_are_refused_though_they_are_as_many():
    with pytest.raises(CaptureError, match="has tokens that are the same on every clip"):
        open_(Tokens(ElsewhereAttention()), IMAGE_HW)


def attentions(products, softmaxes=0):
    """Attentions that are seen with other products before the softmax, or other softmaxes behind it."""
    rng = torch.Generator().manual_seed(4)
    q, k, v = (torch.randn(2, 5, 3, generator=rng) for _ in range(3))
    with Watch() as watch:
        scores = q @ k.mT
        for _ in range(products):
            q @ q.mT
        weights = scores.softmax(dim=-1)
        for _ in range(softmaxes):
            (k @ q.mT).softmax(dim=-1)
        weights @ v
    return watch.found


def test_scores_and_weights_are_remembered_over_so_many_others():
    assert [len(attentions(products)) for products in (0, 7, 8)] == [1, 1, 0]
    assert [len(attentions(0, softmaxes)) for softmaxes in (63, 64)] == [1, 0]


@pytest.mark.parametrize(("sinks", "is_seen"), [(1, True), (16, True), (17, False)])
def test_up_to_sixteen_scores_of_no_key_are_sinks(sinks, is_seen):
    rng = torch.Generator().manual_seed(4)
    q, k, v = (torch.randn(2, 5, 3, generator=rng) for _ in range(3))
    with Watch() as watch:
        scores = torch.cat([q @ k.mT, torch.randn(2, 5, sinks, generator=rng)], dim=-1)
        scores.softmax(dim=-1)[..., :5] @ v
    assert [attended.sinks for attended in watch.found] == ([sinks] if is_seen else [])


def test_a_fused_attention_whose_output_is_known_is_not_computed_to_be_replaced():
    known, nothing = torch.randn(2, 3, 5, 4), torch.full((2, 3, 5, 4), torch.nan)
    attend = torch.nn.functional.scaled_dot_product_attention
    with Watch(put={1: lambda real: 2 * real}, fused={1: known}, looks=False):
        assert torch.equal(attend(nothing, nothing, nothing), 2 * known)
    others = torch.randn(2, 3, 7, 4)
    for other in (others, others[:, :, :5].double()):  # another number of queries, another type
        computed = attend(other, other, other)
        with Watch(put={1: lambda real: 2 * real}, fused={1: known}, looks=False):
            assert torch.equal(attend(other, other, other), 2 * computed)
