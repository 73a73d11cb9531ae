"""Tushar-N's names lead to the parameters that Caffe2's blobs of the same tensors fill."""

from published_files import ODD, tensors_of, tushar_name
from same_network import assert_as_from_caffe2

from nonlocal_core.models import presets
from nonlocal_core.weights.layouts import TUSHAR


def test_same_parameters_as_from_caffe2():
    assert_as_from_caffe2(presets.tushar_i3d(), tensors_of("i3d", after=ODD), TUSHAR, tushar_name)
