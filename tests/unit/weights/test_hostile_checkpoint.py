"""Hostile and damaged files: each is refused with a sentence, nothing in it runs, no memory is taken on its word."""

import io
import os
import pickle
import resource
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from checkpoint_bytes import Runs, caffe2_bytes, torch_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pickle_writer import array2, dict2, integer, pickle2, string2
from safetensors.torch import save

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights import unpickle
from nonlocal_core.weights.checkpoint import CheckpointLimits, read_checkpoint

W = np.arange(21, dtype=np.float32).reshape(3, 7)


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


@pytest.fixture
def marker(tmp_path):
    """A file that every attack of this module wants to create."""
    return tmp_path / "it-ran"


def attacks(marker):
    touch = f"touch {marker}"
    system = Runs(os.system, touch)
    yield "posix.system", pickle.dumps(system, 2)
    yield "posix.system", pickle.dumps({"blobs": {"conv1_w": W, "bn": system}}, 4)
    yield "io.open", pickle.dumps({"blobs": {"w": Runs(open, str(marker), "w")}}, 4)
    yield "__builtin__.exec", pickle.dumps(Runs(exec, f"open({str(marker)!r}, 'w')"), 0)
    yield "builtins.getattr", pickle.dumps(Runs(getattr, "", "join"), 4)
    yield "os.system", f"cos\nsystem\n(S'{touch}'\ntR.".encode()
    yield "os.system", f"(S'{touch}'\nios\nsystem\n.".encode()
    yield "os.system", b"(cos\nsystem\n" + string2(touch) + b"o."
    yield "nt.system", pickle2(b"cnt\nsystem\n" + string2(touch) + b"\x85R")
    # A name behind dots, and one made by an attribute of a name that is admitted.
    yield "numpy.os.system", b"\x80\x04\x8c\x05numpy\x8c\x09os.system\x93\x8c\x04true\x85R."
    yield "numpy.core.multiarray.os", pickle2(b"cnumpy.core.multiarray\nos\n")
    yield "numpy.f2py.compile", pickle2(b"cnumpy.f2py\ncompile\n")
    for legacy in (False, True):
        yield "posix.system", torch_bytes({"state_dict": {"w": torch.ones(3)}, "meta": system}, legacy=legacy)
        yield "collections.Counter", torch_bytes({"w": Runs(__import__("collections").Counter, "aab")}, legacy=legacy)
        yield "torch.nn.modules.linear.Linear", torch_bytes(torch.nn.Linear(3, 7), legacy=legacy)


def test_what_asks_for_anything_is_refused_by_name_and_does_not_run(refusal, marker):
    for count, (name, content) in enumerate(attacks(marker)):
        assert f"it asks for '{name}', which no weights file needs" in refusal(content), (count, name)
        assert not marker.exists(), (count, name)


def test_the_attacks_are_real(marker):
    pickle.loads(next(content for name, content in attacks(marker) if name == "posix.system"))
    assert marker.exists()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (b"cnumpy\ndtype\n)\x81", "the pickle operation NEWOBJ"),
        (b"\x82\x01", "the pickle operation EXT1"),
        (b"Pname\n", "the pickle operation PERSID"),
        (string2("name") + b"Q", "a persistent id"),
        (b"]" + string2("x") + b")R", "it calls something that is no named function"),
        (b"cnumpy\ndtype\n" + string2("f4") + b"R", "it calls something that is no named function"),
        (b"]}" + string2("append") + b"Nsb", "it sets the attributes of a list"),
        (b"cnumpy\ndtype\n}b", "it sets the attributes of a Global"),
        (b"cnumpy\ndtype\n)R}b}b", "it sets the attributes of a Call"),
        (b"cnumpy\ndtype\n" + string2("a") + b"Ns", "it sets an item of a Global"),
        (b"cnumpy\ndtype\nNa", "it appends to a Global"),
        (b"}))s", "it uses a tuple as a key"),
        (b"c_codecs\nencode\n" + string2("touch x") + string2("rot13") + b"\x86R", "encodes text in a way"),
        (b"]", "it holds a list and no tensors by name"),
        (b"}", "it holds no tensors by name"),
        (dict2({"blobs": dict2({"w": array2(W), "x": b"]"})}), "where a tensor belongs, 'x' holds a list"),
        (dict2({"blobs": dict2({"w": array2(W)}), "model": dict2({"w": array2(W)})}), "more than one set of weights"),
        (b"}(" + integer(7) + array2(W) + b"u", "it names a tensor 7"),
    ],
)
def test_programs_that_no_array_needs(refusal, program, told):
    assert told in refusal(pickle2(program))


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (array2(W, code="O8"), "holds 'O8' instead of numbers"),
        (array2(W, code="V4"), "holds 'V4' instead of numbers"),
        (array2(W, code="S84"), "holds 'S84' instead of numbers"),
        (array2(W, code="c8"), "holds 'c8' instead of numbers"),
        (array2(W, data=W.tobytes()[:-1]), "needs 84 bytes and it has 83"),
        (array2(np.broadcast_to(W[0, 0], (60_000, 60_000)), data=b"1234"), "needs 14,400,000,000 bytes and it has 4"),
        (b"cnumpy\ndtype\n" + string2("f4") + b"\x85R", "it is a dtype"),
        (b"cnumpy.core.multiarray\n_reconstruct\n)R", "it is a _reconstruct"),
        (b"cnumpy.core.multiarray\nscalar\n)R", "its description is damaged"),
        (array2(np.array([1, np.nan, 2], dtype=np.float32)), "the tensor 'w' holds values that are not finite"),
        (array2(np.array([1, -np.inf, 2])), "the tensor 'w' holds values that are not finite"),
    ],
)
def test_arrays_that_cannot_be(refusal, array, told):
    assert told in refusal(pickle2(dict2({"blobs": dict2({"w": array})})))


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (b"T" + struct.pack("<i", 2**31 - 1) + b"abc", "declares 2,147,483,647 bytes where 4 are left"),
        (b"\x8e" + struct.pack("<q", 2**62), "declares 4,611,686,018,427,387,904 bytes where 1 are left"),
        (b"\x8d" + struct.pack("<q", -5), "damaged or incomplete"),
        (b"\x8b" + struct.pack("<i", 2**31 - 1), "where 1 are left"),
        (b"\x95" + struct.pack("<Q", 2**63), "damaged or incomplete"),
    ],
)
def test_declared_sizes_are_not_believed(refusal, program, told):
    assert told in refusal(pickle2(program))


