"""Files by torch.save, of both kinds, are read to the tensors that were given, and refused where they are damaged."""

import io
import pickle
import re
import struct
import zipfile

import pytest
import torch
from checkpoint_bytes import TENSORS, assert_same, torch_bytes
from pickle_writer import dict2, pickle2

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.checkpoint import read_checkpoint
from nonlocal_core.weights.sets import CONTAINERS
from nonlocal_core.weights.torch_file import LEGACY_START


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


def test_a_plain_file_lists_its_values_by_name(refusal):
    """Nothing is made of another list: a text of lists that share each other has no end."""
    head = LEGACY_START + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + pickle2(b"}")
    for order in (b"]" * 8001 + b"a" * 8000, b"](K\x01e", b"}"):
        assert "it lists other values than its tensors have" in refusal(head + pickle2(order))


def test_parameters_inside_each_other_are_refused(refusal):
    head = LEGACY_START + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    nested = b"ctorch._utils\n_rebuild_parameter\nq\x00" + b"h\x00" * 3000 + b")R" + b"\x85R" * 3000
    said = refusal(head + pickle2(dict2({"w": nested})) + pickle2(b"]"))
    assert "'w' is described by 'torch._utils._rebuild_parameter'" in said


@pytest.mark.parametrize("legacy", [False, True])
def test_a_tensor_has_no_more_axes_than_torch_can_walk(refusal, written, legacy):
    assert "the tensor 'w' has no shape" in refusal(
        torch_bytes({"w": torch.zeros(2, 3)[(None,) * 68].mT}, legacy=legacy)
    )
    assert read_checkpoint(written({"w": torch.zeros([1] * 7 + [2])}, legacy=legacy)).tensors["w"].ndim == 8


def test_zip_bombs(refusal):
    bomb = rewritten(torch_bytes({"w": torch.zeros(1 << 20)}), lambda _, data: data, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    assert "it is a compressed archive" in refusal(bomb)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "tensor",
    [torch.eye(3).to_sparse(), torch.ones(3, dtype=torch.complex64), torch.empty(3, device="meta")],
    ids=["sparse", "complex", "meta"],
)
def test_tensors_of_other_kinds(refusal, tensor, legacy):
    refusal(torch_bytes({"w": tensor}, legacy=legacy))


def test_every_flipped_bit_of_a_value_is_found(written):
    whole = torch_bytes({"model": {"w": torch.arange(40.0), "v": torch.ones(3)}, "optimizer": {"m": torch.rand(9)}})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        spans = []
        for entry in archive.infolist():
            names, extra = struct.unpack("<HH", whole[entry.header_offset + 26 : entry.header_offset + 30])
            start = entry.header_offset + 30 + names + extra
            spans.append((start, start + entry.file_size, entry.filename))
    for start, stop, name in spans:
        for at in {start, (start + stop) // 2, stop - 1}:
            damaged = bytearray(whole)
            damaged[at] ^= 4
            with pytest.raises(WeightsError, match=rf"its entry '{re.escape(name)}' differs from its checksum"):
                read_checkpoint(written(bytes(damaged)))


def test_files_that_were_written_without_checksums_open(written):
    torch.serialization.set_crc32_options(False)
    try:
        content = torch_bytes({"w": torch.arange(5.0)})
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_checkpoint(written(content)).tensors["w"].tolist() == [0, 1, 2, 3, 4]


def test_a_view_beyond_its_values_is_refused(written):
    whole = torch_bytes({"w": torch.arange(6.0).reshape(2, 3)})
    sizes = b"K\x02K\x03\x86"
    assert whole.count(sizes) == 1
    longer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(longer, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(sizes, b"K\x03K\x03\x86"))
    with pytest.raises(WeightsError, match=r"'w' of \[3, 3\] reaches beyond its 6 values"):
        read_checkpoint(written(longer.getvalue()))
