"""Every published network against the same network written out, and each of its settings flipped."""

from dataclasses import replace

import pytest
import torch
from network_oracle import Oracle
from published_files import caffe2_name, random_values, tensors_of

from nonlocal_core.models import presets
from nonlocal_core.models.resnet_config import Pooling
from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import CAFFE2, OURS, Rule

HEIGHT, WIDTH = 40, 56
AGREEMENT = 1e-5  # of the largest value; worst seen 2.2e-6
DIFFERENCE = 2e-4  # what a wrong setting makes at least; least seen 8e-4, groups of a small map

ODD, EVEN = ((1, 3), (1, 3, 5)), ((0, 2), (0, 2, 4))
PADDED = ((1, 3, 3), (1, 2, 2), (0, 1, 1))
UNPADDED = ((1, 3, 3), (1, 2, 2), (0, 0, 0))
POOL2 = ((2, 1, 1), (2, 1, 1), (0, 0, 0))
CAFFE2_ATTENTION = {"pairwise": "embedded_gaussian", "scaled": True, "kernel": (1, 2, 2), "pool_first": True}
MMCV_ATTENTION = {"pairwise": "embedded_gaussian", "scaled": False, "kernel": (1, 2, 2), "pool_first": False}

# Caffe2 has no name for the weight of concatenation; the rest of these networks can be told in its names.
WITH_CONCATENATION = replace(
    CAFFE2,
    rules=(
        *CAFFE2.rules,
        Rule(
            r"nonlocal_conv(?P<s>\d)_(?P<b>\d+)_concat_w",
            "res{s}.{b}.nonlocal_block.w_theta.weight+res{s}.{b}.nonlocal_block.w_phi.weight",
        ),
    ),
)


def file_of(values):
    return {caffe2_name(tensor): value for tensor, value in values.items()}


def clip_of(frames):
    return torch.randn(1, 3, frames, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(7))


def answers(network, clip):
    """The logits (P, K), and what each block adds to its input."""
    added = {}
    for block in network.inserted:
        block.module.register_forward_hook(
            lambda _module, inputs, output, name=block.name: added.update({name: output - inputs[0]})
        )
    with torch.inference_mode():
        return network(clip)[0], added


