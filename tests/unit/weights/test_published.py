"""The published networks: what a name says is what its configuration has."""

import re

import pytest

from nonlocal_core.errors import UnknownNameError
from nonlocal_core.weights.published import find_published, published_networks

NETWORKS = published_networks()
BOTTLENECKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
FRAMES_BY_STRIDE = re.compile(r"-(\d+)x(\d+)$")


def test_names_are_unique_and_lead_back():
    assert len({network.arch for network in NETWORKS}) == len(NETWORKS)
    assert all(find_published(network.arch) is network for network in NETWORKS)
    with pytest.raises(UnknownNameError, match="published network called 'i3d'"):
        find_published("i3d")


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.arch)
def test_a_name_says_depth_blocks_and_frames(network):
    depth = int(re.search(r"-r(\d+)", network.arch)[1])
    assert tuple(len(stage.temporal_kernels) for stage in network.config.stages) == BOTTLENECKS[depth]
    blocks = re.search(r"-nl(\d+)", network.arch)
    assert len(network.config.block_names) == (int(blocks[1]) if blocks else 0)
    if clip := FRAMES_BY_STRIDE.search(network.arch.removesuffix("-ava")):
        assert (network.config.clip_frames, network.config.frame_stride) == tuple(map(int, clip.groups()))
    for pairwise in ("embedded-gaussian", "dot-product", "concatenation"):
        if pairwise in network.arch:
            assert network.config.pairwise == pairwise.replace("-", "_")
