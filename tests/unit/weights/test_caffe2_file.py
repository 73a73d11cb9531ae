"""Caffe2 pickles are read to the arrays that their writer was given, and arrays that cannot be are refused."""

import pickle

import numpy as np
import pytest
from checkpoint_bytes import ARRAYS, assert_same, caffe2_bytes
from pickle_writer import array2, dict2, pickle2, string2

from nonlocal_core.weights.checkpoint import read_checkpoint


@pytest.mark.parametrize("core", ["core", "_core"])
@pytest.mark.parametrize("container", ["blobs", None])
def test_python_2_pickles(written, core, container):
    content = caffe2_bytes(core=core, container=container)
    raw = read_checkpoint(written(content))
    assert_same(raw.tensors)
    assert raw.format == "caffe2"
    assert raw.extra == {"model_iter": 400_000}
    # The writer itself is held against the standard library, which runs what it reads.
    theirs = pickle.loads(content, encoding="latin1")
    theirs = theirs[container] if container else theirs
    assert theirs.pop("model_iter") == 400_000
    assert_same(raw.tensors, theirs)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickles_written_again_by_python_3(written, protocol):
    scalars = {"one": np.float32(0.25), "two": np.int64(-9)}
    raw = read_checkpoint(written(pickle.dumps({"blobs": ARRAYS | scalars, "note": "é"}, protocol=protocol)))
    assert_same(raw.tensors, ARRAYS | {name: np.array(value) for name, value in scalars.items()})
    assert raw.extra == {"note": "é"}


def test_fortran_order_and_foreign_byte_order(written):
    arrays = {"f": np.asfortranarray(ARRAYS["conv1_w"]), "big": ARRAYS["conv1_b"].astype(">f8")}
    raw = read_checkpoint(written(pickle.dumps(arrays, protocol=4)))
    np.testing.assert_array_equal(raw.tensors["f"].numpy(), ARRAYS["conv1_w"])
    np.testing.assert_array_equal(raw.tensors["big"].numpy(), ARRAYS["conv1_b"])


W = np.arange(21, dtype=np.float32).reshape(3, 7)


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
