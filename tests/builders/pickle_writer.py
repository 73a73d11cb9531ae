"""Writes pickles as Python 2 and Caffe2 wrote them, opcode by opcode: Python 3 cannot write them any more."""

import struct

import numpy as np


def string2(text: str | bytes) -> bytes:
    """A Python 2 `str`: Python 3 would write text or bytes, which are other opcodes."""
    raw = text.encode("latin-1") if isinstance(text, str) else text
    short = len(raw) < 256
    return (b"U" + bytes([len(raw)]) if short else b"T" + struct.pack("<i", len(raw))) + raw


def integer(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def array2(array: np.ndarray, *, core: str = "core", code: str | None = None, data: bytes | None = None) -> bytes:
    """An array as NumPy under Python 2 pickled it with protocol 2; `code` and `data` may lie about it."""
    code = code or array.dtype.str[1:]
    order = "|" if array.dtype.itemsize == 1 else "<"
    raw = array.tobytes() if data is None else data
    shape = b"(" + b"".join(map(integer, array.shape)) + b"t"
    dtype = (
        b"cnumpy\ndtype\n" + string2(code) + integer(0) + integer(1) + b"\x87R"
        b"(" + integer(3) + string2(order) + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    )  # fmt: skip
    empty = f"cnumpy.{core}.multiarray\n_reconstruct\ncnumpy\nndarray\n".encode() + integer(0) + b"\x85" + string2("b")
    return empty + b"\x87R(" + integer(1) + shape + dtype + b"\x89" + string2(raw) + b"tb"


def dict2(items: dict[str, bytes]) -> bytes:
    return b"}(" + b"".join(string2(key) + value for key, value in items.items()) + b"u"


def pickle2(value: bytes) -> bytes:
    return b"\x80\x02" + value + b"."
