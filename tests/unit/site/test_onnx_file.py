"""Messages of an ONNX file: as the guide of protocol buffers encodes them, and as onnxruntime reads them."""

import numpy as np
import onnxruntime
import pytest

from nonlocal_core.site import onnx_file


def test_numbers_and_words_are_encoded_as_in_the_guide():
    """The guide's own examples: 150 in field 1 is 08 96 01, "testing" in field 2 is 12 07 and the letters."""
    place = onnx_file.place("n", "float32", [150, "testing"])
    assert bytes.fromhex("0a03089601") in place
    assert bytes.fromhex("0a091207") + b"testing" in place


def test_a_negative_number_takes_ten_bytes():
    """As two's complement of 64 bits, in groups of seven."""
    node = onnx_file.node("Concat", ["a"], ["b"], {"axis": -2})
    groups = [(2**64 - 2) >> 7 * i & 127 for i in range(10)]
    assert bytes([3 << 3, *(group | 128 for group in groups[:-1]), groups[-1]]) in node


def run(nodes, constants, sides, dtype="float32"):
    """The one output of a graph, as onnxruntime runs it."""
    output = onnx_file.place("y", dtype, sides)
    session = onnxruntime.InferenceSession(
        onnx_file.model(onnx_file.graph(nodes, constants, [], [output])), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {})[0]


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64", "bool"])
def test_an_array_comes_back_as_it_was(dtype):
    values = (np.arange(42).reshape(2, 3, 7) * 37 % 251).astype(dtype)[:, ::-1]
    found = run([onnx_file.node("Identity", ["x"], ["y"], {})], [onnx_file.tensor(values, "x")], (2, 3, 7), dtype)
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


def test_attributes_of_every_kind_reach_the_operation():
    x = np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5
    kinds = {
        "number": (onnx_file.node("Softmax", ["x"], ["y"], {"axis": -2}), np.exp(x) / np.exp(x).sum(0), (2, 3)),
        "fraction": (onnx_file.node("LeakyRelu", ["x"], ["y"], {"alpha": 0.25}), np.where(x < 0, 0.25 * x, x), (2, 3)),
        "numbers": (onnx_file.node("Transpose", ["x"], ["y"], {"perm": (1, 0)}), x.T, (3, 2)),
        "array": (onnx_file.node("Constant", [], ["y"], {"value": x}), x, (2, 3)),
        "word": (onnx_file.node("DepthToSpace", ["d"], ["y"], {"blocksize": 2, "mode": "CRD"}), None, (1, 1, 2, 4)),
    }
    deep = np.arange(8, dtype=np.float32).reshape(1, 4, 1, 2)
    unfolded = deep.reshape(1, 1, 2, 2, 1, 2).transpose(0, 1, 4, 2, 5, 3).reshape(1, 1, 2, 4)
    constants = [onnx_file.tensor(x, "x"), onnx_file.tensor(deep, "d")]
    for kind, (node, expected, sides) in kinds.items():
        found = run([node], constants, sides)
        np.testing.assert_allclose(found, unfolded if expected is None else expected, rtol=1e-6, err_msg=kind)
