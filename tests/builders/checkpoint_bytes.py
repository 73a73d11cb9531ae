"""Checkpoint files as bytes, of known arrays, and a pickle that calls a function."""

import io

import numpy as np
import torch
from pickle_writer import array2, dict2, integer, pickle2

RNG = np.random.default_rng(20260)
ARRAYS = {
    "conv1_w": RNG.standard_normal((7, 3, 5)).astype(np.float32),
    "conv1_b": RNG.standard_normal(7),
    "halves": RNG.standard_normal((2, 11)).astype(np.float16),
    "steps": np.arange(6, dtype=np.int64).reshape(2, 3),
    "flags": np.array([True, False, True]),
    "lr": np.array(0.0125, dtype=np.float32),
}
TENSORS = {name: torch.from_numpy(array.copy()) for name, array in ARRAYS.items()}


def caffe2_bytes(*, core="core", container="blobs"):
    blobs = dict2({name: array2(array, core=core) for name, array in ARRAYS.items()} | {"model_iter": integer(400_000)})
    return pickle2(dict2({container: blobs}) if container else blobs)


def torch_bytes(content, *, legacy=False):
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


class Runs:
    """Pickles to a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def assert_same(tensors, arrays=ARRAYS):
    assert tensors.keys() == arrays.keys()
    for name, array in arrays.items():
        assert tensors[name].numpy().dtype == array.dtype
        np.testing.assert_array_equal(tensors[name].numpy(), array)
        assert tensors[name].is_contiguous()
