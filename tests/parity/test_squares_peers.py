"""Towers whose cells come in squares and windows: rows, places and effects of the layers are those of their own run."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nonlocal_core import InputSpec, Session
from nonlocal_core.capture import many_row_weights
from nonlocal_core.media import network_input

PATCH, HEADS = 14, 3
ROW_PRECISION = 1e-5  # float32; worst seen 2e-7
CLIP = np.random.default_rng(0).integers(0, 256, (4, 84, 140, 3), np.uint8)
SEEN = InputSpec(short_side=6 * PATCH, multiple_of=2 * PATCH, mean=(0.5,) * 3, std=(0.5,) * 3)


def laid(clip):
    """Patches of two frames each, square of 2 x 2 after square, and their grid."""
    steps, rows, cols = clip.shape[2] // 2, clip.shape[3] // PATCH, clip.shape[4] // PATCH
    cut = clip[0].reshape(3, steps, 2, rows // 2, 2, PATCH, cols // 2, 2, PATCH)
    return cut.permute(1, 3, 6, 4, 7, 0, 2, 5, 8).reshape(steps * rows * cols, -1), torch.tensor([[steps, rows, cols]])


def tower():
    module = pytest.importorskip(
        "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl", reason="transformers is not installed"
    )
    config = module.Qwen2_5_VLVisionConfig(
        depth=2,
        hidden_size=48,
        out_hidden_size=24,
        num_heads=HEADS,
        intermediate_size=32,
        window_size=4 * PATCH,
        fullatt_block_indexes=[1],
    )
    torch.manual_seed(0)
    network = module.Qwen2_5_VisionTransformerPretrainedModel(config).eval()
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
        elif "bias" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return network


def own_run(network, clip, monkeypatch):
    """Return the weights of every product of a run, and the stream before and behind each layer, in the run's order."""
    weights, streams, handles = [], [], []
    attend = functional.scaled_dot_product_attention

    def seen(q, k, v, **more):
        scale = more.get("scale") or q.shape[-1] ** -0.5
        weights.append((scale * q @ k.mT).softmax(-1)[0])
        return attend(q, k, v, **more)

    for block in network.blocks:
        for norm in (block.norm1, block.norm2):
            handles.append(norm.register_forward_pre_hook(lambda _, args: streams.append(args[0].clone())))
    monkeypatch.setattr(functional, "scaled_dot_product_attention", seen)
    with torch.no_grad():
        network(*laid(clip))
    for handle in handles:
        handle.remove()
    monkeypatch.undo()
    return weights, streams


def order_of_tokens(grid):
    """The number, along the rows, of the cell of each token, by loops over windows, squares and cells."""
    steps, rows, cols = grid
    number = np.arange(steps * rows * cols).reshape(grid)
    found = []
    for step in range(steps):
        for above in range(0, rows, 4):
            for before in range(0, cols, 4):
                for top in range(above, min(above + 4, rows), 2):
                    for left in range(before, min(before + 4, cols), 2):
                        found += number[step, top : top + 2, left : left + 2].ravel().tolist()
    return np.array(found)


@pytest.mark.parametrize("frames", [2, 4])
def test_rows_and_effects_of_windows_and_of_whole_frames_are_the_layers_own(frames, monkeypatch):
    network = tower()
    session = Session.from_model(
        network, CLIP[:frames], status="untrained", input_spec=SEEN, takes="clip", inputs=laid, frames=frames
    )
    assert session.unreadable == ()
    clip = torch.from_numpy(network_input(session.frames, SEEN)[0])
    weights, streams = own_run(network, clip, monkeypatch)
    grid = session.capture.blocks[0].query_grid.shape
    cells, count = order_of_tokens(grid), int(np.prod(grid))
    assert grid == (frames // 2, 6, 10)
    for layer in range(2):
        parts, start = [], 0
        while start < count:
            parts.append(weights.pop(0))
            start += parts[-1].shape[-1]
        before, behind = streams[2 * layer], streams[2 * layer + 1]
        effect = np.empty(count)
        effect[cells] = ((behind - before).norm(dim=-1) / before.norm(dim=-1)).numpy()
        for head in range(HEADS):
            expected, start = np.zeros((count, count)), 0
            for part in parts:
                own = cells[start : start + part.shape[-1]]
                expected[np.ix_(own, own)] = part[head].numpy()
                start += len(own)
            block = session.block(f"blocks.{layer}.attn.head{head}")
            np.testing.assert_allclose(many_row_weights(block, np.arange(count)), expected, atol=ROW_PRECISION)
            np.testing.assert_allclose(block.effect, effect, rtol=1e-5)
    assert not weights
