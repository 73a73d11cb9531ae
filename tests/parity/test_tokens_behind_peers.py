"""Transformers' networks whose other tokens come behind the patches: every row equals the layer's own weights."""

import importlib
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core import Session

FRAMES, ROWS, COLS = 4, 4, 4
SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 32}
CLIP = np.random.default_rng(5).integers(0, 256, (FRAMES, 64, 64, 3), np.uint8)
CASES = {
    "YolosModel": ("YolosConfig", {"image_size": [64, 64], "patch_size": 16, "num_detection_tokens": 100}, 100),
    "XCLIPVisionModel": ("XCLIPVisionConfig", {"image_size": 64, "patch_size": 16, "num_frames": FRAMES}, 1),
}


def network_of(name):
    if find_spec("transformers") is None:
        pytest.skip("transformers is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peers warn about at import is theirs
        library = importlib.import_module("transformers")
        config, more, behind = CASES[name]
        network = getattr(library, name)(getattr(library, config)(**SMALL, **more, attn_implementation="eager"))
    torch.manual_seed(6)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=1.5 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.4)
    return network.eval().requires_grad_(requires_grad=False), behind


@pytest.mark.parametrize("name", CASES)
def test_rows_of_patches_between_other_tokens(name):
    network, behind = network_of(name)
    own = {}

    def keep(layer, _args, output):
        weights = output[1] if isinstance(output, tuple) and len(output) > 1 else None
        if weights is not None and len(weights) == FRAMES:  # not of a forecast, which runs fewer
            own.setdefault(layer, weights.clone())

    layers = {path: layer for path, layer in network.named_modules() if path.endswith("attn") or "attention" in path}
    for layer in layers.values():
        layer.register_forward_hook(keep)
    session = Session.from_model(network, CLIP, status="untrained", frames=FRAMES)
    cells = ROWS * COLS
    of_frames = [block for block in session.capture.blocks if block.query_grid.shape == (FRAMES, ROWS, COLS)]
    assert len({block.layer for block in of_frames}) == 2, session.unreadable
    for block in of_frames:
        frame, head = 2, block.head
        table = own[layers[block.layer]][frame, head].numpy()
        assert table.shape[0] == 1 + cells + behind
        assert len(block.askers) == 1 + behind
        others = [0, *range(1 + cells, 1 + cells + behind)]
        for y, x in ((0, 0), (1, 3), (3, 2)):
            row = session.query(frame=frame, x=(x + 0.5) / COLS, y=(y + 0.5) / ROWS, block=block.name)
            asked = 1 + y * COLS + x
            np.testing.assert_allclose(row.heat[frame].ravel(), table[asked, 1 : 1 + cells], atol=1e-4)
            np.testing.assert_allclose([row.off_grid[name] for name in block.askers], table[asked, others], atol=1e-4)
