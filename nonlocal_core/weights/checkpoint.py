"""Reading of a checkpoint file of any known kind into names and tensors, without running anything inside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.caffe2_file import ADMITTED as NUMPY
from nonlocal_core.weights.caffe2_file import array_tensor, read_caffe2
from nonlocal_core.weights.sets import chosen_set, holds_tensor
from nonlocal_core.weights.torch_file import LEGACY_START, TorchContent, torch_legacy, torch_zip
from nonlocal_core.weights.unpickle import Call, shown

CheckpointFormat = Literal["caffe2", "torch_zip", "torch_legacy", "safetensors"]

Extra = dict[str, str | int | float | bool]

_SINGLE = (str, int, float, bool)
_DTYPES = frozenset(
    {torch.float16, torch.bfloat16, torch.float32, torch.float64}
    | {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
)
_NO_CHECKPOINTS: dict[bytes, str] = {
    b"\x1f\x8b": "it is a gzip archive; unpack it and open the file inside",
    b"BZh": "it is a bzip2 archive; unpack it and open the file inside",
    b"\xfd7zXZ": "it is an xz archive; unpack it and open the file inside",
    b"\x89HDF": "it is an HDF5 file, as Keras writes it, which is not read here",
    b"<": "it is a web page: the server answered with a message instead of the file; download it again",
    b"version https://git-lfs": "it is a Git LFS pointer; fetch the file itself with: git lfs pull",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointLimits:
    """Limits on a checkpoint. The largest published one, SlowFast R101, stays below a quarter of them."""

    max_bytes: int = 2 << 30
    """Bytes of the file, and of its tensors together."""
    max_unpacked_bytes: int = 64 << 20
    """Bytes of the tensors of a file of few bytes, in which a tensor may repeat a few stored values."""
    max_unpacked_per_byte: int = 8
    """Further bytes of tensors for each byte of the file."""
    max_tensors: int = 6_000
    max_name: int = 256
    """Length of a tensor's name in characters. Those of wrappers are removed one by one, from all tensors."""

    def check_unpacked(self, unpacked: int, byte_count: int) -> None:
        """Refuse a file of ``byte_count`` bytes whose tensors are too large. Raises WeightsError."""
        most = self.max_unpacked_bytes + self.max_unpacked_per_byte * byte_count
        for limit, name in (
            (self.max_bytes, "max_bytes is"),
            (most, f"max_unpacked_bytes and max_unpacked_per_byte allow {byte_count:,} bytes"),
        ):
            if unpacked > limit:
                raise WeightsError(f"its tensors declare {unpacked:,} bytes and {name} {limit:,}")

    def check_count(self, count: int) -> None:
        """Refuse a file of too many tensors, before they are looked at. Raises WeightsError."""
        if count > self.max_tensors:
            raise WeightsError(f"it holds more than {self.max_tensors:,} tensors, the most that are read (max_tensors)")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RawCheckpoint:
    """Tensors of a file by the file's own names, on the CPU, contiguous and finite."""

    tensors: dict[str, Tensor]
    format: CheckpointFormat
    extra: Extra
    """Other single values of the file: number of iterations, configuration text, metadata."""
    note: str = ""
    """Sentence on the choice among several sets of weights."""

    def __repr__(self) -> str:
        values = sum(tensor.numel() for tensor in self.tensors.values())
        return f"RawCheckpoint({self.format}, {len(self.tensors)} tensors, {values:,} values)"


_DEFAULT_LIMITS = CheckpointLimits()


def read_checkpoint(
    path: Path, *, weights: str | None = None, limits: CheckpointLimits = _DEFAULT_LIMITS
) -> RawCheckpoint:
    """Return the tensors of a Caffe2, torch or safetensors file. Its content decides the kind, not its suffix.

    ``weights``: the key of one of several sets of weights, or "ema" for their running average; None: the only set, or
    the one beside its average. Code inside the file never runs. Raises WeightsError for a file of another kind, for
    globals that are not admitted, damage, an exceeded limit, a tensor that is not finite, or a missing set.
    """
    try:
        kind = _kind(path, limits)
        tensors, extra, note = _read(path, kind, weights, limits)
        _check_tensors(tensors, limits.max_name)
    except WeightsError as fault:
        raise WeightsError(f"{path.name} is not used as a checkpoint: {fault}. Nothing in it was run.") from fault
    return RawCheckpoint(
        tensors={name: tensor.detach().contiguous() for name, tensor in tensors.items()},
        format=kind,
        extra=extra,
        note=note,
    )


