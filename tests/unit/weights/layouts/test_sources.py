"""One network told in the names of every source: whatever the names, the same parameters."""

import pytest
import torch
from published_files import (
    caffe2_name,
    gluoncv_names,
    mit_tsm_name,
    mmaction2_name,
    numbered_values,
    pyslowfast_name,
    pytorchvideo_name,
    tensors_of,
    tushar_name,
    with_counters,
)

from nonlocal_core.models import presets
from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import (
    CAFFE2,
    GLUONCV,
    MIT_TSM,
    MMACTION2,
    MMACTION2_DETECTOR,
    OURS,
    PYSLOWFAST,
    PYTORCHVIDEO,
    PYTORCHVIDEO_SLOW,
    TUSHAR,
)

ODD, EVEN, R101 = ((1, 3), (1, 3, 5)), ((0, 2), (0, 2, 4)), ((1, 3), (6, 13, 20))
WRAPPED = [(3, 0), (3, 2), (4, 0), (4, 2), (4, 4)]


def told(values, *namings):
    """The state dict of a file, under every name that the source gives a tensor."""
    return with_counters({naming(tensor): value for tensor, value in values.items() for naming in namings})


def as_image_convolutions(state):
    """TSM has 2-D convolutions outside its non-local blocks."""

    def is_flat(name):
        return not any(part in name for part in (".non_local_block.", ".nl."))

    return {
        name: value.squeeze(2)
        if value.ndim == 5 and "nonlocal" not in name.replace("_", "") and ".nl." not in name
        else value
        for name, value in state.items()
    }


def gluoncv(values):
    return with_counters({name: value for tensor, value in values.items() for name in gluoncv_names(tensor)})


SOURCES = {
    "pyslowfast": (presets.pyslowfast_8x8(family="i3d"), tensors_of("i3d", after=ODD), PYSLOWFAST, pyslowfast_name),
    "pytorchvideo i3d": (
        presets.pytorchvideo_8x8(family="i3d"),
        tensors_of("i3d"),
        PYTORCHVIDEO,
        lambda tensor: pytorchvideo_name(tensor, pooled=True),
    ),
    "pytorchvideo slow": (
        presets.pytorchvideo_8x8(family="slow"),
        tensors_of("slow"),
        PYTORCHVIDEO_SLOW,
        lambda tensor: "model." + pytorchvideo_name(tensor, pooled=False),
    ),
    "mmaction2": (
        presets.mmaction2_i3d(),
        tensors_of("i3d", after=ODD, out_bias=False),
        MMACTION2,
        mmaction2_name,
    ),
    "mmaction2 gaussian": (
        presets.mmaction2_i3d(pairwise="gaussian"),
        tensors_of("i3d", after=ODD, out_bias=False, pairwise="gaussian"),
        MMACTION2,
        mmaction2_name,
    ),
    "mmaction2 tsm": (
        presets.mmaction2_tsm(),
        tensors_of("c2d", after=EVEN, out_bias=False),
        MMACTION2,
        lambda tensor: mmaction2_name(tensor, shifted=True, wrapped=WRAPPED),
    ),
    "tushar": (presets.tushar_i3d(), tensors_of("i3d", after=ODD), TUSHAR, tushar_name),
    "mit tsm": (
        presets.mit_tsm(),
        tensors_of("c2d", after=EVEN),
        MIT_TSM,
        lambda tensor: mit_tsm_name(tensor, wrapped=WRAPPED),
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_same_parameters_as_from_caffe2(source):
    config, tensors, layout, naming = SOURCES[source]
    values = numbered_values(tensors)
    state = told(values, naming)
    if "tsm" in source:
        state = as_image_convolutions(state)
    found = load_network(state, layout=layout, config=config)
    expected = load_network(told(values, caffe2_name), layout=CAFFE2, config=config)
    assert_same(found, expected)


def test_gluoncv_stores_its_last_layers_twice():
    config = presets.gluoncv_i3d(blocks=10)
    values = numbered_values(tensors_of("i3d", after=((0, 1, 2, 3), (0, 1, 2, 3, 4, 5))))
    state = gluoncv(values)
    assert len(state) == 522
    found = load_network(state, layout=GLUONCV, config=config)
    assert_same(found, load_network(told(values, caffe2_name), layout=CAFFE2, config=config))


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


def test_our_own_names_read_back_what_was_written():
    config = presets.caffe2_32x4_affine()
    values = numbered_values(tensors_of("i3d", after=ODD, affine=True, nonlocal_norm=False))
    network = load_network(told(values, caffe2_name), layout=CAFFE2, config=config)
    assert_same(load_network(network.state_dict(), layout=OURS, config=config), network)


def test_what_is_loaded_is_float32_frozen_and_in_evaluation_mode():
    values = numbered_values(tensors_of("c2d"))
    halves = {name: value.half() for name, value in told(values, caffe2_name).items()}
    network = load_network(halves, layout=CAFFE2, config=presets.caffe2_8x8(family="c2d", blocks=0))
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32, torch.int64}
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(module.training for module in network.modules())
    assert network.status == "trained"


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


def assert_same(found, expected, but=frozenset()):
    left, right = found.state_dict(), expected.state_dict()
    assert left.keys() == right.keys() - but
    differing = [name for name in left if not torch.equal(left[name], right[name])]
    assert not differing
