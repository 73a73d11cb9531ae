"""Caffe2 blobs: every block by its whole number, variances, classifiers, bookkeeping."""

import torch
from published_files import R101, caffe2_name, numbered_values, tensors_of
from same_network import assert_same, told

from nonlocal_core.models import presets
from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import CAFFE2


def test_two_digit_block_numbers_are_read_whole():
    """A pattern that takes one digit leaves res4_10 to res4_22 out without a word."""
    values = numbered_values(tensors_of("i3d", depth=101, after=R101))
    state = told(values, caffe2_name)
    network = load_network(state, layout=CAFFE2, config=presets.lfb_kinetics(depth=101))
    assert torch.equal(network.res4[22].spatial.conv.weight, state["res4_22_branch2b_w"])
    assert torch.equal(network.res4[20].nonlocal_block.out.bias, state["nonlocal_conv4_20_out_b"])


def test_riv_is_a_variance_and_pred_w_may_be_a_convolution():
    values = numbered_values(tensors_of("c2d"))
    state = told(values, caffe2_name)
    state["pred_w"] = state["pred_w"].reshape(400, 2048, 1, 1, 1)
    network = load_network(state, layout=CAFFE2, config=presets.caffe2_8x8(family="c2d", blocks=0))
    assert torch.equal(network.stem.norm.running_var, state["res_conv1_bn_riv"])
    assert torch.equal(network.head.weight, state["pred_w"].flatten(1))


def test_bookkeeping_of_the_training_is_dropped_by_name():
    state = told(numbered_values(tensors_of("c2d")), caffe2_name)
    momentum = {f"{name}_momentum": torch.ones_like(value) for name, value in state.items() if "_r" not in name}
    extra = {"lr": torch.tensor(0.1), "model_iter": torch.tensor(400_000)}
    config = presets.caffe2_8x8(family="c2d", blocks=0)
    found = load_network(state | momentum | extra, layout=CAFFE2, config=config)
    assert_same(found, load_network(state, layout=CAFFE2, config=config))
