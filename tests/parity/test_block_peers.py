"""The same weights give the same output as mmcv's and PyTorchVideo's non-local blocks.

Without these packages the committed proof is ``tests/unit/models/test_block.py``, where a float64 loop takes
their place.
"""

import importlib.util
from pathlib import Path

import pytest
import torch

PEERS_FILE = Path(__file__).parents[2] / "benchmarks" / "peers.py"


def load_peers():
    spec = importlib.util.spec_from_file_location("peers", PEERS_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


peers = load_peers()
pytestmark = pytest.mark.skipif(not peers.INSTALLED, reason=peers.HOW_TO_INSTALL)

CHANNELS = 34
SAME = 5e-6  # of the largest value that the block adds; worst seen 1.3e-6


@pytest.fixture
def clip():
    return torch.randn(2, CHANNELS, 4, 7, 9, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("pairwise", ["gaussian", "embedded_gaussian", "dot_product", "concatenation"])
def test_mmcv(pairwise, pooled, scaled, with_norm, clip):
    block, peer = peers.mmcv_pair(CHANNELS, pairwise, pooled=pooled, scaled=scaled, with_norm=with_norm)
    assert peers.branch_error(block, peer, clip) < SAME


@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize("kernel", [None, (1, 2, 2), (2, 2, 2)])
@pytest.mark.parametrize("pairwise", ["embedded_gaussian", "dot_product"])
def test_pytorchvideo(pairwise, kernel, with_norm, clip):
    block, peer = peers.pytorchvideo_pair(CHANNELS, pairwise, kernel=kernel, with_norm=with_norm)
    assert peers.branch_error(block, peer, clip) < SAME


def test_the_order_of_pooling_is_told_apart(clip):
    """Pooling before or after the convolutions fits the same weights; only the outputs differ."""
    block, _ = peers.mmcv_pair(CHANNELS, "embedded_gaussian", pooled=True)
    twin, peer = peers.pytorchvideo_pair(CHANNELS, "embedded_gaussian", kernel=(1, 2, 2))
    assert block.config.order != twin.config.order
    block.load_state_dict(twin.state_dict())
    assert peers.branch_error(block, peer, clip) > 0.1
