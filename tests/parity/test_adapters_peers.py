"""Installed peers: their own modules with random weights, captured rows equal to those of their own tensors.

Each peer's affinity is taken inside its own forward pass, where it is softmaxed, divided or returned, so nothing here
says how it computes. What cannot be taken there is in the rebuilt output, which the capture compares itself.
"""

import functools
import importlib
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from peer_modules import peer_module
from torch import nn

from nonlocal_core.capture import recording
from nonlocal_core.capture.adapters import attach as attach_model
from nonlocal_core.capture.adapters import find_sites
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.query import row
from nonlocal_core.vocabulary import PAIRWISE

C, INNER, T, H, W = 14, 7, 4, 6, 10
VIEW = ViewTransform(shown_hw=(60, 100), input_hw=(60, 100))
WORKING_PRECISION = 1e-4  # rebuild error of a true reading in float32, channel by channel; worst seen 3e-5
ROW_PRECISION = 1e-5  # of the largest weight; worst seen 3e-6


def randomise(network):
    torch.manual_seed(6)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=1.5 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.4)
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    return network.eval().requires_grad_(requires_grad=False)


def record(model, x, frames=T):
    attached = attach_model(model)
    assert attached.found.unreadable == ()
    with recording(view=VIEW, clip_frames=frames) as found:
        model(x)
    attached.detach()
    assert not found.unreadable
    return found.blocks


class Affinities(torch.overrides.TorchFunctionMode):
    """Keeps what a module multiplies g or v by: the first factor of the last product that it makes."""

    def __init__(self):
        super().__init__()
        self.factors = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm):
            self.factors.append(args)
        if func is torch.einsum:
            self.factors.append(args[1] if isinstance(args[1], tuple | list) else args[1:])
        return func(*args, **(kwargs or {}))


def affinity_inside(block, x):
    """The weights (B, Nq, Nk) that a peer's block sums g with, taken from its own last product."""
    with Affinities() as seen:
        block(x)
    return next(factor for factor in seen.factors[-1] if factor.shape[1] == x[0, 0].numel() and factor.ndim == 3)


def assert_rows(captured, weights):
    """Compare every row; ``weights`` (Nq, Nk) of a clip, or (T, H*W, Nk of a frame)."""
    rows = np.stack([row(captured, captured.query_grid.cell(i)).values for i in range(captured.query_grid.size)])
    if weights.ndim == 3:
        expected = np.zeros((len(weights), weights.shape[1], len(weights), weights.shape[2]))
        for frame, within in enumerate(weights):
            expected[frame, :, frame] = within
        weights = expected.reshape(rows.shape)
    np.testing.assert_allclose(rows, weights, atol=ROW_PRECISION * float(np.abs(weights).max()))
    assert captured.rebuild_error < WORKING_PRECISION
    assert captured.note == ""


