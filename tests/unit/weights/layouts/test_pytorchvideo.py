"""PyTorchVideo's numbered names lead to the parameters that Caffe2's blobs of the same tensors fill."""

from functools import partial

from published_files import pytorchvideo_name, tensors_of
from same_network import assert_as_from_caffe2

from nonlocal_core.models import presets
from nonlocal_core.weights.layouts import PYTORCHVIDEO, PYTORCHVIDEO_SLOW


def test_same_parameters_as_from_caffe2():
    naming = partial(pytorchvideo_name, pooled=True)
    assert_as_from_caffe2(presets.pytorchvideo_8x8(family="i3d"), tensors_of("i3d"), PYTORCHVIDEO, naming)


def test_the_slow_network_has_no_pool_that_counts():
    assert_as_from_caffe2(
        presets.pytorchvideo_8x8(family="slow"),
        tensors_of("slow"),
        PYTORCHVIDEO_SLOW,
        lambda tensor: "model." + pytorchvideo_name(tensor, pooled=False),
    )
