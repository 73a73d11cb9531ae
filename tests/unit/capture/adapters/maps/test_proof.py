"""Proof of a reading on a random copy: the true one among several, and what the block keeps."""

import copy

import pytest
import torch
from foreign_blocks import (
    INNER,
    AlexHexBlock,
    FastaiBlock,
    InvertedMmcvBlock,
    MmcvBlock,
    SaganBlock,
    SlowFastBlock,
    TusharBlock,
)

from nonlocal_core.capture.adapters.maps.mmcv import read_mmcv
from nonlocal_core.capture.adapters.maps.proof import NotAsItsParts, prove
from nonlocal_core.capture.adapters.maps.pyslowfast import read_pyslowfast
from nonlocal_core.capture.adapters.maps.query_conv import read_query_conv
from nonlocal_core.capture.adapters.maps.theta_phi_g import read_theta_phi_g


@pytest.mark.parametrize(
    ("block", "recipe", "pairwise", "scale"),
    [
        (AlexHexBlock(), read_theta_phi_g, "embedded_gaussian", 1.0),
        (AlexHexBlock(inner_scale=True), read_theta_phi_g, "embedded_gaussian", INNER**-0.5),
        (AlexHexBlock("dot_product"), read_theta_phi_g, "dot_product", 1.0),
        (AlexHexBlock("dot_product", axes=1), read_theta_phi_g, "dot_product", 1.0),
        (AlexHexBlock("concatenation", axes=2), read_theta_phi_g, "concatenation", 1.0),
        (MmcvBlock(), read_mmcv, "embedded_gaussian", INNER**-0.5),
        (InvertedMmcvBlock(), read_mmcv, "embedded_gaussian", INNER**0.5),
        (SaganBlock(), read_query_conv, "embedded_gaussian", 1.0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, torch.nn.Module) else "",
)
def test_the_reading_that_rebuilds_the_copy_is_taken(block, recipe, pairwise, scale):
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)  # nothing of the block itself could tell
    made = prove(block, recipe)
    assert (made.pairwise, made.scale) == (pairwise, pytest.approx(scale))
    assert made.block is block


def test_a_pool_that_a_block_uses_before_its_projections_is_found_there():
    block = TusharBlock()
    assert prove(block, read_theta_phi_g).pool_first is block.maxpool


def test_softmax_over_the_other_axis_turns_queries_and_keys():
    block = FastaiBlock()
    made = prove(block, read_query_conv)
    assert (made.theta, made.phi) == (block.key, block.query)


class Halved(MmcvBlock):
    def forward(self, x):
        return x + (super().forward(x) - x) / 2


class Broken(MmcvBlock):
    def forward(self, x):
        raise ValueError("no clip today")


def test_a_block_that_computes_something_else_is_refused_with_every_doubt():
    said = prove(Halved(), read_mmcv)
    assert isinstance(said, NotAsItsParts)
    assert said.reason.startswith("does not compute what its parts suggest: embedded_gaussian with scale 0.378 is off")
    assert said.reason.count("is off by") == 2
    broken = prove(Broken(), read_mmcv)
    assert broken == NotAsItsParts("could not be tried on a small random clip: no clip today")


def test_groups_of_time_are_proved_as_a_batch():
    assert prove(SlowFastBlock(), lambda block: read_pyslowfast(block, temporal_groups=3)).temporal_groups == 3


def test_the_block_and_the_random_numbers_of_its_user_stay_as_they_were():
    block = AlexHexBlock("dot_product")
    before, state = copy.deepcopy(block.state_dict()), torch.get_rng_state()
    prove(block, read_theta_phi_g)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in block.state_dict().items())
    assert block.training
