"""The block of the mark and its network against loops in float64; names and memory against their definitions."""

import numpy as np
import pytest
import torch

from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.models.mark import BYTES_PER_PIXEL, MARK_CHANNELS, STRENGTH, TITLE, MarkBlock, MarkNetwork
from nonlocal_core.models.progress import forward_progress

B, C, T, H, W = 2, 6, 3, 4, 5


def scrambled(module, seed=0):
    """The module with weights that start nothing at zero or one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5 + 0.1)
    return module


def looped(block, x):
    """z of an embedded Gaussian, one position after another."""
    weights = {name: value.detach().numpy().astype(np.float64) for name, value in block.named_parameters()}

    def conv(name, vector):
        return weights[f"{name}.weight"].reshape(-1, C) @ vector + weights[f"{name}.bias"]

    z = np.empty_like(x)
    for batch in range(len(x)):
        rows = x[batch].reshape(C, -1).T
        seen = rows * weights["gain"]
        seen = weights["length"] * seen / np.linalg.norm(seen, axis=1, keepdims=True)
        theta, phi = (np.array([conv(name, each) for each in seen]) for name in ("theta", "phi"))
        values = np.array([conv("g", each) for each in rows])
        for i, row in enumerate(rows):
            scores = phi @ theta[i]
            part = np.exp(scores - scores.max())
            z[batch].reshape(C, -1)[:, i] = row + conv("out", (part / part.sum()) @ values)
    return z


def test_the_block_adds_what_loops_over_positions_add():
    block = scrambled(MarkBlock(C))
    x = np.random.default_rng(0).normal(size=(B, C, T, H, W))
    with torch.no_grad():
        found = block(torch.from_numpy(x).float()).numpy()
    np.testing.assert_allclose(found, looped(block, x), atol=2e-5)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return MarkNetwork(Lite0(), ("paper-20", "identity-0", "identity-1")).eval()


def test_progress_is_reported_to_the_end(network):
    told = []
    with forward_progress(lambda done, total: told.append((done, total))):
        network(torch.rand(1, 6, 1, 32, 32))
    assert told == [(1, 2), (2, 2)]


def test_a_cell_wears_a_mark_that_covers_more_than_half_of_it(network):
    clip = torch.zeros(1, 6, 2, 64, 96)
    clip[0, 3, 1, :16, 16:25] = 1  # nine of sixteen columns of one cell
    clip[0, 4, 1, 16:32, 32:40] = 1  # eight of sixteen: not more than half
    seen = []
    hook = network.looks["identity-0"].register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    with torch.no_grad():
        said = network(clip)
    hook.remove()
    marks = seen[0][0, -3:]
    assert seen[0].shape == (1, MARK_CHANNELS, 2, 4, 6)
    assert marks[0, 1, 0, 1] == STRENGTH
    assert marks.sum() == STRENGTH
    features = seen[0][0, :-3].double().flatten(1)
    np.testing.assert_allclose(features.mean(dim=1), 0, atol=1e-5)
    assert said.shape == (1, 3 * 2 * 4 * 6, 3)
    with torch.no_grad():
        own = network.heads["identity-0"](network.looks["identity-0"](seen[0]).flatten(2).mT)
    torch.testing.assert_close(said[:, 48:96], own)


def test_snapshots_say_when_they_were_taken(network):
    assert [block.title for block in network.inserted] == [
        "the paper's start · after 20 steps",
        "identity · before training",
        "identity · after 1 step",
    ]
    assert [block.status for block in network.inserted] == ["trained", "untrained", "trained"]
    assert network.shown == "identity-1"
    assert MarkNetwork(Lite0()).inserted[0].title == TITLE


def test_memory_grows_by_the_pixels_of_the_clip(network):
    small, large = (2, 6, 3, 64, 96), (2, 6, 5, 64, 96)
    trunk = [network.trunk.forward_bytes(frames=2 * shape[2], height=64, width=96) for shape in (small, large)]
    assert network.forward_bytes(small) == trunk[0] + BYTES_PER_PIXEL * 2 * 3 * 64 * 96
    assert network.forward_bytes(large) == trunk[1] + BYTES_PER_PIXEL * 2 * 5 * 64 * 96
