"""A checkpoint of any kind, told by its content: its tensors, its limits, and what is none."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from bomb_weights import many_empty, same_array
from checkpoint_bytes import TENSORS, assert_same, caffe2_bytes, torch_bytes
from pickle_writer import array2, pickle2, string2
from safetensors.torch import save_file

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights import checkpoint
from nonlocal_core.weights.caffe2_file import array_tensor
from nonlocal_core.weights.checkpoint import CheckpointLimits, read_checkpoint

PAIR = torch.arange(2.0)


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
    with pytest.raises(WeightsError, match=r"holds more than 5 tensors, the most that are read \(max_tensors\)"):
        read_checkpoint(path, limits=CheckpointLimits(max_tensors=5))
    assert len(read_checkpoint(path, limits=CheckpointLimits(max_tensors=6)).tensors) == 6


def test_repr_shows_the_size_and_no_values(written):
    assert repr(read_checkpoint(written(caffe2_bytes()))) == "RawCheckpoint(caffe2, 6 tensors, 144 values)"


def test_the_tensors_of_a_file_are_limited_together(refusal):
    tensors = {str(i): torch.zeros(3, 1).expand(3, 100) for i in range(4)}
    assert "declare 4,800 bytes and max_bytes is 4,700" in refusal(torch_bytes(tensors), max_bytes=4700)


def test_tensors_of_few_bytes_are_limited_by_those(refusal):
    repeated = torch_bytes({str(i): torch.zeros(3, 1).expand(3, 100) for i in range(4)})
    most = 100 + 2 * len(repeated)
    said = refusal(repeated, max_unpacked_bytes=100, max_unpacked_per_byte=2)
    assert f"max_unpacked_bytes and max_unpacked_per_byte allow {len(repeated):,} bytes {most:,}" in said


def test_tensors_beyond_the_limit_are_not_made(refusal, monkeypatch):
    made = []
    monkeypatch.setattr(checkpoint, "array_tensor", lambda call, **name: made.append(1) or array_tensor(call, **name))
    assert "(max_tensors)" in refusal(same_array(f"{n}" for n in range(9_000)))
    assert len(made) == CheckpointLimits().max_tensors + 1
    monkeypatch.setattr(checkpoint, "_check_tensors", made.clear)
    assert "(max_tensors)" in refusal(many_empty(9_000))


def test_one_array_under_many_names_is_not_copied_for_each(refusal, monkeypatch):
    made = []
    monkeypatch.setattr(checkpoint, "array_tensor", lambda call, **name: made.append(1) or array_tensor(call, **name))
    array = array2(np.zeros((10, 25), np.float32)) + b"q\x05"
    names = b"".join(string2(f"{number}") + b"h\x05" for number in range(100))
    assert "max_unpacked_bytes" in refusal(pickle2(b"}(" + string2("w") + array + names + b"u"), max_unpacked_bytes=0)
    assert len(made) < 30


def test_a_name_that_is_long_is_refused(refusal, written):
    """Each wrapper takes one step through all names, in each layout that is known."""
    assert "names a tensor with 258 characters and max_name is 256" in refusal(
        torch_bytes({"module." * 36 + "theta_": PAIR})
    )
    assert len(read_checkpoint(written({"module." * 36 + "w" * 4: PAIR})).tensors) == 1


def test_other_archives_and_no_archives_are_called_by_name(refusal, tmp_path):
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("net-3c0e47ea.params", b"mxnet")
    with tarfile.open(fileobj=tarred, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("net.pkl"))
    script = io.BytesIO()
    with zipfile.ZipFile(script, "w") as archive:
        for name in ("net/data.pkl", "net/constants.pkl", "net/code/net.py"):
            archive.writestr(name, b"\x80\x02}.")
    for content, told in [
        (zipped.getvalue(), "it begins with 'net-3c0e47ea.params'"),
        (script.getvalue(), "something else than weights"),
        (tarred.getvalue(), "gzip archive; unpack it"),
        (b"<!DOCTYPE html><html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"", "it is empty"),
        (b"hello, weights", "damaged or incomplete"),
    ]:
        assert told in refusal(content)
    with pytest.raises(WeightsError, match=r"absent\.pkl is not used as a checkpoint: there is no such file"):
        read_checkpoint(tmp_path / "absent.pkl")