def test_memory_stays_flat_whatever_is_declared(refusal):
    """A memo index of 2**32 - 1 makes the standard library's unpickler reserve tens of gigabytes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal(pickle2(b"Nr\xff\xff\xff\xff" + b"h\x07"))
    refusal(pickle2(b"T" + struct.pack("<i", 2**31 - 1)))
    refusal(torch_bytes({"w": torch.ones(1).expand(1 << 20, 1 << 20)}))
    refusal(torch_bytes({"w": torch.ones(1).expand(1 << 20, 1 << 20)}, legacy=True))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_deep_nesting_is_not_a_crash(refusal):
    depth = 8_000
    assert "holds a tuple and no tensors by name" in refusal(pickle2(b"N" + b"\x85" * depth))
    assert "holds a list and no tensors by name" in refusal(pickle2(b"]" * (depth + 1) + b"a" * depth))
    # Hashing a tuple this deep overflows the C stack of the standard library's unpickler.
    assert "it uses a tuple as a key" in refusal(pickle2(b"}N" + b"\x85" * depth + b"Ns"))


def test_endless_programs_end(refusal, monkeypatch):
    monkeypatch.setattr(unpickle, "MAX_OPCODES", 1000)
    assert "MAX_OPCODES = 1,000 steps" in refusal(pickle2(b"N" * 1000))
    assert "MAX_OPCODES" not in refusal(pickle2(b"N" * 998))  # and the first and the last operation


def test_a_list_that_holds_itself_and_shared_values(refusal):
    assert "holds a list" in refusal(pickle2(b"]q\x00h\x00a"))
    laughs = b"]q\x00" + b"".join(b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(60))
    assert "damaged" in refusal(pickle2(laughs))


# Files by torch.save


def rewritten(content, change, *, compression=zipfile.ZIP_STORED):
    """The zip file again, its entries passed through `change(name, bytes)`; None leaves an entry out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", compression) as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return stream.getvalue()


def test_declared_storages_of_a_zip_file(refusal):
    whole = torch_bytes({"w": torch.arange(3.0)})
    many = b"M\xff\x0f"  # 4095 instead of 3

    def inflate(name, data):
        return data.replace(b"K\x03tq", many + b"tq") if name.endswith("data.pkl") else data

    assert "'0' should take 16,380 bytes and take 12" in refusal(rewritten(whole, inflate))
    gone = rewritten(whole, lambda name, data: None if name.endswith("data/0") else data)
    assert "'0' should take 12 bytes and take 0" in refusal(gone)


def test_declared_storages_of_a_plain_file(refusal):
    whole = torch_bytes({"w": torch.arange(3.0)}, legacy=True)
    assert whole.count(b"K\x03Nt") == 1
    assert "should take 17,179,869,180 bytes and take" in refusal(
        whole.replace(b"K\x03Nt", b"\x8a\x05\xfd\xff\xff\xff\x00Nt")
    )
    assert "incomplete" in refusal(whole[:-1])


def test_zip_bombs(refusal):
    bomb = rewritten(torch_bytes({"w": torch.zeros(1 << 20)}), lambda _, data: data, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    assert "it is a compressed archive" in refusal(bomb)


def test_the_tensors_of_a_file_are_limited_together(refusal):
    tensors = {str(i): torch.zeros(3, 1).expand(3, 100) for i in range(4)}
    assert "declare 4,800 bytes and max_bytes is 4,700" in refusal(torch_bytes(tensors), max_bytes=4700)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "tensor",
    [torch.eye(3).to_sparse(), torch.ones(3, dtype=torch.complex64), torch.empty(3, device="meta")],
    ids=["sparse", "complex", "meta"],
)
def test_tensors_of_other_kinds(refusal, tensor, legacy):
    refusal(torch_bytes({"w": tensor}, legacy=legacy))


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


def test_names_in_a_message_are_short_and_printable(refusal):
    assert "'os.\\x1b[2J\\x07" in refusal(pickle2(b"cos\n\x1b[2J\x07\n"))
    assert "..." in refusal(pickle2(b"cos\n" + b"a" * 3000 + b"\n"))


PAIR = {"w": torch.arange(21.0).reshape(3, 7), "b": torch.ones(7)}
WHOLE = {
    "caffe2": caffe2_bytes(),
    "torch_zip": torch_bytes({"state_dict": PAIR}),
    "torch_legacy": torch_bytes(
        {"state_dict": {"w": torch.arange(21.0).reshape(3, 7), "b": torch.ones(7)}}, legacy=True
    ),
    "safetensors": save(PAIR),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_truncated_files_are_refused_at_every_length(kind, tmp_path):
    path, whole = tmp_path / "cut.bin", WHOLE[kind]
    for length in {*range(0, len(whole), max(1, len(whole) // 150)), len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            read_checkpoint(path)


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_read_or_refused_and_never_anything_else(kind, tmp_path, data):
    whole = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.bin"
    path.write_bytes(whole)
    try:
        raw = read_checkpoint(path)
    except WeightsError:
        return
    assert raw.tensors
