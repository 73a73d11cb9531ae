"""Foreign non-local blocks: found by their parts, read exactly, proved; and whatever differs shows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from foreign_blocks import (
    INNER,
    TEA_MODES,
    AlexHexBlock,
    C,
    FastaiBlock,
    GluonBlock,
    InvertedMmcvBlock,
    MmcvBlock,
    NL3DWrapper,
    NONLocalBlock3D,
    SaganBlock,
    SlowFastBlock,
    SlowFastStage,
    TeaBlock,
    TimmBlock,
    TusharBlock,
    conv,
    maps_of,
    randomise,
)
from loop_oracle import affinity, block_output, max_pool
from refusals import off_by
from torch import nn

from nonlocal_core.capture import BlockSite, attach, recording
from nonlocal_core.capture.adapters import attach as attach_model
from nonlocal_core.capture.adapters import find_sites
from nonlocal_core.errors import CaptureError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.models import NonlocalBlock, NonlocalConfig
from nonlocal_core.query import row
from nonlocal_core.vocabulary import PAIRWISE

T, H, W = 4, 3, 5
VIEW = ViewTransform(shown_hw=(30, 50), input_hw=(30, 50))
WORKING_PRECISION = 1e-4  # rebuild error of a true reading in float32; worst seen 1.4e-5
ROW_PRECISION = 1e-5  # of the largest weight; worst seen 2e-6
WRONG = 1e-2  # rebuild error of the least visible wrong setting; least seen 2e-2

MMCV = [MmcvBlock(mode, sub_sample=sub) for mode in PAIRWISE for sub in (True, False)]
ALEXHEX = [AlexHexBlock(pairwise, sub_sample=sub) for pairwise in PAIRWISE[1:] for sub in (True, False)]
BLOCKS = [
    *MMCV,
    MmcvBlock(use_scale=False),
    MmcvBlock(with_norm=False),
    MmcvBlock("dot_product", axes=2),
    MmcvBlock("concatenation", axes=1),
    InvertedMmcvBlock(),
    *(SlowFastBlock(kind, kernel=kernel) for kind in ("softmax", "dot_product") for kernel in (None, (1, 2, 2))),
    SlowFastBlock("softmax", kernel=(2, 2, 2), norm_name="norm"),
    SlowFastBlock("dot_product", norm_name=None),
    *ALEXHEX,
    NONLocalBlock3D("gaussian", sub_sample=True),
    NONLocalBlock3D("gaussian", sub_sample=False, with_norm=False),
    AlexHexBlock("embedded_gaussian", inner_scale=True, with_norm=False),
    AlexHexBlock("dot_product", axes=2),
    AlexHexBlock("embedded_gaussian", axes=1),
    *(TeaBlock(mode) for mode in TEA_MODES),
    GluonBlock(),
    GluonBlock(use_bn=False),
    TusharBlock(),
    TimmBlock(),
    TimmBlock(use_scale=False),
]


def name_of(block):
    said = {key: value for key, value in vars(block).items() if isinstance(value, str | bool | tuple)}
    return "-".join([type(block).__name__, *(str(value) for key, value in said.items() if key != "training")])


def clip_for(block, seed=0):
    axes = next(layer for layer in block.modules() if hasattr(layer, "kernel_size")).weight.ndim - 2
    shape = {1: (1, C, T), 2: (T, C, H, W), 3: (1, C, T, H, W)}[axes]
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def record(model, x):
    with recording(view=VIEW, clip_frames=T) as found:
        model(x)
    return found


def explicit_rows(x, state, setting, *, scope, groups=1):
    """The affinity matrix by loops in float64, from the weights of the block."""

    def convolved(name, maps):
        return np.einsum("oc,cthw->othw", state[f"{name}.weight"], maps) + np.reshape(
            state.get(f"{name}.bias", 0.0), (-1, 1, 1, 1)
        )

    theta, phi = x, max_pool(x, setting["kernel"])
    if setting["pairwise"] != "gaussian":
        theta = convolved("theta", x)
        phi = convolved("phi", phi) if setting["pool_first"] else max_pool(convolved("phi", x), setting["kernel"])
    if setting["pairwise"] == "concatenation":
        theta, phi = convolved("w_theta", theta), convolved("w_phi", phi)
    return affinity(
        theta.reshape(len(theta), -1).T,
        phi.reshape(len(phi), -1).T,
        pairwise=setting["pairwise"],
        scale=setting["scale"],
        query_thw=x.shape[1:],
        kernel=setting["kernel"],
        scope=scope,
        groups=groups,
    )


def assert_read_exactly(captured, x, block, *, groups=1):
    state, setting = block.canonical()
    scope = "space" if x.ndim == 4 else "spacetime"
    matrix = explicit_rows(maps_of(x), state, setting, scope=scope, groups=groups)
    assert (captured.pairwise, captured.scope) == (setting["pairwise"], scope)
    assert captured.scale == pytest.approx(setting["scale"])
    assert captured.subsample == setting["kernel"]
    rows = np.stack([row(captured, captured.query_grid.cell(i)).values for i in range(captured.query_grid.size)])
    np.testing.assert_allclose(rows, matrix, atol=ROW_PRECISION * np.abs(matrix).max())
    assert captured.rebuild_error < WORKING_PRECISION
    assert captured.note == ""


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_a_stand_in_computes_what_its_peer_does_by_the_definition(block):
    x = clip_for(randomise(block))
    state, setting = block.canonical()
    scope = "space" if x.ndim == 4 else "spacetime"
    expected = block_output(maps_of(x), state, **setting, scope=scope, groups=1)
    np.testing.assert_allclose(maps_of(block(x)), expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_rows_are_those_of_the_definition_and_the_output_is_rebuilt(block):
    x = clip_for(randomise(block))
    network = nn.Sequential(nn.Identity(), block)
    attached = attach_model(network)
    assert [site.name for site in attached.found.sites] == ["1"]
    assert attached.found.unreadable == ()
    (captured,) = record(network, x).blocks
    assert_read_exactly(captured, x, block)
    z, before = maps_of(block(x)), maps_of(x)
    effect = np.linalg.norm(z - before, axis=0) / np.linalg.norm(before, axis=0)
    np.testing.assert_allclose(captured.effect, effect.reshape(-1), rtol=1e-3)


with torch.random.fork_rng():  # a spectral norm begins at vectors that are drawn here
    torch.manual_seed(0)
    SAGANS = {
        "SAGAN": SaganBlock(),
        "with its map": SaganBlock(returns_map=True),
        "kept map": SaganBlock(keeps_map=True),
        "spectral norm": SaganBlock(layer=nn.utils.parametrizations.spectral_norm),
        "weight norm": SaganBlock(layer=nn.utils.parametrizations.weight_norm),
        "layers of its own before": SaganBlock(stem=True),
        "fastai": FastaiBlock(),
    }


@pytest.mark.parametrize("case", SAGANS)
@pytest.mark.parametrize("gain", [0.7, 0.0])
def test_attention_on_maps_under_other_names_is_a_nonlocal_block(case, gain):
    block = randomise(SAGANS[case])
    with torch.no_grad():
        block.gamma.fill_(gain)
    attached = attach_model(block)
    assert attached.found.unreadable == ()
    shape = (T, 3, 2 * H, 2 * W) if case.startswith("layers") else (T, C, H, W)
    x = 0.4 * torch.randn(shape, generator=torch.Generator().manual_seed(1))
    (captured,) = record(block, x).blocks
    attached.detach()
    assert (captured.query_grid.shape, captured.scope, captured.scale) == ((T, H, W), "space", 1.0)
    within = block.weights(x)
    for i in range(captured.query_grid.size):
        expected = np.zeros((T, H * W))
        expected[i // (H * W)] = within[i // (H * W), i % (H * W)]
        answer = row(captured, captured.query_grid.cell(i))
        np.testing.assert_allclose(answer.values, expected.reshape(-1), atol=ROW_PRECISION)
    assert captured.rebuild_error < WORKING_PRECISION


def test_the_networks_output_and_weights_stay_as_they_were():
    block = randomise(MmcvBlock())
    network = nn.Sequential(block)
    before, state = network(clip_for(block)), {key: value.clone() for key, value in network.state_dict().items()}
    network.train()
    attached = attach_model(network)
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())
    assert all(module.training for module in network.modules())
    network.eval()
    assert torch.equal(network(clip_for(block)), before)
    attached.detach()
    assert record(network, clip_for(block)).blocks == []


@pytest.mark.parametrize("groups", [2, 4])
def test_temporal_groups_come_from_the_stage_around_the_block(groups):
    block = randomise(SlowFastBlock())
    network = nn.ModuleDict({"s3": SlowFastStage(block, groups)})
    attach_model(network)
    x = clip_for(block)
    with recording(view=VIEW, clip_frames=T) as found:
        z = network["s3"](x)
    (captured,) = found.blocks
    assert (captured.name, captured.temporal_groups) == ("s3.pathway0_nonlocal1", groups)
    assert captured.query_grid.shape == (T, H, W)
    assert_read_exactly(captured, x, block, groups=groups)
    state, setting = block.canonical()
    expected = block_output(maps_of(x), state, **setting, scope="spacetime", groups=groups)
    np.testing.assert_allclose(maps_of(z), expected, atol=2e-5 * np.abs(expected).max())


def test_the_wrapper_of_a_block_is_not_reported_and_frames_become_a_clip():
    block = randomise(AlexHexBlock())
    network = randomise(NL3DWrapper(block, T))
    found = attach_model(network).found
    assert ([site.name for site in found.sites], found.unreadable) == (["nl"], ())
    frames = torch.randn(T, C, H, W, generator=torch.Generator().manual_seed(0))
    (captured,) = record(network, frames).blocks
    clip = network.block(frames).unflatten(0, (1, T)).transpose(1, 2)
    assert_read_exactly(captured, clip, block)


def test_own_blocks_are_found_in_other_networks():
    block = randomise(NonlocalBlock(C, "dot_product", NonlocalConfig(subsample=(1, 2, 2))))
    network = nn.Sequential(nn.Conv3d(C, C, 1), block).eval()
    attach_model(network)
    (captured,) = record(network, torch.randn(1, C, T, H, W)).blocks
    assert (captured.name, captured.pairwise) == ("1", "dot_product")
    assert captured.rebuild_error < WORKING_PRECISION


def found_reader(block):
    (site,) = find_sites(block).sites
    return site.reader


def record_with(reader, block):
    site = BlockSite(name="b", title="b", module=block, reader=reader, status="trained")
    detach = attach((site,))
    found = record(block, clip_for(block))
    detach()
    return found


def recorded_with(reader, block):
    (captured,) = record_with(reader, block).blocks
    return captured


def refused_with(reader, block):
    found = record_with(reader, block)
    assert found.blocks == []
    ((_, reason),) = found.unreadable
    return reason


class Pooled(nn.Module):
    """A projection of what was pooled, where the block pools what was projected."""

    def __init__(self, part):
        super().__init__()
        self.steps = nn.Sequential(part[1], part[0])

    def forward(self, x):
        return self.steps(x)


def without_bias(layer):
    twin = conv(layer.weight.ndim - 2, layer.in_channels, layer.out_channels)
    twin.weight.data.copy_(layer.weight)
    nn.init.zeros_(twin.bias)
    return twin


def flips():
    """Every setting that no state dict shows, with the reading that gets it wrong."""
    scaled, pooled, slow = MmcvBlock(sub_sample=False), AlexHexBlock(), SlowFastBlock()
    tea, dot, plain = TeaBlock("concatenate"), AlexHexBlock("dot_product"), AlexHexBlock(with_norm=False)
    return [
        ("scale left out", scaled, lambda reader: replace(reader, scale=1.0)),
        ("scale of the input's channels", scaled, lambda reader: replace(reader, scale=C**-0.5)),
        ("scale inverted", scaled, lambda reader: replace(reader, scale=INNER**0.5)),
        ("scale put in", pooled, lambda reader: replace(reader, scale=INNER**-0.5)),
        (
            "pooled before instead of after",
            pooled,
            lambda reader: replace(reader, phi=Pooled(reader.phi), g=Pooled(reader.g)),
        ),
        (
            "pooled after instead of before",
            slow,
            lambda reader: replace(
                reader,
                pool_first=None,
                phi=nn.Sequential(reader.phi, reader.pool_first),
                g=nn.Sequential(reader.g, reader.pool_first),
            ),
        ),
        ("softmax for dot product", dot, lambda reader: replace(reader, pairwise="embedded_gaussian")),
        ("dot product for softmax", pooled, lambda reader: replace(reader, pairwise="dot_product")),
        ("bias of W_z left out", plain, lambda reader: replace(reader, out=(without_bias(reader.out[0]),))),
        ("bias of theta left out", pooled, lambda reader: replace(reader, theta=without_bias(reader.theta))),
        (
            "bias of the concatenation left out",
            tea,
            lambda reader: replace(reader, concat=without_bias(reader.concat[0])),
        ),
        ("norm left out", slow, lambda reader: replace(reader, out=reader.out[:1])),
    ]


@pytest.mark.parametrize(("block", "flip"), [case[1:] for case in flips()], ids=[case[0] for case in flips()])
def test_every_flipped_setting_shows_in_the_rebuild_error(block, flip):
    reader = found_reader(randomise(block))
    assert recorded_with(reader, block).rebuild_error < WORKING_PRECISION
    assert off_by(refused_with(flip(reader), block)) > WRONG


def test_groups_left_out_show_too():
    block = randomise(SlowFastBlock())
    stage = SlowFastStage(block, 2)
    attach_model(stage)
    (captured,) = record(stage, clip_for(block)).blocks
    whole = replace(captured, temporal_groups=1)
    state, setting = block.canonical()
    grouped = explicit_rows(maps_of(clip_for(block)), state, setting, scope="spacetime", groups=2)
    rows = np.stack([row(whole, whole.query_grid.cell(i)).values for i in range(whole.query_grid.size)])
    assert np.abs(rows - grouped).max() > WRONG


@pytest.mark.parametrize("pairwise", ["embedded_gaussian", "dot_product"])
@pytest.mark.parametrize("inner_scale", [False, True])
def test_a_block_that_still_changes_nothing_is_told_apart_by_a_random_copy(pairwise, inner_scale):
    block = randomise(AlexHexBlock(pairwise, inner_scale=inner_scale))
    for parameter in block.W.parameters():
        nn.init.zeros_(parameter)
    block.W[1].running_mean.zero_()
    reader = found_reader(block)
    assert reader.pairwise == pairwise
    assert reader.scale == pytest.approx(INNER**-0.5 if inner_scale and pairwise != "dot_product" else 1.0)
    captured = recorded_with(reader, block)
    assert captured.mean_effect == 0


def test_training_mode_is_refused_with_what_to_do():
    block = randomise(AlexHexBlock())
    attach_model(block)
    block.train()
    with pytest.raises(CaptureError, match=r"'AlexHexBlock': it is in training mode.*Call model.eval\(\) first"):
        record(block, clip_for(block))


def test_a_batch_of_clips_is_refused_but_a_batch_of_frames_is_a_clip():
    block = randomise(AlexHexBlock())
    attach_model(block)
    with pytest.raises(CaptureError, match="saw a batch of 3, expected 1"):
        record(block, torch.randn(3, C, T, H, W))
    frames = randomise(TimmBlock())
    attach_model(frames)
    assert record(frames, torch.randn(T, C, H, W)).blocks[0].query_grid.shape == (T, H, W)


def test_a_network_is_hooked_once_until_it_is_detached():
    block = randomise(AlexHexBlock())
    attached = attach_model(block)
    with pytest.raises(CaptureError, match=r"AlexHexBlock already are\. Detach the earlier hooks first"):
        attach_model(block)
    attached.detach()
    attach_model(block)
    assert len(record(block, clip_for(block)).blocks) == 1
