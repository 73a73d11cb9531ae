"""Reading of ``torch.save`` files: today's zip files, and the plain files of versions before 1.6.

The pickle is read as inert data (`unpickle`), and the requested tensors are made from the values beside it. Declared
sizes are compared with the bytes of the file before memory is allocated for them.
"""

import pickle
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase, BytesIO
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.caffe2_file import ADMITTED as NUMPY
from nonlocal_core.weights.caffe2_file import MAX_DIMENSIONS
from nonlocal_core.weights.unpickle import Call, Global, StorageReference, read_inert, shown

LEGACY_START = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
"""The magic number of torch/serialization.py, as the first bytes of a plain file."""

_LEGACY_PROTOCOL = 1001
_DTYPES = {
    "torch.DoubleStorage": torch.float64,
    "torch.LongStorage": torch.int64,
    "torch.FloatStorage": torch.float32,
    "torch.IntStorage": torch.int32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.ShortStorage": torch.int16,
    "torch.ByteStorage": torch.uint8,
    "torch.CharStorage": torch.int8,
    "torch.BoolStorage": torch.bool,
}
_REBUILD = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
_PARAMETER = "torch._utils._rebuild_parameter"
ADMITTED = frozenset({*_DTYPES, *_REBUILD, _PARAMETER}) | NUMPY
"""Globals that such a file may name: tensors, and the numbers of NumPy that programs keep beside them."""

_CHUNK_BYTES = 1 << 20
_MAX_BYTES = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchContent:
    """Content of a file as inert data, and its tensors on demand."""

    content: object
    values: Callable[[str], bytearray]
    """Function that returns the bytes of a storage, by its key."""
    _laid: dict[tuple[str, str], Tensor] = field(default_factory=dict)

    def tensor(self, call: Call, *, name: str) -> Tensor:
        """Return the tensor that ``call`` describes. Tensors of one storage share it.

        Raises WeightsError for another call, or a tensor that reaches beyond its values.
        """
        match call:
            case Call(function=function, arguments=(Call() as inner, *_)) if (
                function == _PARAMETER != inner.function  # parameters inside each other would be followed for ever
            ):
                return self.tensor(inner, name=name)
            case Call(
                function=function,
                arguments=(StorageReference() as store, int(offset), tuple(sizes), tuple(strides), *rest),
            ) if function in _REBUILD and not any(rest[2:]):  # a third would say that the values are negated
                return self._view(store, offset, sizes, strides, name)
        raise WeightsError(f"the tensor {shown(name)} is described by {shown(call.function)}")

    def _view(
        self, store: StorageReference, offset: int, sizes: tuple[object, ...], strides: tuple[object, ...], name: str
    ) -> Tensor:
        flat = self._flat(store)
        numbers = [number for number in (offset, *sizes, *strides) if isinstance(number, int) and number >= 0]
        if len(numbers) != 1 + 2 * len(sizes) or len(sizes) != len(strides) or len(sizes) > MAX_DIMENSIONS:
            raise WeightsError(f"the tensor {shown(name)} has no shape")
        shape, steps = numbers[1 : 1 + len(sizes)], numbers[1 + len(sizes) :]
        last = offset + sum((size - 1) * step for size, step in zip(shape, steps, strict=True))
        if prod(shape) and (last >= len(flat) or prod(shape) * flat.element_size() > _MAX_BYTES):
            raise WeightsError(f"the tensor {shown(name)} of {shape} reaches beyond its {len(flat):,} values")
        return flat.as_strided(shape, steps, offset) if prod(shape) else flat.new_empty(shape)

    def _flat(self, store: StorageReference) -> Tensor:
        _, kind, key, *_ = store.identity
        assert isinstance(kind, Global)  # as _check_stores found
        assert isinstance(key, str)
        if (key, kind.name) not in self._laid:
            held, dtype = self.values(key), _DTYPES[kind.name]
            flat = torch.frombuffer(held, dtype=dtype) if held else torch.empty(0, dtype=dtype)
            self._laid[key, kind.name] = flat
        return self._laid[key, kind.name]


