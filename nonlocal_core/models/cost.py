"""What a forward pass of a ResNet costs, from shapes alone: parameters and multiply-adds."""

from math import prod

import torch
from torch import Tensor, nn

from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.models.resnet import Bottleneck, ConvNorm, ResNet
from nonlocal_core.models.resnet_config import ResNetConfig, Triple


def parameter_count(config: ResNetConfig) -> int:
    """Return the number of trainable values; running statistics are not counted."""
    return sum(parameter.numel() for parameter in _shapes_only(config).parameters())


def multiply_adds(config: ResNetConfig, *, clip_thw: Triple) -> int:
    """Return the multiplications of convolutions, classifier and non-local blocks for one clip.

    The blocks are counted as published: with the whole matrix theta phi^T and its product with g, whatever
    shorter way is taken here. Normalisation, pooling and sums are not counted.
    """
    network = _shapes_only(config)
    counts: list[int] = []
    for module in network.modules():
        if isinstance(module, ConvNorm) or module is network.head:
            module.register_forward_hook(
                lambda layer, _inputs, output: counts.append(
                    _of_layer(layer.conv if isinstance(layer, ConvNorm) else layer, output)
                )
            )
        if isinstance(module, Bottleneck) and module.nonlocal_block is not None:
            counting = nn.Identity()  # the operation itself does not run on shapes alone
            block = module.nonlocal_block
            counting.register_forward_hook(lambda _layer, _inputs, x, block=block: counts.append(_of_block(block, x)))
            module.add_module("nonlocal_block", counting)
    with torch.inference_mode():
        network(torch.empty(1, 3, *clip_thw, device="meta"))
    return sum(counts)


def _of_layer(layer: nn.Module, output: Tensor) -> int:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return output.numel() // weight.shape[0] * weight.numel()


def _of_block(block: NonlocalBlock, x: Tensor) -> int:
    """Projections, then theta phi^T and its product with g inside every temporal group."""
    inner, channels = block.g.weight.shape
    queries = prod(x.shape[2:])
    keys = prod(size // kernel for size, kernel in zip(x.shape[2:], block.subsample or (1, 1, 1), strict=True))
    embedded = keys if block.config.order == "pool_then_embed" else queries
    has_theta = block.theta is not None
    projected = queries + embedded + (queries + embedded if has_theta else 0)  # W_z and g, theta and phi
    compared = channels if not has_theta else 1 if block.w_theta is not None else inner
    return projected * inner * channels + queries * keys // block.temporal_groups * (compared + inner)


def _shapes_only(config: ResNetConfig) -> ResNet:
    with torch.device("meta"):
        return ResNet(config).eval()
