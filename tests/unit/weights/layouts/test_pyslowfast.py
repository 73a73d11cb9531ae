"""PySlowFast's names lead to the parameters that Caffe2's blobs of the same tensors fill."""

from published_files import ODD, pyslowfast_name, tensors_of
from same_network import assert_as_from_caffe2

from nonlocal_core.models import presets
from nonlocal_core.weights.layouts import PYSLOWFAST


def test_same_parameters_as_from_caffe2():
    tensors = tensors_of("i3d", after=ODD)
    assert_as_from_caffe2(presets.pyslowfast_8x8(family="i3d"), tensors, PYSLOWFAST, pyslowfast_name)
