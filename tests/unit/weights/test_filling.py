"""A file fills a network wholly or not at all: what is left over on either side is named."""

from dataclasses import replace

import pytest
import torch
from block_files import HALF, C, drawn
from published_files import (
    EVEN,
    ODD,
    R101,
    caffe2_file,
    caffe2_name,
    file_of,
    gluoncv_names,
    mmaction2_name,
    numbered_values,
    pyslowfast_name,
    tensors_of,
    with_counters,
)
from same_network import told

from nonlocal_core.errors import WeightsError
from nonlocal_core.models import presets
from nonlocal_core.models.presets.common import ALEXHEX7_BLOCKS
from nonlocal_core.weights.filling import load_block, load_network, match, shapes_of, wanted_shapes
from nonlocal_core.weights.layouts import ALEXHEX7, CAFFE2, GLUONCV, MMACTION2, PYSLOWFAST


def test_a_file_without_a_block_is_refused():
    with pytest.raises(WeightsError, match="one weight of g"):
        load_block({"theta.weight": drawn(HALF, C)}, layout=ALEXHEX7, pairwise="gaussian", config=ALEXHEX7_BLOCKS)


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


def test_what_is_loaded_is_float32_frozen_and_in_evaluation_mode():
    values = numbered_values(tensors_of("c2d"))
    halves = {name: value.half() for name, value in told(values, caffe2_name).items()}
    network = load_network(halves, layout=CAFFE2, config=presets.caffe2_8x8(family="c2d", blocks=0))
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32, torch.int64}
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(module.training for module in network.modules())
    assert network.status == "trained"