@contextmanager
def torch_zip(path: Path) -> Iterator[TorchContent]:
    """Yield the content of a zip file by ``torch.save``. Code inside it never runs.

    Raises WeightsError if it asks for anything but tensors, declares data that it does not hold, or is damaged: every
    entry has a checksum.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield _zip_content(archive, byte_count=path.stat().st_size)
    except WeightsError:
        raise
    except Exception as fault:  # on damaged bytes zipfile raises BadZipFile, and whatever its parts raise
        raise WeightsError("it is a damaged or incomplete archive; download or copy it again") from fault


@contextmanager
def torch_legacy(path: Path) -> Iterator[TorchContent]:
    """Yield the content of a plain file by ``torch.save`` before version 1.6. Code inside it never runs.

    Raises WeightsError if it asks for anything but tensors, or declares data that it does not hold.
    """
    with path.open("rb") as stream:
        yield _legacy_content(stream, byte_count=path.stat().st_size)


def _zip_content(archive: zipfile.ZipFile, *, byte_count: int) -> TorchContent:
    entries = {entry.filename: entry for entry in archive.infolist()}
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise WeightsError("it is a compressed archive, which torch.save never writes; unpack it first")
    held = sum(entry.file_size for entry in entries.values())
    if len(entries) != len(archive.infolist()) or held > byte_count:
        raise WeightsError(f"its {len(archive.infolist()):,} entries overlap: {held:,} bytes in {byte_count:,}")
    folders = [name.removesuffix("data.pkl") for name in entries if name.split("/")[1:] == ["data.pkl"]]
    if len(folders) != 1 or f"{folders[0]}constants.pkl" in entries:
        first = shown(next(iter(entries), ""))
        raise WeightsError(f"it is an archive, of something else than weights by torch.save; it begins with {first}")
    _check_sums(archive)
    order = f"{folders[0]}byteorder"
    if order in entries and archive.read(entries[order]) != b"little":
        raise WeightsError("it comes from a machine of another byte order, whose files are not read here")
    pickled = entries[f"{folders[0]}data.pkl"]
    stores: list[StorageReference] = []
    stream = BytesIO(archive.read(pickled))
    content = read_inert(stream, byte_count=pickled.file_size, admitted=ADMITTED, stored=stores)
    for key, declared in _check_stores(stores).items():
        entry = entries.get(f"{folders[0]}data/{key}")
        if entry is None or entry.file_size != declared:
            raise WeightsError(
                f"the values {shown(key)} should take {declared:,} bytes and take {entry.file_size if entry else 0:,}"
            )
    return TorchContent(
        content=content, values=lambda key: _whole(archive, entries[f"{folders[0]}data/{key}"], byte_count=held)
    )


def _check_sums(archive: zipfile.ZipFile) -> None:
    """Raise WeightsError, naming the entry, if bytes do not match their checksum.

    ``torch.serialization.set_crc32_options(False)`` writes files without checksums: all of them are then 0.
    """
    if not any(entry.CRC for entry in archive.infolist()):
        for entry in archive.infolist():
            del entry.CRC  # what zipfile then does not compare
        return
    damaged = archive.testzip()
    if damaged is not None:
        raise WeightsError(
            f"its entry {shown(damaged)} differs from its checksum: it was damaged; download or copy it again"
        )


def _whole(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, byte_count: int) -> bytearray:
    held = bytearray()
    with archive.open(entry) as stream:
        while len(held) <= byte_count and (chunk := stream.read(_CHUNK_BYTES)):
            held += chunk
    return held


def _legacy_content(stream: BufferedIOBase, *, byte_count: int) -> TorchContent:
    def next_pickle(stored: list[StorageReference] | None = None) -> object:
        return read_inert(stream, byte_count=byte_count - stream.tell(), admitted=ADMITTED, stored=stored)

    next_pickle()  # the magic number, by which the format was recognised
    protocol, system = next_pickle(), next_pickle()
    if protocol != _LEGACY_PROTOCOL or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise WeightsError("it comes from a version of torch, or a machine, whose files are not read here")
    stores: list[StorageReference] = []
    content = next_pickle(stores)
    order = next_pickle()  # of the values that follow, each behind its length in 8 bytes
    declared = _check_stores(stores)
    needed, left = sum(declared.values()) + 8 * len(declared), byte_count - stream.tell()
    if needed > left:
        raise WeightsError(f"its values should take {needed:,} bytes and take {left:,}: it is incomplete")
    keys = [key for key in order if isinstance(key, str)] if isinstance(order, list) else []
    if keys != order or sorted(keys) != sorted(declared):
        raise WeightsError("it lists other values than its tensors have")
    starts: dict[str, int] = {}
    at = stream.tell()
    for key in keys:
        starts[key] = at + 8
        at += 8 + declared[key]

    def values(key: str) -> bytearray:
        stream.seek(starts[key])
        return bytearray(stream.read(declared[key]))

    return TorchContent(content=content, values=values)


def _check_stores(stores: Iterable[StorageReference]) -> dict[str, int]:
    """Return the declared size in bytes of each storage, by its key.

    Raises WeightsError if a reference is of another kind, or two references disagree.
    """
    declared: dict[str, int] = {}
    for store in stores:
        # In a plain file a sixth entry may describe a view of the values; torch has not written one since 0.4.
        known = store.identity[:5] if store.identity[5:] in ((), (None,)) else ()
        match known:
            case ("storage", Global(name=kind), str(key), _, int(count)) if kind in _DTYPES and count >= 0:
                byte_count = count * _DTYPES[kind].itemsize
            case _:
                raise WeightsError("it refers to something else than values outside of its pickle")
        if declared.setdefault(key, byte_count) != byte_count:
            raise WeightsError(f"it declares the values {shown(key)} twice, with different sizes")
    return declared