def _kind(path: Path, limits: CheckpointLimits) -> CheckpointFormat:
    if path.is_dir():
        raise WeightsError("it is a folder; open the file inside that holds the weights")
    if not path.is_file():
        raise WeightsError("there is no such file")
    byte_count = path.stat().st_size
    if byte_count > limits.max_bytes:
        raise WeightsError(f"it has {byte_count:,} bytes and max_bytes is {limits.max_bytes:,}")
    with path.open("rb") as stream:
        start = stream.read(64)
    if start.startswith(b"PK\x03\x04"):
        return "torch_zip"
    if start.startswith(LEGACY_START):
        return "torch_legacy"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= byte_count:
        return "safetensors"
    for beginning, sentence in _NO_CHECKPOINTS.items():
        if start.startswith(beginning):
            raise WeightsError(sentence)
    if not start:
        raise WeightsError("it is empty")
    return "caffe2"  # any pickle, or an unknown format, which its reader refuses


def _read(
    path: Path, kind: CheckpointFormat, weights: str | None, limits: CheckpointLimits
) -> tuple[dict[str, Tensor], Extra, str]:
    unwrap = partial(_unwrapped, weights=weights, limits=limits, file_bytes=path.stat().st_size)
    match kind:
        case "safetensors":
            if weights is not None:
                raise WeightsError(f"a safetensors file holds one set of weights without a name, not {shown(weights)}")
            return *_read_safetensors(path, limits), ""
        case "caffe2":
            return unwrap(read_caffe2(path), array_tensor)
        case "torch_zip":
            with torch_zip(path) as file:
                return unwrap(file.content, partial(_tensor_or_array, file))
        case "torch_legacy":
            with torch_legacy(path) as file:
                return unwrap(file.content, partial(_tensor_or_array, file))


def _read_safetensors(path: Path, limits: CheckpointLimits) -> tuple[dict[str, Tensor], Extra]:
    try:
        with safe_open(path, framework="pt") as file:
            names: list[str] = file.keys()
            limits.check_count(len(names))
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except SafetensorError as fault:
        raise WeightsError(f"it is a damaged safetensors file ({fault})") from fault


def _tensor_or_array(file: TorchContent, call: Call, *, name: str) -> Tensor:
    return array_tensor(call, name=name) if call.function in NUMPY else file.tensor(call, name=name)


def _unwrapped(
    content: object,
    tensor_of: Callable[..., Tensor],
    *,
    weights: str | None,
    limits: CheckpointLimits,
    file_bytes: int,
) -> tuple[dict[str, Tensor], Extra, str]:
    """Return the tensors, the single values beside or around them, and the sentence on the choice among several sets.

    The limits hold for all tensors together, and are checked after each one: the next may be a copy of the same values.
    """
    if not isinstance(content, dict):
        raise WeightsError(f"it holds {shown(content)} and no tensors by name")
    chosen, note = chosen_set(content, weights)
    inner = content if chosen is None else content[chosen]
    extra = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, _SINGLE)}
    tensors = {}
    byte_count = 0
    for name, value in inner.items():
        if not isinstance(name, str):
            raise WeightsError(f"it names a tensor {shown(name)}")
        if isinstance(value, _SINGLE):
            extra[name] = value
        elif holds_tensor(value):
            tensor = tensors[name] = tensor_of(value, name=name)
            byte_count += tensor.numel() * tensor.element_size()
            limits.check_unpacked(byte_count, file_bytes)
            limits.check_count(len(tensors))
        else:
            raise WeightsError(f"where a tensor belongs, {shown(name)} holds {_described(value)}")
    return tensors, extra, note


def _described(value: object) -> str:
    return value.function if isinstance(value, Call) else shown(value)


def _check_tensors(tensors: Mapping[str, Tensor], max_name: int) -> None:
    if not tensors:
        raise WeightsError("it holds no tensors by name")
    for name, tensor in tensors.items():
        if len(name) > max_name:
            raise WeightsError(f"it names a tensor with {len(name):,} characters and max_name is {max_name:,}")
        if tensor.dtype not in _DTYPES:
            raise WeightsError(f"the tensor {shown(name)} is of the type {tensor.dtype}, which no network here has")
        if not _is_finite(tensor):
            raise WeightsError(f"the tensor {shown(name)} holds values that are not finite")


def _is_finite(tensor: Tensor) -> bool:
    """Return whether all values are finite. Infinity and NaN show in the smallest or the largest value."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    return all(bool(torch.isfinite(end)) for end in torch.aminmax(tensor))
