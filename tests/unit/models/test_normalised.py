"""The block that was trained: against loops over channels and positions, and what it is before training."""

import math

import loop_oracle
import numpy as np
import pytest
import torch

from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.ops import affinity
from nonlocal_core.vocabulary import PAIRWISE

CHANNELS = 14
EXACT = 1e-11  # float64 against float64, outputs of about 10
SINGLE = 1e-6  # float32 tables of entries below 4


def filled(pairwise, *, seed=0):
    """A block in which nothing is zero or one, in float64."""
    block = NormalisedBlock(CHANNELS, pairwise).double()
    generator = torch.Generator().manual_seed(seed)
    for value in block.state_dict().values():
        value.normal_(std=0.5, generator=generator)
    return block.eval()


def normalised_by_loops(x, gain, length):
    """Return u of one clip x (C, N), one number at a time."""
    standard = np.zeros_like(x)
    for c, channel in enumerate(x):
        mean = sum(channel) / len(channel)
        spread = math.sqrt(sum((v - mean) ** 2 for v in channel) / len(channel))
        standard[c] = [(v - mean) / spread for v in channel]
    unit = standard * gain[:, None]
    for i in range(unit.shape[1]):
        unit[:, i] *= length / math.sqrt(sum(v**2 for v in unit[:, i]))
    return unit


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_output_equals_loops_for_each_clip_of_a_batch(pairwise):
    block = filled(pairwise)
    x = torch.randn(2, CHANNELS, 3, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 9 + 2
    state = {name: value.numpy() for name, value in block.state_dict().items()}
    with torch.no_grad():
        given = block(x).numpy()
    for clip, answer in zip(x.numpy(), given, strict=True):
        rows = clip.reshape(CHANNELS, -1)
        unit = normalised_by_loops(rows, state["gain"], state["length"])

        def layer(name, rows):
            return rows @ state[f"{name}.weight"].T + state.get(f"{name}.bias", 0)

        theta = phi = unit.T
        if pairwise != "gaussian":
            theta, phi = layer("theta", theta), layer("phi", phi)
        if pairwise == "concatenation":
            theta, phi = layer("w_theta", theta), layer("w_phi", phi)
        weights = loop_oracle.affinity(
            theta,
            phi,
            pairwise=pairwise,
            scale=1.0,
            query_thw=(3, 4, 5),
            kernel=(1, 1, 1),
            scope="spacetime",
            groups=1,
        )
        g = layer("g", rows.T)
        gathered = np.zeros_like(g)
        for i, row in enumerate(weights):
            for j, weight in enumerate(row):
                gathered[i] += weight * (g[j] - g[i])
        added = layer("out", gathered)
        np.testing.assert_allclose(answer, clip + added.T.reshape(clip.shape), rtol=0, atol=EXACT)


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_a_new_block_changes_nothing(pairwise):
    block = NormalisedBlock(CHANNELS, pairwise)
    torch.nn.init.zeros_(block.out.weight)
    x = torch.randn(1, CHANNELS, 2, 3, 4)
    assert torch.equal(block(x), x)


def test_a_new_gaussian_is_the_parameter_free_one():
    x = torch.randn(1, CHANNELS, 2, 3, 4, generator=torch.Generator().manual_seed(3)) * 30
    ours, free = NormalisedBlock(CHANNELS, "gaussian").embed(x), ParameterFreeGaussian()
    table = free.embed(x).theta * free.scale_value**0.5
    torch.testing.assert_close(ours.theta, table, rtol=0, atol=SINGLE)
    assert ours.theta is ours.phi


def test_a_channel_that_never_changes_says_nothing():
    x = torch.randn(1, CHANNELS, 2, 3, 4, generator=torch.Generator().manual_seed(4))
    x[:, 3] = 0.1
    assert not NormalisedBlock(CHANNELS).normalise(x.flatten(2).mT)[..., 3].any()


@pytest.mark.parametrize("level", [0.0, 0.1, -300.0])
def test_features_without_variation_look_everywhere_alike(level):
    pieces = NormalisedBlock(CHANNELS, "gaussian").embed(torch.full((1, CHANNELS, 2, 3, 4), level))
    assert not pieces.theta.any()


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_a_part_of_the_queries_gathers_from_a_part_of_the_keys(pairwise):
    block = filled(pairwise)
    x = torch.randn(1, CHANNELS, 2, 3, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    queries, keys = torch.tensor([3, 17, 20]), torch.tensor([0, 1, 5, 8, 13, 19, 23])
    with torch.no_grad():
        pieces = block.embed(x)
        given = block.gather(pieces, queries, keys)[0]
        weights = affinity(pieces.theta[:, queries], pieces.phi[:, keys], pairwise=pairwise)[0]
    for i, query in enumerate(queries):
        expected = sum(w * (pieces.g[0, key] - pieces.g[0, query]) for w, key in zip(weights[i], keys, strict=True))
        torch.testing.assert_close(given[i], expected, rtol=0, atol=EXACT)


def test_a_position_that_looks_at_its_like_alone_adds_nothing():
    """Every position twice, in two frames: with rows as sharp as a bit can be, all weight lies on equal g."""
    block = filled("gaussian")
    frame = torch.randn(1, CHANNELS, 1, 3, 4, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    with torch.no_grad():
        block.length.fill_(1e3)
        clip = torch.cat([frame, frame], dim=2)
        torch.testing.assert_close(block(clip), clip + block.out.bias.view(1, -1, 1, 1, 1), rtol=0, atol=1e-9)
