"""MIT's names, with their wrapped layers, lead to the parameters that Caffe2's blobs of the same tensors fill."""

from functools import partial

from published_files import EVEN, WRAPPED, mit_tsm_name, tensors_of
from same_network import as_image_convolutions, assert_as_from_caffe2

from nonlocal_core.models import presets
from nonlocal_core.weights.layouts import MIT_TSM


def test_same_parameters_as_from_caffe2():
    tensors = tensors_of("c2d", after=EVEN)
    naming = partial(mit_tsm_name, wrapped=WRAPPED)
    assert_as_from_caffe2(presets.mit_tsm(), tensors, MIT_TSM, naming, as_image_convolutions)