def mmcv():
    if find_spec("mmcv") is None:
        pytest.skip("mmcv-lite is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("mmcv.cnn.bricks.non_local")


@pytest.mark.parametrize("mode", PAIRWISE)
@pytest.mark.parametrize("sub_sample", [False, True])
@pytest.mark.parametrize("use_scale", [False, True])
@pytest.mark.parametrize("norm_cfg", [None, {"type": "BN3d"}])
def test_mmcv_in_space_and_time(mode, sub_sample, use_scale, norm_cfg):
    block = mmcv().NonLocal3d(C, mode=mode, sub_sample=sub_sample, use_scale=use_scale, norm_cfg=norm_cfg)
    x = torch.randn(1, C, T, H, W)
    (captured,) = record(randomise(nn.Sequential(block)), x)
    assert captured.pairwise == mode
    assert captured.key_grid.shape == ((T, H // 2, W // 2) if sub_sample else (T, H, W))
    assert_rows(captured, affinity_inside(block, x)[0].numpy())


@pytest.mark.parametrize("mode", PAIRWISE)
@pytest.mark.parametrize("sub_sample", [False, True])
def test_mmcv_on_frames(mode, sub_sample):
    block = mmcv().NonLocal2d(C, mode=mode, sub_sample=sub_sample)
    frames = torch.randn(T, C, H, W)
    (captured,) = record(randomise(nn.Sequential(block)), frames)
    assert captured.scope == "space"
    assert_rows(captured, affinity_inside(block, frames).numpy())


@pytest.mark.parametrize("instantiation", ["softmax", "dot_product"])
@pytest.mark.parametrize("pool", [(1, 1, 1), (1, 2, 2), (2, 2, 2)])
@pytest.mark.parametrize("norm", [None, nn.BatchNorm3d])
def test_pytorchvideo(instantiation, pool, norm):
    module = peer_module("pytorchvideo.layers.nonlocal_net")
    block = module.create_nonlocal(dim_in=C, dim_inner=INNER, pool_size=pool, instantiation=instantiation, norm=norm)
    x = torch.randn(1, C, T, H, W)
    (captured,) = record(randomise(nn.Sequential(block)), x)
    assert captured.subsample == pool
    assert_rows(captured, affinity_inside(block, x)[0].numpy())


@functools.cache
def timm(name):
    """A module file of timm; torchvision and timm's own data folder, which it imports and does not need, replaced."""
    root = find_spec("timm")
    if root is None:
        pytest.skip("timm is not installed")
    package = {"__version__": "", "__path__": list(root.submodule_search_locations)}
    replaced = {"timm": package, "timm.data": {}, "torchvision": {}, "torchvision.ops": {}, "torchvision.ops.misc": {}}
    return peer_module(name, replaced=replaced)


@pytest.mark.parametrize("use_scale", [False, True])
def test_timm_non_local(use_scale):
    block = timm("timm.layers.non_local_attn").NonLocalAttn(C, use_scale=use_scale, rd_channels=INNER)
    frames = torch.randn(T, C, H, W)
    (captured,) = record(randomise(nn.Sequential(block)), frames)
    assert captured.scale == (C**-0.5 if use_scale else 1.0)
    assert_rows(captured, affinity_inside(block, frames).numpy())


PATCH, WIDTH, HEADS = 8, 12, 3
HW = (H * PATCH, W * PATCH)


def softmaxed(q, k, scale):
    return (q.double() @ k.double().mT * scale).softmax(-1).numpy()


def assert_heads(blocks, name, weights, cell_tokens):
    """Compare every head of a layer; ``weights`` (B, heads, N, N), ``cell_tokens`` (T, H, W) the token of each cell."""
    heads = [block for block in blocks if block.name.startswith(f"{name}.head")]
    assert len(heads) == HEADS
    for head, captured in enumerate(heads):
        assert captured.query_grid.shape == cell_tokens.shape[:3]
        assert captured.rebuild_error < WORKING_PRECISION
        assert captured.note == ""
        sequences, tokens = cell_tokens.reshape(-1, 2).T
        for i in range(0, captured.query_grid.size, 7):
            answer = row(captured, captured.query_grid.cell(i))
            whole = weights[sequences[i], head, tokens[i]]
            expected = np.where(sequences == sequences[i], whole[tokens], 0)
            np.testing.assert_allclose(answer.values, expected, atol=ROW_PRECISION)
            count = len(captured.off_grid_keys)
            np.testing.assert_allclose(list(answer.off_grid.values()), whole[:count], atol=ROW_PRECISION)


def frame_tokens(frames, extra, rows=H, cols=W):
    """A batch of frames: the sequence is the frame, the tokens go row by row after the extra ones."""
    t, y, x = np.indices((frames, rows, cols))
    return np.stack([t, extra + y * cols + x], axis=-1)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("settings", [{}, {"qk_norm": True}, {"reg_tokens": 2}, {"scale_attn_norm": True}], ids=str)
def test_timm_vision_transformer(settings, fused):
    network = timm("timm.models.vision_transformer").VisionTransformer(
        img_size=HW, patch_size=PATCH, embed_dim=WIDTH, depth=2, num_heads=HEADS, num_classes=5, **settings
    )
    for block in network.blocks:
        block.attn.fused_attn = fused
    frames = torch.randn(T, 3, *HW)
    blocks = record(randomise(network), frames)
    layer = network.blocks[1].attn
    q, k = seen_inputs(network, (layer.q_norm, layer.k_norm), frames)
    weights = softmaxed(layer.q_norm(q), layer.k_norm(k), (WIDTH // HEADS) ** -0.5)
    assert_heads(blocks, "blocks.1.attn", weights, frame_tokens(T, network.num_prefix_tokens))


def seen_inputs(network, layers, x):
    """The first input of each layer, taken by hooks of our own."""
    seen = {}
    handles = [layer.register_forward_pre_hook(lambda layer, args: seen.update({layer: args[0]})) for layer in layers]
    network(x)
    for handle in handles:
        handle.remove()
    return [seen[layer] for layer in layers]


@functools.cache
def transformers():
    if find_spec("transformers") is None:
        pytest.skip("transformers is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("transformers")


SIZES = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS, "intermediate_size": 16}


def hub(kind, **settings):
    """A network of transformers that returns its attention weights, with random weights."""
    return hub_of(kind, **SIZES | {"patch_size": PATCH} | settings)


def hub_of(kind, **settings):
    """The same, with nothing settled beforehand."""
    library = transformers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = getattr(library, f"{kind}Config")(**settings)
        return randomise(getattr(library, f"{kind}Model")(config))


def own_weights(network, x):
    """The weights that the network itself returns, layer by layer; only its plain path keeps them."""
    network.set_attn_implementation("eager")
    weights = network(x, output_attentions=True).attentions
    network.set_attn_implementation("sdpa")
    return [layer.numpy() for layer in weights]


def test_hugging_face_vit_on_frames():
    network = hub("ViT", image_size=HW)
    frames = torch.randn(T, 3, *HW)
    name = next(name for name, module in network.named_modules() if type(module).__name__.endswith("Attention"))
    blocks = record(network, frames)
    assert_heads(blocks, name, own_weights(network, frames)[0], frame_tokens(T, 1))


LATER = {
    "DINOv3": ("DINOv3ViT", {"num_register_tokens": 2}, 3),  # turned queries and keys
    "BEiT": ("Beit", {"use_relative_position_bias": True}, 1),  # a bias that comes as a mask
    "BEiT shared": ("Beit", {"use_shared_relative_position_bias": True}, 1),
    "BLIP": ("BlipVision", {}, 1),  # another name of the output layer
    "InternVL": ("InternVLVision", {"use_qk_norm": False}, 1),
    "InternVL q and k norm": ("InternVLVision", {"use_qk_norm": True}, 1),
}


@pytest.mark.parametrize("case", LATER)
def test_hugging_face_vision_models_that_do_more(case):
    kind, settings, extra = LATER[case]
    side = SIDE * PATCH
    size = {  # these two are made for squares only
        "BlipVision": {"image_size": side},
        "InternVLVision": {"image_size": [side, side], "patch_size": [PATCH, PATCH]},
    }.get(kind)
    network = hub(kind, **(size or {"image_size": list(HW)}), **settings)
    frames, rows, cols = (torch.randn(T, 3, side, side), SIDE, SIDE) if size else (torch.randn(T, 3, *HW), H, W)
    name = next(name for name, module in network.named_modules() if type(module).__name__.endswith("Attention"))
    blocks = record(network, frames)
    assert_heads(blocks, name, own_weights(network, frames)[0], frame_tokens(T, extra, rows, cols))


@pytest.mark.parametrize(
    "settings", [{}, {"attn_type": "rope", "rope_rotate_half": True, "num_reg_tokens": 2}], ids=str
)
def test_timm_eva_with_rotary_embeddings(settings):
    network = timm("timm.models.eva").Eva(
        img_size=HW,
        patch_size=PATCH,
        embed_dim=WIDTH,
        depth=2,
        num_heads=HEADS,
        num_classes=5,
        use_rot_pos_emb=True,
        norm_layer=nn.LayerNorm,
        **settings,
    )
    for block in network.blocks:
        block.attn.fused_attn = False
    frames = torch.randn(T, 3, *HW)
    blocks = record(randomise(network), frames)
    with Affinities() as seen:
        network(frames)
    weights = [first for first, _ in seen.factors if first.ndim == 4 and first.shape[-1] == first.shape[-2]]
    assert len(weights) == 2
    assert_heads(blocks, "blocks.1.attn", weights[1].numpy(), frame_tokens(T, network.num_prefix_tokens))


def test_what_is_not_read_of_hugging_face_is_named_truly():
    hiera = hub_of("Hiera", image_size=[64, 64], embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8])
    swin = hub_of("Swin", image_size=64, patch_size=4, embed_dim=24, depths=[1, 1], num_heads=[1, 2], window_size=4)
    for network, words in ((hiera, "attends within mask units"), (swin, "a bias on relative positions")):
        found = find_sites(network)
        said = [site.because for site in found.sites] + [reason for _, reason in found.unreadable]
        assert any(words in reason for reason in said)
        assert all(words in reason for reason in said if reason)


def test_hugging_face_videomae():
    network = hub("VideoMAE", image_size=HW, num_frames=2 * T, tubelet_size=2)
    clip = torch.randn(1, 2 * T, 3, *HW)
    t, y, x = np.indices((T, H, W))
    place = np.stack([np.zeros_like(t), (t * H + y) * W + x], axis=-1)
    blocks = record(network, clip, frames=2 * T)
    assert_heads(blocks, "encoder.layer.1.attention.attention", own_weights(network, clip)[1], place)


SIDE = 5


def timesformer(kind):
    return hub("Timesformer", image_size=SIDE * PATCH, num_frames=T, attention_type=kind)


def qkv_weights(layer, tokens):
    """Softmax of the layer's own projections in float64, heads as transformers splits them."""
    q, k, _ = layer.qkv(tokens).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
    return softmaxed(q, k, (WIDTH // HEADS) ** -0.5)


def timesformer_places(kind):
    t, y, x = np.indices((T, SIDE, SIDE))
    return {
        "space": np.stack([t, 1 + y * SIDE + x], axis=-1),
        "time": np.stack([y * SIDE + x, t], axis=-1),
        "joint": np.stack([np.zeros_like(t), 1 + (y * SIDE + x) * T + t], axis=-1),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "name", "place"),
    [
        ("divided_space_time", "encoder.layer.1.temporal_attention.attention", "time"),
        ("divided_space_time", "encoder.layer.1.attention.attention", "space"),
        ("joint_space_time", "encoder.layer.1.attention.attention", "joint"),
        ("space_only", "encoder.layer.1.attention.attention", "space"),
    ],
)
def test_hugging_face_timesformer(kind, name, place):
    network = timesformer(kind)
    clip = torch.randn(1, T, 3, SIDE * PATCH, SIDE * PATCH)
    layer = network.get_submodule(name)
    (tokens,) = seen_inputs(network, (layer,), clip)
    assert_heads(record(network, clip), name, qkv_weights(layer, tokens), timesformer_places(place))


@pytest.mark.parametrize(
    ("kind", "name", "place"),
    [
        ("divided_space_time", "encoder.layer.0.temporal_attention.attention", "time"),
        ("joint_space_time", "encoder.layer.0.attention.attention", "joint"),
        ("space_only", "encoder.layer.0.attention.attention", "space"),
    ],
)
def test_a_cell_of_timesformer_is_where_its_pixels_are(kind, name, place):
    network = timesformer(kind)
    clip = torch.randn(1, T, 3, SIDE * PATCH, SIDE * PATCH)
    moved = clip.clone()
    moved[:, 2, :, 3 * PATCH : 4 * PATCH, PATCH : 2 * PATCH] += 1
    before, after = (
        next(block for block in record(network, pixels) if block.name == f"{name}.head0") for pixels in (clip, moved)
    )
    change = np.abs(after.theta - before.theta).max(axis=1).reshape(T, SIDE, SIDE)
    assert np.argwhere(change > 1e-6).tolist() == [[2, 3, 1]]
