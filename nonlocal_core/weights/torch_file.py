"""Reading of ``torch.save`` files: today's zip files, and the plain files of versions before 1.6.

``torch.load(weights_only=True)`` does the reading. Before it, the globals of the pickle are compared with a shorter
list, and its declared sizes with the bytes of the file, so that no memory is allocated for a false size.
"""

import pickle
import zipfile
from collections.abc import Iterable
from io import BufferedIOBase, BytesIO
from pathlib import Path

import torch

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.unpickle import Global, StorageReference, read_inert, shown

LEGACY_START = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
"""The magic number of torch/serialization.py, as the first bytes of a plain file."""

_LEGACY_PROTOCOL = 1001
_ITEM_BYTES = {
    "torch.DoubleStorage": 8,
    "torch.LongStorage": 8,
    "torch.FloatStorage": 4,
    "torch.IntStorage": 4,
    "torch.HalfStorage": 2,
    "torch.BFloat16Storage": 2,
    "torch.ShortStorage": 2,
    "torch.ByteStorage": 1,
    "torch.CharStorage": 1,
    "torch.BoolStorage": 1,
}
_REBUILD = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")
ADMITTED = frozenset({*_ITEM_BYTES, "collections.OrderedDict", *(f"torch._utils.{name}" for name in _REBUILD)})
"""Globals that such a file may name, fewer than ``weights_only`` admits."""


def read_torch_zip(path: Path) -> object:
    """Return the content of a zip file by ``torch.save``. Code inside it never runs.

    Raises WeightsError when it asks for anything but tensors, or declares what it does not hold.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_zip(archive, byte_count=path.stat().st_size)
    except WeightsError:
        raise
    except Exception as fault:  # on damaged bytes zipfile raises BadZipFile, and whatever its parts raise
        raise WeightsError("it is a damaged or incomplete archive; download or copy it again") from fault
    return _load(path)


def read_torch_legacy(path: Path) -> object:
    """Return the content of a plain file by ``torch.save`` before version 1.6. Code inside it never runs.

    Raises WeightsError when it asks for anything but tensors, or declares what it does not hold.
    """
    byte_count = path.stat().st_size
    with path.open("rb") as stream:
        _check_legacy(stream, byte_count=byte_count)
    return _load(path)


def _check_zip(archive: zipfile.ZipFile, *, byte_count: int) -> None:
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
    pickled = entries[f"{folders[0]}data.pkl"]
    stores: list[StorageReference] = []
    stream = BytesIO(archive.read(pickled))
    read_inert(stream, byte_count=pickled.file_size, admitted=ADMITTED, stored=stores)
    for key, declared in _check_stores(stores).items():
        entry = entries.get(f"{folders[0]}data/{key}")
        if entry is None or entry.file_size != declared:
            raise WeightsError(
                f"the values {shown(key)} should take {declared:,} bytes and take {entry.file_size if entry else 0:,}"
            )


def _check_legacy(stream: BufferedIOBase, *, byte_count: int) -> None:
    def next_pickle(stored: list[StorageReference] | None = None) -> object:
        return read_inert(stream, byte_count=byte_count - stream.tell(), admitted=ADMITTED, stored=stored)

    next_pickle()  # the magic number, by which the format was recognised
    protocol, system = next_pickle(), next_pickle()
    if protocol != _LEGACY_PROTOCOL or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise WeightsError("it comes from a version of torch, or a machine, whose files are not read here")
    stores: list[StorageReference] = []
    next_pickle(stores)
    next_pickle()  # the order of the values that follow, each behind its length in 8 bytes
    declared = _check_stores(stores)
    needed, left = sum(declared.values()) + 8 * len(declared), byte_count - stream.tell()
    if needed > left:
        raise WeightsError(f"its values should take {needed:,} bytes and take {left:,}: it is incomplete")


def _check_stores(stores: Iterable[StorageReference]) -> dict[str, int]:
    """Return the declared size in bytes of each storage, by its key.

    Raises WeightsError when a reference is of another kind, or two references disagree.
    """
    declared: dict[str, int] = {}
    for store in stores:
        # In a plain file a sixth entry may describe a view of the values; torch has not written one since 0.4.
        known = store.identity[:5] if store.identity[5:] in ((), (None,)) else ()
        match known:
            case ("storage", Global(name=kind), str(key), _, int(count)) if kind in _ITEM_BYTES and count >= 0:
                byte_count = count * _ITEM_BYTES[kind]
            case _:
                raise WeightsError("it refers to something else than values outside of its pickle")
        if declared.setdefault(key, byte_count) != byte_count:
            raise WeightsError(f"it declares the values {shown(key)} twice, with different sizes")
    return declared


def _load(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as fault:  # on damaged bytes it raises whatever its parts raise
        raise WeightsError(f"it is damaged, or torch {torch.__version__} does not read it") from fault
