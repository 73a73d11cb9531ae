"""Reading of Caffe2 checkpoints: pickles of names and NumPy arrays, mostly written by Python 2.

facebookresearch/video-nonlocal-net, SlowFast and video-long-term-feature-banks publish these, as
``{'blobs': {name: array}}`` or as the bare inner dictionary.
"""

import math
import re
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.unpickle import Call, read_inert, shown

ADMITTED = frozenset(
    {f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")}
    | {"numpy.ndarray", "numpy.dtype", "_codecs.encode", "collections.OrderedDict"}
)
"""Globals that such a file may name. NumPy 2 moved `core` to `_core`."""

_NUMBER = re.compile(r"f[248]|i[1248]|[ub]1")
MAX_DIMENSIONS = 8
"""Maximum number of axes of a tensor. torch itself fails beyond 64."""


def read_caffe2(path: Path) -> object:
    """Return the content of the pickle with a `Call` in place of every array. Nothing in it runs.

    Raises WeightsError that names the other globals that the file asks for.
    """
    with path.open("rb") as stream:
        return read_inert(stream, byte_count=path.stat().st_size, admitted=ADMITTED)


def array_tensor(call: Call, *, name: str) -> torch.Tensor:
    """Return the array that ``call`` describes. Raises WeightsError for another call, or bytes that do not fit."""
    try:
        return torch.from_numpy(_array(call))
    except (ValueError, TypeError, IndexError) as fault:
        why = str(fault) if isinstance(fault, WeightsError) else "its description is damaged"
        raise WeightsError(f"the array {shown(name)} cannot be read: {why}") from fault


def _array(call: Call) -> NDArray[np.generic]:
    function = call.function.rpartition(".")[2]
    if function == "scalar":
        dtype, data = call.arguments
        return _from_bytes(data, _dtype(dtype), shape=(), order="C")
    if function != "_reconstruct" or not isinstance(call.state, tuple):
        raise WeightsError(f"it is a {function}")
    *_, shape, dtype, is_fortran, data = call.state
    return _from_bytes(data, _dtype(dtype), shape=_shape(shape), order="F" if is_fortran else "C")


def _dtype(call: object) -> np.dtype[np.generic]:
    if not isinstance(call, Call) or call.function != "numpy.dtype" or not isinstance(call.state, tuple):
        raise WeightsError("it has no type")
    code, (_, order, subtype, names, *_) = call.arguments[0], call.state
    if not isinstance(code, str) or not _NUMBER.fullmatch(code) or subtype is not None or names is not None:
        raise WeightsError(f"it holds {shown(code)} instead of numbers")
    if order not in ("<", ">", "|", "="):
        raise WeightsError(f"its byte order is {shown(order)}")
    return np.dtype(f"{order}{code}")


def _shape(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple) or len(value) > MAX_DIMENSIONS:
        raise WeightsError("it has no shape")
    sizes = tuple(size for size in value if isinstance(size, int) and size >= 0)
    if len(sizes) != len(value):
        raise WeightsError("its shape is not made of sizes")
    return sizes


def _from_bytes(
    data: object, dtype: np.dtype[np.generic], *, shape: tuple[int, ...], order: Literal["C", "F"]
) -> NDArray[np.generic]:
    """Return the array in the byte order of this machine, after a check that its bytes fit its shape."""
    raw = data.encode("latin-1") if isinstance(data, str) else data  # a Python 2 string is bytes
    if not isinstance(raw, bytes):
        raise WeightsError("it has no bytes")
    needed = math.prod(shape) * dtype.itemsize
    if len(raw) != needed:
        raise WeightsError(f"its shape {shape} needs {needed:,} bytes and it has {len(raw):,}")
    array = np.ndarray(shape, dtype, buffer=raw, order=order)
    return np.array(array, dtype=dtype.newbyteorder("="), order="C")
