"""mmaction2's names, wrapped layers included, lead to the parameters that Caffe2's blobs of the same tensors fill."""

from functools import partial

import pytest
import torch
from published_files import EVEN, ODD, WRAPPED, mmaction2_name, numbered_values, tensors_of
from same_network import as_image_convolutions, assert_as_from_caffe2, assert_same, told

from nonlocal_core.models import presets
from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import MMACTION2, MMACTION2_DETECTOR


@pytest.mark.parametrize("pairwise", ["embedded_gaussian", "gaussian"])
def test_same_parameters_as_from_caffe2(pairwise):
    tensors = tensors_of("i3d", after=ODD, out_bias=False, pairwise=pairwise)
    assert_as_from_caffe2(presets.mmaction2_i3d(pairwise=pairwise), tensors, MMACTION2, mmaction2_name)


def test_tsm_wraps_convolutions_and_bottlenecks():
    tensors = tensors_of("c2d", after=EVEN, out_bias=False)
    naming = partial(mmaction2_name, shifted=True, wrapped=WRAPPED)
    assert_as_from_caffe2(presets.mmaction2_tsm(), tensors, MMACTION2, naming, as_image_convolutions)


def test_a_detector_is_read_without_its_classifier():
    values = numbered_values(tensors_of("slow", after=EVEN, out_bias=False))
    state = told(values, mmaction2_name)
    for table, shape in (("weight", (81, 2048)), ("bias", (81,))):
        del state[f"cls_head.fc_cls.{table}"]
        state[f"roi_head.bbox_head.fc_cls.{table}"] = torch.zeros(shape)
    network = load_network(state, layout=MMACTION2_DETECTOR, config=presets.mmaction2_slowonly_ava(clip="8x8"))
    assert network.head is None
    expected = load_network(
        told(values, mmaction2_name), layout=MMACTION2, config=presets.mmaction2_slowonly(clip="8x8")
    )
    assert_same(network, expected, but={"head.weight", "head.bias"})
