"""Published networks of one bottleneck block a stage, so that a test takes megabytes, and a file that fills one."""

import io
from dataclasses import replace

import torch

from nonlocal_core.models.resnet import ResNet
from nonlocal_core.weights.layouts import OURS
from nonlocal_core.weights.published import find_published


def short(arch):
    """The network, cut to one bottleneck block a stage, under our own names."""
    full = find_published(arch)
    stages = tuple(
        replace(stage, temporal_kernels=stage.temporal_kernels[:1], nonlocal_after=(0,) if index == 1 else ())
        for index, stage in enumerate(full.config.stages)
    )
    return replace(full, layout=OURS, config=replace(full.config, stages=stages))


SHORT = {arch: short(arch) for arch in ("pyslowfast-c2-i3d-r50-nl5-8x8", "caffe2-i3d-r50-nl5-8x8")}

NETWORK, TWIN = SHORT.values()


def random_state(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = ResNet(NETWORK.config).state_dict()
        return {name: torch.rand_like(value) if value.is_floating_point() else value for name, value in state.items()}


def saved(content):
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


STATE = random_state(3)

CONTENT = saved({"model_state": STATE, "epoch": 5})


def assert_filled(network):
    assert not network.training
    assert network.status == "trained"
    found = network.state_dict()
    for name, value in STATE.items():
        assert torch.equal(found[name], value) or name.endswith("num_batches_tracked")
    assert not any(parameter.requires_grad for parameter in network.parameters())
