"""Files that must not be taken for something they are not: refused with what is left over on either side."""

from dataclasses import replace

import pytest
import torch
from published_files import (
    caffe2_name,
    gluoncv_names,
    mmaction2_name,
    numbered_values,
    pyslowfast_name,
    tensors_of,
    tushar_name,
    with_counters,
)

from nonlocal_core.errors import WeightsError
from nonlocal_core.models import presets
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.weights.filling import load_network, match, shapes_of, wanted_shapes
from nonlocal_core.weights.identify import identify
from nonlocal_core.weights.layouts import CAFFE2, GLUONCV, MMACTION2, OURS, PYSLOWFAST
from nonlocal_core.weights.published import find_published

ODD, EVEN, R101 = ((1, 3), (1, 3, 5)), ((0, 2), (0, 2, 4)), ((1, 3), (6, 13, 20))


def file_of(naming, family="i3d", **settings):
    return with_counters({naming(t): value for t, value in numbered_values(tensors_of(family, **settings)).items()})


def caffe2_file(family="i3d", **settings):
    return {caffe2_name(t): value for t, value in numbered_values(tensors_of(family, **settings)).items()}


def test_what_is_left_over_is_named_on_either_side():
    state = caffe2_file(after=ODD)
    state["conv1_v"] = state.pop("conv1_w")
    with pytest.raises(WeightsError, match=r"left unused: conv1_v; parameters left empty: stem\.conv\.weight\."):
        load_network(state, layout=CAFFE2, config=presets.caffe2_8x8(family="i3d"))


def test_a_long_list_is_cut_and_counted():
    with pytest.raises(WeightsError, match="and 54 more"):
        load_network(caffe2_file(), layout=CAFFE2, config=presets.caffe2_8x8(family="i3d"))


def test_frozen_files_have_no_norm_in_their_blocks():
    """PySlowFast leaves that norm at its zero scale: every block then adds nothing, and only a log line tells."""
    state = caffe2_file(after=ODD, affine=True, nonlocal_norm=False)
    frozen = presets.caffe2_32x4_affine()
    expecting_norm = replace(frozen, nonlocal_config=replace(frozen.nonlocal_config, norm="batch"))
    with pytest.raises(WeightsError, match=r"left empty: res3\.1\.nonlocal_block\.norm\.bias"):
        load_network(state, layout=CAFFE2, config=expecting_norm)
    network = load_network(state, layout=CAFFE2, config=frozen)
    block = network.inserted[0].module
    x = torch.rand(1, 512, 4, 3, 5)
    assert not torch.equal(block(x), x)


def test_a_file_of_another_normalisation_is_refused_both_ways():
    with pytest.raises(WeightsError, match="running_mean"):
        load_network(caffe2_file(affine=True), layout=CAFFE2, config=presets.caffe2_8x8(family="i3d", blocks=0))
    with pytest.raises(WeightsError, match="_bn_riv"):
        load_network(caffe2_file(), layout=CAFFE2, config=presets.caffe2_32x4_affine(blocks=0))


def test_blocks_at_other_places_are_refused():
    """PySlowFast's R101 file puts them after 1, 3, 5; 36 tensors would stay at their initial values."""
    state = caffe2_file(depth=101, after=R101)
    elsewhere = presets.pyslowfast_8x8(family="i3d", depth=101)
    with pytest.raises(WeightsError, match=r"nonlocal_conv4_13.*and 30 more; parameters left empty: res4\.1\."):
        load_network(state, layout=CAFFE2, config=elsewhere)
    even = file_of(mmaction2_name, "slow", after=EVEN, out_bias=False)
    odd = replace(presets.mmaction2_slowonly(clip="8x8"), stages=presets.pyslowfast_8x8(family="slow").stages)
    with pytest.raises(WeightsError, match=r"layer2\.0\.non_local_block"):
        load_network(even, layout=MMACTION2, config=odd)


def test_a_bias_is_neither_dropped_nor_invented():
    with_bias = file_of(mmaction2_name, after=ODD, out_bias=True)
    with pytest.raises(WeightsError, match=r"left unused: .*conv_out\.conv\.bias"):
        load_network(with_bias, layout=MMACTION2, config=presets.mmaction2_i3d())
    without = caffe2_file(after=ODD, out_bias=False)
    with pytest.raises(WeightsError, match=r"left empty: .*out\.bias"):
        load_network(without, layout=CAFFE2, config=presets.caffe2_8x8(family="i3d"))


@pytest.mark.parametrize("second", ["head.1.bias", "res_layers.1.3.nonlocal_block.W_bn.0.weight"])
def test_duplicates_that_differ_are_refused(second):
    values = numbered_values(tensors_of("i3d", after=ODD))
    state = with_counters({name: value for tensor, value in values.items() for name in gluoncv_names(tensor)})
    state[second] = state[second] + 1
    with pytest.raises(WeightsError, match="are one tensor in GluonCV"):
        load_network(state, layout=GLUONCV, config=presets.gluoncv_i3d())


def test_a_duplicate_without_its_first_is_left_over():
    values = numbered_values(tensors_of("i3d", after=ODD))
    state = with_counters({name: value for tensor, value in values.items() for name in gluoncv_names(tensor)})
    del state["fc.weight"]
    with pytest.raises(WeightsError, match=r"left unused: head\.1\.weight; parameters left empty: head\.weight"):
        load_network(state, layout=GLUONCV, config=presets.gluoncv_i3d())


def test_wrong_shapes_are_named():
    state = caffe2_file("c2d")
    state["res4_2_branch2a_w"] = torch.zeros(256, 1024, 3, 1, 1)
    with pytest.raises(WeightsError, match="another shape: res4_2_branch2a_w"):
        load_network(state, layout=CAFFE2, config=presets.caffe2_8x8(family="c2d", blocks=0))


def test_a_tensor_cannot_be_filled_twice():
    state = file_of(mmaction2_name, "c2d")
    state["backbone.layer1.0.conv1.conv.net.weight"] = state["backbone.layer1.0.conv1.conv.weight"]
    config = replace(
        presets.mmaction2_i3d(blocks=0), stem_temporal_kernel=1, stages=presets.mmaction2_tsm(blocks=0).stages
    )
    with pytest.raises(WeightsError, match=r"filled twice: res2\.0\.reduce\.conv\.weight"):
        load_network(state, layout=MMACTION2, config=config)


def test_only_a_prefix_of_every_key_is_a_wrapper():
    state = file_of(pyslowfast_name, "c2d")
    config = presets.pyslowfast_8x8(family="c2d", blocks=0)
    load_network({f"module.{name}": value for name, value in state.items()}, layout=PYSLOWFAST, config=config)
    some = {f"module.{name}" if name.startswith("s1") else name: value for name, value in state.items()}
    with pytest.raises(WeightsError, match=r"left unused: module\.s1"):
        load_network(some, layout=PYSLOWFAST, config=config)


def test_nothing_is_filled_when_something_is_left_over():
    state = caffe2_file("c2d")
    del state["pred_b"]
    config = presets.caffe2_8x8(family="c2d", blocks=0)
    matched = match(shapes_of(state), wanted_shapes(config), layout=CAFFE2)
    assert (matched.faults, matched.empty, matched.unused) == (1, ("head.bias",), ())


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
