"""Tokens that are no positions may come behind those of the grid: which ones do is told by what a change moves."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from named_parts import module_of
from torch import nn

from nonlocal_core import InputSpec, ModelSpec, Session

WIDTH, HEADS, FRAMES = 24, 3, 2
SPEC = ModelSpec(
    status="untrained", input_spec=InputSpec(short_side=64, multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
)
CLIP = np.random.default_rng(5).integers(0, 256, (FRAMES, 64, 80, 3), np.uint8)
ROWS, COLS = 4, 5


class ByHand(nn.Module):
    """Attention under names that say nothing."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x):
        q, k, v = (part(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (self.a, self.b, self.c))
        self.weights = (q @ k.mT * 0.3).softmax(-1)
        return self.d((self.weights @ v).transpose(1, 2).flatten(2))


class Torchs(nn.Module):
    """Attention of torch."""

    def __init__(self):
        super().__init__()
        self.inner = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, x):
        self.weights = self.inner(x, x, x, average_attn_weights=False)[1]
        return self.inner(x, x, x, need_weights=False)[0]


class Between(nn.Module):
    """Patches between learned tokens, through two layers."""

    def __init__(self, layer, before, behind):
        super().__init__()
        torch.manual_seed(7)
        self.patches = nn.Conv2d(3, WIDTH, 16, 16)
        self.before, self.behind = (nn.Parameter(torch.randn(1, count, WIDTH)) for count in (before, behind))
        self.layers = nn.ModuleList([layer(), layer()])

    def forward(self, frames):
        around = (part.expand(len(frames), -1, -1) for part in (self.before, self.behind))
        first, last = around
        x = torch.cat([first, self.patches(frames).flatten(2).mT, last], dim=1)
        for layer in self.layers:
            x = x + layer(x)
        return x


@pytest.mark.parametrize("layer", [ByHand, Torchs])
@pytest.mark.parametrize(("before", "behind"), [(0, 1), (1, 4), (2, 2), (3, 0)])
def test_rows_are_the_layers_own_wherever_other_tokens_stand(layer, before, behind):
    network = Between(layer, before, behind).eval()
    for _ in range(2):  # the second time, what the first learned is known
        session = Session.from_model(network, CLIP, spec=SPEC)
        assert session.unreadable == ()
        assert {block.query_grid.shape for block in session.capture.blocks} == {(FRAMES, ROWS, COLS)}
    names = tuple(f"token {number + 1}" for number in range(before + behind))
    pixels = torch.from_numpy(CLIP).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.25)
    with torch.no_grad():
        network(pixels)
    grid = slice(before, before + ROWS * COLS)
    others = [*range(before), *range(before + ROWS * COLS, before + ROWS * COLS + behind)]
    for number, part in enumerate(network.layers):
        block = [each for each in session.capture.blocks if each.layer.startswith(f"layers.{number}")][1]
        assert block.askers == block.off_grid_keys == names
        own = part.weights[1, 1].detach().numpy()
        row = session.query(frame=1, x=0.5, y=0.6, block=block.name)
        asked = before + row.query.y * COLS + row.query.x
        np.testing.assert_allclose(row.heat[1].ravel(), own[asked, grid], atol=1e-5)
        np.testing.assert_allclose([row.off_grid[name] for name in names], own[asked, others], atol=1e-5)
        last = session.asked_by(names[-1], frame=1, block=block.name)
        np.testing.assert_allclose(last.heat[1].ravel(), own[others[-1], grid], atol=1e-5)


@pytest.mark.parametrize("layer", [ByHand, Torchs])
def test_a_configuration_states_more_tokens_behind_than_would_be_guessed(layer):
    """YOLOS has a hundred tokens that detect, and its configuration says so."""
    network = Between(layer, 1, 40).eval()
    network.config = SimpleNamespace(image_size=(64, 80), patch_size=16, num_detection_tokens=40)
    network.embeddings = module_of(cls_token=nn.Parameter(torch.zeros(1)))
    session = Session.from_model(network, CLIP, spec=SPEC)
    assert session.unreadable == ()
    assert {block.query_grid.shape for block in session.capture.blocks} == {(FRAMES, ROWS, COLS)}
    assert session.capture.blocks[0].askers == ("class token", *(f"detection token {n + 1}" for n in range(40)))
    pixels = torch.from_numpy(CLIP).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.25)
    with torch.no_grad():
        network(pixels)
    own = network.layers[1].weights[1, 1].detach().numpy()
    block = [each for each in session.capture.blocks if each.layer.startswith("layers.1")][1]
    row = session.query(frame=1, x=0.5, y=0.6, block=block.name)
    np.testing.assert_allclose(row.heat[1].ravel(), own[1 + row.query.y * COLS + row.query.x, 1:-40], atol=1e-5)
    last = session.asked_by("detection token 40", frame=1, block=block.name)
    np.testing.assert_allclose(last.heat[1].ravel(), own[-1, 1:-40], atol=1e-5)


def test_a_grid_that_is_in_no_such_order_is_refused_as_before():
    class Mirrored(Between):
        def forward(self, frames):
            return super().forward(frames.flip(-1))

    with pytest.raises(Exception, match="cannot be placed"):
        Session.from_model(Mirrored(ByHand, 1, 2).eval(), CLIP, spec=SPEC)
