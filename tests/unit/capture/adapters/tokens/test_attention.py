"""Self-attention as the paper's embedded Gaussian: every head's rows, every layout of tokens, proved and placed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from foreign_attention import (
    COLS,
    FRAMES,
    HEADS,
    IMAGE_HW,
    PATCH,
    ROWS,
    TUBELET,
    WIDTH,
    FusedBareLayer,
    FusedLayer,
    HubVit,
    Timesformer,
    TimmVit,
    ToLayer,
    ToQkvLayer,
    TorchLayer,
    TorchvisionVit,
    VideoVit,
    clip,
    randomise,
)
from refusals import off_by
from torch import nn

from nonlocal_core.capture import attach, recording
from nonlocal_core.capture.adapters import Fed, find_sites
from nonlocal_core.capture.adapters import attach as attach_model
from nonlocal_core.capture.adapters.tokens.projected import Projections
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import Cell, ViewTransform
from nonlocal_core.query import row

VIEW = ViewTransform(shown_hw=IMAGE_HW, input_hw=IMAGE_HW)
WORKING_PRECISION = 1e-4  # rebuild error of a true reading in float32; worst seen 2.5e-5
ROW_PRECISION = 1e-5  # weights are at most 1; worst seen 5e-7
WRONG = 1e-2  # rebuild error of the least visible wrong setting; least seen 1.5e-2
CLASS = ("class token",)


def record(model, x, frames=FRAMES):
    with recording(view=VIEW, clip_frames=frames) as found:
        model(x)
    return found


# Where the token of a cell is: (sequence, index in it), by layout.
def one_sequence(extra):
    return lambda t, y, x: (0, extra + (t * ROWS + y) * COLS + x)


def place_by_place(extra):
    return lambda t, y, x: (0, extra + (y * COLS + x) * FRAMES + t)


def by_frame(extra):
    return lambda t, y, x: (t, extra + y * COLS + x)


def by_place(t, y, x):
    return y * COLS + x, t


NETWORKS = {
    "timm": (TimmVit(), "blocks.0.attention", by_frame(1), "space", CLASS),
    "timm unfused": (TimmVit(fused=False, scale=0.9), "blocks.1.attention", by_frame(1), "space", CLASS),
    "timm q and k norm": (TimmVit(qk_norm=True, scale_norm=True), "blocks.1.attention", by_frame(1), "space", CLASS),
    "timm registers": (
        TimmVit(registers=2, bias=False),
        "blocks.1.attention",
        by_frame(3),
        "space",
        ("class token", "register 1", "register 2"),
    ),
    "timm without class token": (TimmVit(class_token=False), "blocks.1.attention", by_frame(0), "space", ()),
    "BLIP": (TimmVit(output="projection"), "blocks.1.attention", by_frame(1), "space", CLASS),
    "InternVL": (
        HubVit(old=False, qk_norm=False, output="projection_layer"),
        "layers.1.attention",
        by_frame(1),
        "space",
        CLASS,
    ),
    "InternVL q and k norm": (
        HubVit(old=False, qk_norm=True, output="projection_layer"),
        "layers.1.attention",
        by_frame(1),
        "space",
        CLASS,
    ),
    "diffusers": (HubVit(ToLayer), "layers.1.attention", by_frame(1), "space", CLASS),
    "lucidrains": (HubVit(ToQkvLayer), "layers.1.attention", by_frame(1), "space", CLASS),
    "ViT": (HubVit(), "layers.1.attention", by_frame(1), "space", CLASS),
    "ViT by name": (HubVit(old=False, named="hidden_states"), "layers.1.attention", by_frame(1), "space", CLASS),
    "ViT scaling": (HubVit(old=False, scaling=0.7), "layers.0.attention", by_frame(1), "space", CLASS),
    "DeiT": (
        HubVit(distilled=True),
        "layers.1.attention",
        by_frame(2),
        "space",
        ("class token", "distillation token"),
    ),
    "VideoMAE": (VideoVit(), "layers.1.attention", one_sequence(0), "spacetime", ()),
    "VideoMAE old biases": (VideoVit(loose_biases=True), "layers.0.attention", one_sequence(0), "spacetime", ()),
    "VideoMAE own": (
        HubVit(FusedBareLayer, loose_biases=True),
        "layers.1.attention",
        by_frame(1),
        "space",
        CLASS,
    ),
    "ViViT": (VideoVit(class_token=True), "layers.1.attention", one_sequence(1), "spacetime", CLASS),
    "TimeSformer time": (
        Timesformer("divided_space_time"),
        "layers.1.temporal_attention.attention",
        by_place,
        "time",
        (),
    ),
    "TimeSformer space": (
        Timesformer("divided_space_time"),
        "layers.1.attention.attention",
        by_frame(1),
        "space",
        CLASS,
    ),
    "TimeSformer joint": (
        Timesformer("joint_space_time"),
        "layers.1.attention",
        place_by_place(1),
        "spacetime",
        CLASS,
    ),
    "TimeSformer space only": (Timesformer("space_only"), "layers.1.attention", by_frame(1), "space", CLASS),
}


def seen_by(model, name, x):
    """The input of a layer, taken by a hook of our own."""
    seen = []
    layer = model.get_submodule(name)
    handle = layer.register_forward_pre_hook(
        lambda _layer, args, kwargs: seen.append(args[0] if args else kwargs["hidden_states"]), with_kwargs=True
    )
    model(x)
    handle.remove()
    return layer, seen[0]


def softmax_row(query, keys, scale):
    """One row in float64."""
    scores = scale * np.asarray(keys.double()) @ np.asarray(query.double())
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


@pytest.mark.parametrize("case", NETWORKS)
def test_rows_of_every_head_are_those_of_the_layers_own_tokens(case):
    model, name, token_of, scope, extra = NETWORKS[case]
    randomise(model)
    attached = attach_model(model)
    found = record(model, clip())
    attached.detach()
    layer, tokens = seen_by(model, name, clip())
    q, k = layer.qk(tokens)
    frames = FRAMES // TUBELET if isinstance(model, VideoVit) else FRAMES
    assert (attached.found.unreadable, found.unreadable) == ((), [])
    heads = [block for block in found.blocks if block.name.startswith(f"{name}.head")]
    assert [block.head for block in heads] == list(range(HEADS))
    for head, captured in enumerate(heads):
        assert (captured.query_grid.shape, captured.scope) == ((frames, ROWS, COLS), scope)
        assert captured.off_grid_keys == extra
        assert captured.scale == pytest.approx(layer.used_scale())
        assert captured.rebuild_error < WORKING_PRECISION
        assert (captured.note, captured.effect.shape) == ("", (captured.query_grid.size,))
        for cell in (Cell(0, 0, 0), Cell(1, 2, 3), Cell(frames - 1, 1, 4)):
            sequence, index = token_of(*cell)
            weights = softmax_row(q[sequence, head, index], k[sequence, head], layer.used_scale())
            answer = row(captured, cell)
            expected = np.zeros(captured.key_grid.shape)
            for key in np.ndindex(*captured.key_grid.shape):
                its_sequence, its_index = token_of(*key)
                if its_sequence == sequence:
                    expected[key] = weights[its_index]
            np.testing.assert_allclose(answer.heat, expected, atol=ROW_PRECISION)
            np.testing.assert_allclose(list(answer.off_grid.values()), weights[: len(extra)], atol=ROW_PRECISION)


@pytest.mark.parametrize("case", NETWORKS)
def test_a_cell_is_where_its_pixels_are(case):
    model, name, *_ = NETWORKS[case]
    randomise(model)
    first = name.replace(".1.", ".0.")
    attached = attach_model(model)
    frames = FRAMES // TUBELET if isinstance(model, VideoVit) else FRAMES
    cell = Cell(1, 2, 3)
    moved = clip()
    span = slice(cell.t * FRAMES // frames, (cell.t + 1) * FRAMES // frames)
    moved[:, :, span, cell.y * PATCH : (cell.y + 1) * PATCH, cell.x * PATCH : (cell.x + 1) * PATCH] += 1
    before, after = (
        next(block for block in record(model, x).blocks if block.name == f"{first}.head1") for x in (clip(), moved)
    )
    attached.detach()
    change = np.abs(after.theta - before.theta).max(axis=1)
    if first.endswith("layers.0.attention.attention"):  # over space, after time has mixed the frames of a place
        change = change.reshape(before.query_grid.shape).max(axis=0)
        assert np.argwhere(change > 1e-6).tolist() == [[cell.y, cell.x]]
    else:
        assert np.flatnonzero(change > 1e-6).tolist() == [before.query_grid.index(cell)]


TORCH = {
    "batch first": {},
    "sequence first": {"batch_first": False},
    "three matrices": {"kdim": WIDTH, "vdim": WIDTH},
    "no bias": {"bias": False},
    "positions added": {"moved": True},
}
GRID = (4, 3, 5)


def torch_tokens(scope, extra, batch_first=True):
    t, h, w = GRID
    batch, count = {"spacetime": (1, t * h * w + extra), "space": (t, h * w + extra), "time": (h * w, t)}[scope]
    x = torch.randn(batch, count, WIDTH, generator=torch.Generator().manual_seed(3))
    return x if batch_first else x.transpose(0, 1)


@pytest.mark.parametrize("scope", ["spacetime", "space", "time"])
@pytest.mark.parametrize("case", TORCH)
def test_torch_attention_is_read_on_the_grid_that_the_caller_gives(case, scope):
    settings = dict(TORCH[case])
    if case == "three matrices":  # the constructor joins the matrices of equal widths
        layer = TorchLayer(kdim=WIDTH + 1, vdim=WIDTH)
        layer.self_attn.kdim = WIDTH
        layer.self_attn.k_proj_weight = nn.Parameter(torch.zeros(WIDTH, WIDTH))
    else:
        layer = TorchLayer(**settings)
    randomise(layer)
    batch_first = settings.get("batch_first", True)
    attach_model(layer, token_grid=GRID, class_tokens=1)
    x = torch_tokens(scope, 1, batch_first)
    found = record(layer, x)
    assert [block.name for block in found.blocks] == [f"self_attn.head{head}" for head in range(HEADS)]
    assert {block.scope for block in found.blocks} == {scope}
    assert found.blocks[0].off_grid_keys == (() if scope == "time" else CLASS)
    assert max(block.rebuild_error for block in found.blocks) < WORKING_PRECISION
    compared = x + torch.linspace(-1, 1, WIDTH) if case == "positions added" else x
    _, weights = layer.self_attn(compared, compared, x, average_attn_weights=False)
    place = {"spacetime": one_sequence(1), "space": by_frame(1), "time": by_place}[scope]
    for head, captured in enumerate(found.blocks):
        for cell in (Cell(0, 0, 0), Cell(3, 2, 4)):
            sequence, index = place(*cell)
            answer = row(captured, cell)
            for key in np.ndindex(*GRID):
                its_sequence, its_index = place(*key)
                expected = float(weights[sequence, head, index, its_index]) if its_sequence == sequence else 0.0
                assert answer.heat[key] == pytest.approx(expected, abs=ROW_PRECISION)


def test_tokens_without_a_batch_are_one_sequence():
    layer = randomise(TorchLayer())
    attach_model(layer, token_grid=GRID)
    found = record(layer, torch_tokens("spacetime", 0)[0])
    assert found.blocks[0].query_grid.shape == GRID
    assert found.blocks[0].rebuild_error < WORKING_PRECISION


@pytest.mark.parametrize("norm_first", [True, False])
def test_the_fast_path_of_torchs_encoder_steps_aside_for_the_hooks(norm_first):
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(WIDTH, 2, 16, batch_first=True, norm_first=norm_first),
        num_layers=2,
        enable_nested_tensor=False,
    )
    randomise(encoder)
    x = torch_tokens("spacetime", 0)
    before = encoder(x)
    attach_model(encoder, token_grid=GRID)
    found = record(encoder, x)
    assert [block.name for block in found.blocks] == [f"layers.{i}.self_attn.head{h}" for i in (0, 1) for h in (0, 1)]
    assert max(block.rebuild_error for block in found.blocks) < WORKING_PRECISION
    torch.testing.assert_close(encoder(x), before)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn, self.cross = (nn.MultiheadAttention(WIDTH, HEADS, batch_first=True) for _ in range(2))

    def forward(self, x):
        x = self.attn(x, x, x)[0]
        return self.cross(x, x.flip(1), x.flip(1))[0]


def test_cross_attention_is_asked_by_its_queries_and_the_rest_by_positions():
    decoder = randomise(Decoder())
    attach_model(decoder, token_grid=GRID)
    found = record(decoder, torch_tokens("spacetime", 0))
    assert {(block.name.split(".")[0], block.asker) for block in found.blocks} == {("attn", None), ("cross", "query 1")}
    assert found.unreadable == []


FLIPS = {
    "no scale": lambda layer: setattr(layer, "scale", 1.0),
    "scale of all heads": lambda layer: setattr(layer, "scale", WIDTH**-0.5),
    "bias of q": lambda layer: nn.init.zeros_(layer.qkv.bias[:WIDTH]),
    "bias of v": lambda layer: nn.init.zeros_(layer.qkv.bias[2 * WIDTH :]),
    "bias of the projection": lambda layer: nn.init.zeros_(layer.proj.bias),
    "norm of q": lambda layer: setattr(layer, "q_norm", nn.Identity()),
    "norm of the result": lambda layer: setattr(layer, "norm", nn.Identity()),
}


@pytest.mark.parametrize("flip", FLIPS)
def test_every_flipped_setting_of_an_attention_shows(flip):
    model, twin = (randomise(TimmVit(qk_norm=True, scale_norm=True, fused=False)) for _ in range(2))
    site = find_sites(model).sites[0]
    module = twin.get_submodule(site.name)
    wrong = replace(site.reader.attention, module=module, projected=Projections(module, ("qkv",)))
    attach((replace(site, reader=replace(site.reader, attention=wrong), second=None),))
    assert record(model, clip()).blocks[0].rebuild_error < WORKING_PRECISION
    FLIPS[flip](wrong.module)
    found = record(model, clip())
    assert found.blocks == []
    assert off_by(found.unreadable[0][1]) > WRONG


def test_torchvisions_sizes_say_the_grid():
    model = randomise(TorchvisionVit())
    attach_model(model)
    frames = torch.randn(3, 3, 4 * PATCH, 4 * PATCH)
    moved = frames.clone()
    moved[1, :, 2 * PATCH : 3 * PATCH, :PATCH] += 1
    before, after = (record(model, x, frames=3).blocks[2] for x in (frames, moved))
    assert (before.scope, before.off_grid_keys) == ("space", CLASS)
    change = np.abs(after.theta - before.theta).max(axis=1).reshape(3, 4, 4)
    assert np.argwhere(change > 1e-6).tolist() == [[1, 2, 0]]


@pytest.mark.parametrize("case", ["timm", "ViT"])
def test_another_size_than_the_one_it_was_built_for_has_its_own_grid(case):
    model, name, *_ = NETWORKS[case]
    randomise(model)
    if case == "timm":
        model.patch_embed.patch_size = (PATCH, PATCH)
    attached = attach_model(model, fed=Fed(frames=FRAMES, hw=(IMAGE_HW[0], 2 * PATCH)))
    found = record(model, clip()[..., : 2 * PATCH])
    attached.detach()
    layer, tokens = seen_by(model, name, clip()[..., : 2 * PATCH])
    q, k = layer.qk(tokens)
    captured = next(block for block in found.blocks if block.name == f"{name}.head1")
    assert captured.query_grid.shape == (FRAMES, ROWS, 2)
    expected = softmax_row(q[1, 1, 1 + 2 * 2 + 1], k[1, 1], layer.used_scale())
    np.testing.assert_allclose(row(captured, Cell(1, 2, 1)).heat[1].reshape(-1), expected[1:], atol=ROW_PRECISION)


def test_maps_of_tokens_are_listed():
    layer = randomise(FusedLayer())
    layer.forward = lambda x: x
    attach_model(layer, token_grid=GRID)
    found = record(layer, torch.randn(1, 3, 5, WIDTH))
    ((name, reason),) = found.unreadable
    assert name == "FusedLayer"
    assert "saw no softmax of products" in reason
    assert reason.endswith("it was not called with sequences of tokens (B, N, C), but with (1, 3, 5, 12)")


def test_tokens_that_do_not_fit_the_grid_are_listed_with_both_numbers():
    layer = randomise(TorchLayer())
    attach_model(layer, token_grid=(4, 3, 6), class_tokens=1)
    found = record(layer, torch_tokens("spacetime", 1))
    assert not found.blocks
    ((name, reason),) = found.unreadable
    assert name == "self_attn"
    assert "saw 1 sequences of 61 tokens, which are no grid of 4x3x6 cells with 1 tokens before it" in reason


def test_sequences_that_could_be_frames_or_places_are_not_guessed():
    layer = randomise(TorchLayer())
    attach_model(layer, token_grid=(6, 2, 3))
    found = record(layer, torch.randn(6, 6, WIDTH), frames=6)
    ((_, reason),) = found.unreadable
    assert "fit space and time alike" in reason


def test_training_mode_is_refused():
    model = randomise(TimmVit())
    attach_model(model)
    model.train()
    with pytest.raises(CaptureError, match=r"'blocks.0.attention': it is in training mode, where dropout"):
        record(model, clip())


def test_half_precision_is_proved_in_float32():
    model = randomise(TimmVit())
    attach_model(model)
    with torch.autocast("cpu", torch.bfloat16):
        found = record(model, clip())
    assert max(block.rebuild_error for block in found.blocks) < WORKING_PRECISION
    assert all(block.is_half for block in found.blocks)
    assert found.unreadable == []


def test_a_layer_that_runs_again_is_numbered():
    layer = randomise(FusedLayer())
    attach_model(nn.ModuleDict({"a": layer}), token_grid=GRID)
    with recording(view=VIEW, clip_frames=FRAMES) as found:
        layer(layer(torch_tokens("spacetime", 0)))
    assert [block.name for block in found.blocks[::HEADS]] == ["a.head0", "a@2.head0"]
    assert [block.title for block in found.blocks[::HEADS]] == ["a · head 1", "a · run 2 · head 1"]
