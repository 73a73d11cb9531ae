"""Every kind of checkpoint file, told by content, is read to the tensors that its own writer was given."""

import pickle

import numpy as np
import pytest
import torch
from checkpoint_bytes import ARRAYS, TENSORS, caffe2_bytes, torch_bytes
from safetensors.torch import save_file

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.checkpoint import CheckpointLimits, read_checkpoint
from nonlocal_core.weights.sets import CONTAINERS


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "weights.bin"  # a suffix that says nothing
        path.write_bytes(content)
        return path

    return write


def assert_same(tensors, arrays=ARRAYS):
    assert tensors.keys() == arrays.keys()
    for name, array in arrays.items():
        assert tensors[name].numpy().dtype == array.dtype
        np.testing.assert_array_equal(tensors[name].numpy(), array)
        assert tensors[name].is_contiguous()


@pytest.mark.parametrize("core", ["core", "_core"])
@pytest.mark.parametrize("container", ["blobs", None])
def test_python_2_pickles(written, core, container):
    content = caffe2_bytes(core=core, container=container)
    raw = read_checkpoint(written(content))
    assert_same(raw.tensors)
    assert raw.format == "caffe2"
    assert raw.extra == {"model_iter": 400_000}
    # The writer itself is held against the standard library, which runs what it reads.
    theirs = pickle.loads(content, encoding="latin1")
    theirs = theirs[container] if container else theirs
    assert theirs.pop("model_iter") == 400_000
    assert_same(raw.tensors, theirs)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickles_written_again_by_python_3(written, protocol):
    scalars = {"one": np.float32(0.25), "two": np.int64(-9)}
    raw = read_checkpoint(written(pickle.dumps({"blobs": ARRAYS | scalars, "note": "é"}, protocol=protocol)))
    assert_same(raw.tensors, ARRAYS | {name: np.array(value) for name, value in scalars.items()})
    assert raw.extra == {"note": "é"}


def test_fortran_order_and_foreign_byte_order(written):
    arrays = {"f": np.asfortranarray(ARRAYS["conv1_w"]), "big": ARRAYS["conv1_b"].astype(">f8")}
    raw = read_checkpoint(written(pickle.dumps(arrays, protocol=4)))
    np.testing.assert_array_equal(raw.tensors["f"].numpy(), ARRAYS["conv1_w"])
    np.testing.assert_array_equal(raw.tensors["big"].numpy(), ARRAYS["conv1_b"])


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("container", [*CONTAINERS, None])
def test_torch_files(written, legacy, container):
    content = {container: TENSORS, "epoch": 99, "meta": {"any": [1, "thing"]}} if container else TENSORS
    raw = read_checkpoint(written(torch_bytes(content, legacy=legacy)))
    assert_same(raw.tensors)
    assert raw.format == ("torch_legacy" if legacy else "torch_zip")
    assert raw.extra == ({"epoch": 99} if container else {})


@pytest.mark.parametrize("legacy", [False, True])
def test_a_module_with_its_optimiser(written, legacy):
    net = torch.nn.Sequential(torch.nn.Conv1d(3, 7, 2), torch.nn.BatchNorm1d(7))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.randn(2, 3, 5)).sum().backward()
    optimiser.step()
    state = {"model_state": net.state_dict(), "optimizer_state": optimiser.state_dict(), "epoch": 3, "cfg": "A: 1\n"}
    raw = read_checkpoint(written(torch_bytes(state, legacy=legacy)))
    assert raw.tensors.keys() == net.state_dict().keys()
    assert all(torch.equal(raw.tensors[name], tensor) for name, tensor in net.state_dict().items())
    assert raw.extra == {"epoch": 3, "cfg": "A: 1\n"}


@pytest.mark.parametrize("legacy", [False, True])
def test_views_and_parameters_become_plain_tensors(written, legacy):
    base = torch.arange(35.0).reshape(5, 7)
    content = {"part": base.T[2:5, 1:3], "tied": base, "parameter": torch.nn.Parameter(base.clone())}
    raw = read_checkpoint(written(torch_bytes(content, legacy=legacy)))
    assert all(type(tensor) is torch.Tensor and not tensor.requires_grad for tensor in raw.tensors.values())
    assert raw.tensors["part"].is_contiguous()
    assert torch.equal(raw.tensors["part"], base.T[2:5, 1:3])


def test_safetensors(tmp_path):
    path = tmp_path / "weights.pkl"
    save_file(TENSORS, path, metadata={"layout": "slowfast"})
    raw = read_checkpoint(path)
    assert_same(raw.tensors)
    assert (raw.format, raw.extra) == ("safetensors", {"layout": "slowfast"})


def test_the_limits_are_named(written):
    path = written(caffe2_bytes())
    with pytest.raises(WeightsError, match="max_bytes is 100"):
        read_checkpoint(path, limits=CheckpointLimits(max_bytes=100))
    with pytest.raises(WeightsError, match="holds 6 tensors and max_tensors is 5"):
        read_checkpoint(path, limits=CheckpointLimits(max_tensors=5))
    assert len(read_checkpoint(path, limits=CheckpointLimits(max_tensors=6)).tensors) == 6


def test_repr_shows_the_size_and_no_values(written):
    assert repr(read_checkpoint(written(caffe2_bytes()))) == "RawCheckpoint(caffe2, 6 tensors, 144 values)"
