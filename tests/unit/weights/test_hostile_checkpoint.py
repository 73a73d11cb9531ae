"""Hostile and damaged files of every kind, through all readers: refused with a sentence, nothing in them runs."""

import os
import pickle
import resource
import struct

import numpy as np
import pytest
import torch
from checkpoint_bytes import Runs, caffe2_bytes, torch_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pickle_writer import pickle2, string2
from safetensors.torch import save

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.checkpoint import read_checkpoint

W = np.arange(21, dtype=np.float32).reshape(3, 7)


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
        yield "collections.deque", torch_bytes({"w": Runs(__import__("collections").deque, "aab")}, legacy=legacy)
        yield "torch.nn.modules.linear.Linear", torch_bytes(torch.nn.Linear(3, 7), legacy=legacy)


def test_what_asks_for_anything_is_refused_by_name_and_does_not_run(refusal, marker):
    for count, (name, content) in enumerate(attacks(marker)):
        assert f"it asks for '{name}', which no weights file needs" in refusal(content), (count, name)
        assert not marker.exists(), (count, name)


def test_the_attacks_are_real(marker):
    pickle.loads(next(content for name, content in attacks(marker) if name == "posix.system"))
    assert marker.exists()


def test_memory_stays_flat_whatever_is_declared(refusal):
    """A memo index of 2**32 - 1 makes the standard library's unpickler reserve tens of gigabytes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal(pickle2(b"Nr\xff\xff\xff\xff" + b"h\x07"))
    refusal(pickle2(b"T" + struct.pack("<i", 2**31 - 1)))
    refusal(torch_bytes({"w": torch.ones(1).expand(1 << 20, 1 << 20)}))
    refusal(torch_bytes({"w": torch.ones(1).expand(1 << 20, 1 << 20)}, legacy=True))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


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
