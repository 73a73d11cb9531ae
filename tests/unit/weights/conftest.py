"""Fixtures of the tests of checkpoints: where their files lie, and the server that has some."""

import pytest
from checkpoint_bytes import torch_bytes
from checkpoint_server import server

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.catalog import find_card
from nonlocal_core.weights.checkpoint import CheckpointLimits, read_checkpoint
from nonlocal_core.weights.locations import WheelFile

__all__ = ["server"]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def source() -> WheelFile:
    return find_card().weights


@pytest.fixture
def written(tmp_path):
    """Writes bytes, or what ``torch.save`` makes of content, and returns the path."""

    def write(content, **kind):
        path = tmp_path / "weights.bin"  # a suffix that says nothing
        path.write_bytes(content if isinstance(content, bytes) else torch_bytes(content, **kind))
        return path

    return write


@pytest.fixture
def refusal(tmp_path):
    """Reads bytes as a checkpoint and returns the sentence of the refusal."""

    def read(content, **limits):
        path = tmp_path / "evil.pkl"
        path.write_bytes(content)
        with pytest.raises(WeightsError) as caught:
            read_checkpoint(path, limits=CheckpointLimits(**limits))
        message = str(caught.value)
        assert message.startswith("evil.pkl is not used as a checkpoint: ")
        assert message.endswith(". Nothing in it was run.")
        assert len(message) < 400
        assert message.isprintable()
        return message

    return read
