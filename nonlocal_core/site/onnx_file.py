"""Writer of ONNX files: the few protocol buffer messages that a graph of convolutions and products needs.

Field numbers: onnx/onnx.proto of github.com/onnx/onnx, IR version 8. Writing them here avoids a dependency that
everybody would install and a page would use once.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

Attribute = int | float | str | Sequence[int] | np.ndarray

IR_VERSION, OPSET = 8, 18
_TYPES = {"float32": 1, "uint8": 2, "int64": 7, "bool": 9}
_FLOAT, _INT, _STRING, _TENSOR, _INTS = 1, 2, 3, 4, 7
"""Values of AttributeProto.AttributeType."""


def model(graph: bytes) -> bytes:
    """Return a file with this graph."""
    opset = _text(1, "") + _number(2, OPSET)
    return _number(1, IR_VERSION) + _text(2, "nonlocal-viewer") + _part(7, graph) + _part(8, opset)


def graph(
    nodes: Sequence[bytes], constants: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> bytes:
    """Return a graph of nodes in the order in which they run."""
    parts = ((1, nodes), (5, constants), (11, inputs), (12, outputs))
    return _text(2, "graph") + b"".join(_part(field, part) for field, some in parts for part in some)


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Attribute]) -> bytes:
    """Return one operation."""
    named = b"".join(_text(1, name) for name in inputs) + b"".join(_text(2, name) for name in outputs)
    return named + _text(4, kind) + b"".join(_part(5, _attribute(*each)) for each in attributes.items())


def tensor(values: np.ndarray, name: str = "") -> bytes:
    """Return an array."""
    dims = b"".join(_number(1, side) for side in values.shape)
    data = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    return dims + _number(2, _TYPES[values.dtype.name]) + _text(8, name) + _part(9, data)


def place(name: str, dtype: str, sides: Sequence[int | str]) -> bytes:
    """Return an input or output: its name, type and shape, in which a word stands for a size known at run time."""
    dims = b"".join(_part(1, _text(2, side) if isinstance(side, str) else _number(1, side)) for side in sides)
    return _text(1, name) + _part(2, _part(1, _number(1, _TYPES[dtype]) + _part(2, dims)))


def _attribute(name: str, value: Attribute) -> bytes:
    match value:
        case int():
            said = _number(3, value) + _number(20, _INT)
        case float():
            said = _key(2, 5) + struct.pack("<f", value) + _number(20, _FLOAT)
        case str():
            said = _text(4, value) + _number(20, _STRING)
        case np.ndarray():
            said = _part(5, tensor(value)) + _number(20, _TENSOR)
        case _:
            said = b"".join(_number(8, each) for each in value) + _number(20, _INTS)
    return _text(1, name) + said


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value % 2**64)  # a negative number as two's complement of 64 bits


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode())


def _part(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