CASES = {
    "caffe2 8x8": (
        presets.caffe2_8x8(family="i3d"),
        8,
        tensors_of("i3d", after=ODD),
        {"stem_stride": 1, "pool1": UNPADDED, "pool2": POOL2, "attention": CAFFE2_ATTENTION, "window": (4, 7, 7)},
    ),
    "caffe2 32x2": (
        presets.caffe2_32x2(family="c2d"),
        16,
        tensors_of("c2d", after=ODD),
        {
            "stem_stride": 2,
            "pool1": ((2, 3, 3), (2, 2, 2), (0, 0, 0)),
            "pool2": POOL2,
            "attention": CAFFE2_ATTENTION,
            "window": (4, 7, 7),
        },
    ),
    "caffe2 32x4 affine": (
        replace(presets.caffe2_32x4_affine(), clip_frames=16),
        16,
        tensors_of("i3d", after=ODD, affine=True, nonlocal_norm=False),
        {
            "stem_stride": 1,
            "pool1": UNPADDED,
            "pool2": POOL2,
            "attention": CAFFE2_ATTENTION | {"groups": {3: 4}},
            "window": (16, 7, 7),
        },
    ),
    "lfb charades": (
        replace(presets.lfb_finetuned(dilated=True, frame_stride=4), head=presets.lfb_kinetics().head, clip_frames=16),
        16,
        tensors_of("i3d", after=ODD, affine=True),
        {
            "stem_stride": 1,
            "pool1": PADDED,
            "pool2": POOL2,
            "attention": CAFFE2_ATTENTION | {"groups": {3: 4}},
            "res5": (1, 2),
            "window": (16, 7, 7),
        },
    ),
    "pyslowfast slow": (
        presets.pyslowfast_slow_4x16(),
        4,
        tensors_of("slow", after=ODD),
        {
            "stem_stride": 1,
            "pool1": PADDED,
            "pool2": None,
            "attention": CAFFE2_ATTENTION | {"pairwise": "dot_product"},
            "window": (4, 7, 7),
        },
    ),
    "mmaction2 i3d concatenation": (
        presets.mmaction2_i3d(pairwise="concatenation"),
        16,
        tensors_of("i3d", after=ODD, out_bias=False, pairwise="concatenation"),
        {
            "stem_stride": 2,
            "pool1": ((1, 3, 3), (2, 2, 2), (0, 1, 1)),
            "pool2": POOL2,
            "attention": MMCV_ATTENTION | {"pairwise": "concatenation"},
        },
    ),
    "mmaction2 slowonly": (
        presets.mmaction2_slowonly(clip="4x16"),
        4,
        tensors_of("slow", after=EVEN, out_bias=False),
        {"stem_stride": 1, "pool1": PADDED, "pool2": None, "attention": MMCV_ATTENTION | {"scaled": True}},
    ),
    "mit tsm": (
        presets.mit_tsm(),
        8,
        tensors_of("c2d", after=EVEN),
        {"stem_stride": 1, "pool1": PADDED, "pool2": None, "attention": MMCV_ATTENTION, "shifted": True},
    ),
    "gluoncv": (
        presets.gluoncv_i3d(),
        16,
        tensors_of("i3d", after=ODD),
        {
            "stem_stride": 2,
            "pool1": ((1, 3, 3), (2, 2, 2), (0, 1, 1)),
            "pool2": POOL2,
            "attention": CAFFE2_ATTENTION | {"kernel": (1, 1, 1)},
        },
    ),
    "paper": (
        presets.paper_resnet(pairwise="gaussian", blocks=1),
        16,
        tensors_of("c2d", after=((), (4,)), pairwise="gaussian"),
        {
            "stem_stride": 2,
            "pool1": ((3, 3, 3), (2, 2, 2), (1, 1, 1)),
            "pool2": ((3, 1, 1), (2, 1, 1), (1, 0, 0)),
            "attention": MMCV_ATTENTION | {"pairwise": "gaussian"},
            "window": (4, 7, 7),
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_the_network_written_out(name):
    config, frames, tensors, settings = CASES[name]
    values = random_values(tensors)
    network = load_network(file_of(values), layout=WITH_CONCATENATION, config=config)
    oracle = Oracle(values, **settings)
    clip = clip_of(frames)
    logits, added = answers(network, clip)
    expected = oracle(clip)
    assert logits.shape == (1, 400)
    assert relative_error(logits, expected.mean(dim=0, keepdim=True)) < AGREEMENT
    assert list(added) == list(oracle.added) == [block.name for block in network.inserted]
    assert all(relative_error(added[name], oracle.added[name]) < AGREEMENT for name in added)


FLIPS = {
    "keys pooled after phi and g": lambda c: replace(c, nonlocal_config=replace(c.nonlocal_config, order=AFTER)),
    "softmax not scaled": lambda c: replace(c, nonlocal_config=replace(c.nonlocal_config, scale="none")),
    "keys not pooled": lambda c: replace(c, nonlocal_config=replace(c.nonlocal_config, subsample=None)),
    "keys pooled in time too": lambda c: replace(c, nonlocal_config=replace(c.nonlocal_config, subsample=(2, 2, 2))),
    "dot product": lambda c: replace(
        c, pairwise="dot_product", nonlocal_config=replace(c.nonlocal_config, scale="none")
    ),
    "res3 in groups": lambda c: with_stage(c, 1, temporal_groups=2),
    "res5 not strided": lambda c: with_stage(c, 3, spatial_stride=1),
    "res5 dilated": lambda c: with_stage(c, 3, dilation=2),
    "pool1 padded": lambda c: replace(c, pool1=Pooling(kernel=(1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))),
    "pool1 halves time": lambda c: replace(c, pool1=Pooling(kernel=(2, 3, 3), stride=(2, 2, 2))),
    "pool1 drops frames": lambda c: replace(c, pool1=Pooling(kernel=(1, 3, 3), stride=(2, 2, 2))),
    "no pool2": lambda c: replace(c, pool2=None),
    "stem strided in time": lambda c: replace(c, stem_temporal_stride=2),
    "channels shifted": lambda c: replace(c, shift_every=1),
}
AFTER = "embed_then_pool"


def with_stage(config, which, **changes):
    stages = list(config.stages)
    stages[which] = replace(stages[which], **changes)
    return replace(config, stages=tuple(stages))


@pytest.fixture(scope="module")
def right():
    """A network, its clip and its answer."""
    config, frames, tensors, _settings = CASES["caffe2 8x8"]
    network = load_network(file_of(random_values(tensors)), layout=CAFFE2, config=config)
    clip = clip_of(frames)
    with torch.inference_mode():
        return network, clip, network(clip)


@pytest.mark.parametrize("flip", FLIPS)
def test_a_wrong_setting_loads_and_answers_otherwise(flip, right):
    """No name and no shape tells: the file loads completely, and what comes out is wrong."""
    network, clip, answer = right
    wrong = load_network(network.state_dict(), layout=OURS, config=FLIPS[flip](network.config))
    with torch.inference_mode():
        assert relative_error(wrong(clip).mean(dim=1), answer.mean(dim=1)) > DIFFERENCE


@pytest.mark.parametrize(
    "name",
    [
        "stem.norm.running_var",
        "res3.1.reduce.norm.running_mean",
        "res3.1.nonlocal_block.theta.bias",
        "res3.3.nonlocal_block.phi.weight",
        "res4.5.nonlocal_block.out.bias",
        "res4.1.nonlocal_block.norm.weight",
        "head.bias",
    ],
)
def test_every_kind_of_tensor_matters(name, right):
    network, clip, answer = right
    state = network.state_dict()
    perturbed = load_network(state | {name: state[name] * 1.5}, layout=OURS, config=network.config)
    with torch.inference_mode():
        assert relative_error(perturbed(clip), answer) > AGREEMENT


def relative_error(found, expected):
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())
