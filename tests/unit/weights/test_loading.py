"""Reading only what was verified, and filling a network without a tensor lost or left over."""

import hashlib
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.loading import fill, read_verified


def saved(path: Path, content: object) -> str:
    """Write the content with torch.save and return the hash of the file."""
    torch.save(content, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_with_the_right_hash_is_read(tmp_path):
    tensors = {"weight": torch.randn(3, 5), "count": torch.tensor(7)}
    sha256 = saved(tmp_path / "a.pth", tensors)
    read = read_verified(tmp_path / "a.pth", sha256=sha256)
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_another_file_is_refused_with_both_hashes(tmp_path):
    found = saved(tmp_path / "a.pth", {"weight": torch.randn(3, 5)})
    expected = "5" * 64
    with pytest.raises(WeightsError, match=f"a.pth should have sha256 {expected}; this one has {found}"):
        read_verified(tmp_path / "a.pth", sha256=expected)


class _LeavesATrace:
    """What a hostile file holds: an object that runs a command while it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_code_inside_a_file_never_runs_even_when_the_hash_is_right(tmp_path):
    trace = tmp_path / "trace"
    sha256 = saved(tmp_path / "hostile.pth", {"weight": _LeavesATrace(trace)})
    with pytest.raises(WeightsError, match=r"hostile\.pth holds something else than tensors"):
        read_verified(tmp_path / "hostile.pth", sha256=sha256)
    assert not trace.exists()
    torch.load(tmp_path / "hostile.pth", weights_only=False)
    assert trace.exists(), "the file must be hostile, or this test proves nothing"


def test_filling_shares_memory_with_the_tensors():
    network = nn.Linear(5, 3)
    tensors = {"weight": torch.randn(3, 5), "bias": torch.randn(3)}
    fill(network, tensors)
    assert network.weight.data_ptr() == tensors["weight"].data_ptr()
    x = torch.randn(2, 5)
    torch.testing.assert_close(network(x), x @ tensors["weight"].T + tensors["bias"])


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"weight": (3, 5)}, r"Parameters left empty: bias\. Tensors left unused: none\."),
        (
            {"weight": (3, 5), "bias": (3,), "extra.b": (1,), "extra.a": (1,)},
            r"left empty: none\. .* extra\.a, extra\.b",
        ),
        ({"weight": (3, 5), "offset": (3,)}, r"left empty: bias\. Tensors left unused: offset\."),
        ({"weight": (5, 3), "bias": (4,)}, r"weight is \(5, 3\) instead of \(3, 5\); bias is \(4,\) instead of \(3,\)"),
    ],
)
def test_tensors_that_do_not_fit_exactly_are_named_and_nothing_is_filled(tensors, sentence):
    network = nn.Linear(5, 3)
    before = network.weight.clone()
    with pytest.raises(WeightsError, match=sentence):
        fill(network, {name: torch.zeros(shape) for name, shape in tensors.items()})
    assert torch.equal(network.weight, before)
