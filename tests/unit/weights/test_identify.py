"""What a file is, from names and shapes: whose names, which networks it fills, which is nearest."""

from functools import partial

import pytest
import torch
from published_files import EVEN, ODD, caffe2_file, file_of, mmaction2_name, pytorchvideo_name, tushar_name

from nonlocal_core.models.resnet import ResNet
from nonlocal_core.weights.identify import identify
from nonlocal_core.weights.layouts import OURS
from nonlocal_core.weights.published import find_published


def test_names_and_shapes_cannot_tell_geometry_scale_or_function():
    """Every network that fits is listed, and nothing is chosen."""
    fits = [network.arch for network in identify(caffe2_file(after=ODD)).fits]
    assert fits == [
        "caffe2-i3d-r50-nl5-8x8",
        "caffe2-i3d-r50-nl5-32x2",
        "lfb-i3d-r50-nl5-kinetics",
        "pyslowfast-c2-i3d-r50-nl5-8x8",
    ]
    identity = identify(file_of(mmaction2_name, after=ODD, out_bias=False))
    assert [network.config.pairwise for network in identity.fits] == ["embedded_gaussian", "dot_product"]
    assert "say which it is: mmaction2-i3d-r50-nl5-embedded-gaussian-32x2, " in identity.sentence


def test_one_network_that_fits_is_named():
    identity = identify(file_of(tushar_name, after=ODD))
    assert [network.arch for network in identity.fits] == ["tushar-i3d-r50-nl5-32x2"]
    assert identity.sentence == (
        "It fills Tushar-N 32x2, I3D ResNet-50, 5 non-local blocks (embedded gaussian) "
        "(tushar-i3d-r50-nl5-32x2) completely."
    )


def test_the_nearest_network_says_what_is_wrong():
    state = caffe2_file(after=ODD)
    del state["nonlocal_conv4_5_bn_riv"]
    identity = identify(state)
    assert identity.fits == ()
    assert "left empty: res4.5.nonlocal_block.norm.running_var" in identity.sentence


def without_head(naming, family, **settings):
    state = file_of(naming, family, **settings)
    return {name: tensor for name, tensor in state.items() if tensor.shape[:1] != (400,)}


def test_without_its_classifier_a_file_is_still_told_from_one_of_other_names():
    """PyTorchVideo counts the pool of its I3D among the modules, which moves all later names."""
    for family, pooled, arch in (
        ("slow", False, "pytorchvideo-slow-r50-8x8"),
        ("i3d", True, "pytorchvideo-i3d-r50-8x8"),
    ):
        identity = identify(without_head(partial(pytorchvideo_name, pooled=pooled), family))
        assert [network.arch for network in identity.fits] == [arch]
        assert "the file has none" in identity.classifier


def test_networks_of_all_sources_that_a_file_without_classifier_may_be_of_are_listed():
    identity = identify(without_head(mmaction2_name, "slow", after=EVEN, out_bias=False))
    sources = {network.layout.name for network in identity.fits}
    assert sources == {"mmaction2", "mmaction2_detector"}
    assert "say which it is" in identity.sentence


def test_a_conversion_of_ours_is_known():
    config = find_published("pyslowfast-slow-r50-8x8").config
    with torch.device("meta"):
        identity = identify(ResNet(config).state_dict())
    assert identity.layout is OURS
    assert {"pyslowfast-slow-r50-8x8", "mmaction2-slowonly-r50-8x8"} <= {network.arch for network in identity.fits}


@pytest.mark.parametrize("tensors", [{}, {"encoder.weight": torch.zeros(3, 2)}])
def test_nobodys_names(tensors):
    identity = identify(tensors)
    assert (identity.layout, identity.fits) == (None, ())
    assert "no source that is known here" in identity.sentence
