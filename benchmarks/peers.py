"""The non-local blocks of mmcv and PyTorchVideo, and how their weights become ours.

Both install with ``pip install -e '.[peers]'``; ``ops.py`` times them and ``tests/parity`` compares their outputs.
"""

import warnings
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig
from nonlocal_core.vocabulary import Pairwise

INSTALLED = find_spec("mmcv") is not None and find_spec("pytorchvideo") is not None
HOW_TO_INSTALL = "mmcv-lite and pytorchvideo are not installed: pip install -e '.[peers]'"

Pair = tuple[NonlocalBlock, nn.Module]


def mmcv_pair(channels: int, pairwise: Pairwise, *, pooled: bool, scaled: bool = True, with_norm: bool = False) -> Pair:
    """Return our block and mmcv's NonLocal3d with the same random weights, in evaluation mode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing mmengine compiles functions with torch.jit.script, now deprecated
        from mmcv.cnn.bricks.non_local import NonLocal3d
    peer = NonLocal3d(
        channels,
        mode=pairwise,
        sub_sample=pooled,
        use_scale=scaled,
        norm_cfg={"type": "BN3d"} if with_norm else None,
    )
    config = NonlocalConfig(
        scale="inner" if scaled and pairwise == "embedded_gaussian" else "none",
        subsample=(1, 2, 2) if pooled else None,
        order="embed_then_pool",
        out_bias=not with_norm,
        norm="batch" if with_norm else "none",
    )
    randomise(peer)
    state: dict[str, Tensor] = {}
    for name, value in peer.state_dict().items():
        if name == "concat_project.conv.weight":
            state["w_theta.weight"], state["w_phi.weight"] = value.flatten(1).chunk(2, dim=1)
        else:  # "phi.0.conv.weight", "conv_out.bn.running_mean"
            ours = name.replace("conv_out.bn.", "norm.").replace("conv_out.", "out.").replace(".conv", "")
            state[ours.replace(".0.", ".")] = value
    return ours_with(state, channels, pairwise, config), peer.eval()


def pytorchvideo_pair(
    channels: int, pairwise: Pairwise, *, kernel: tuple[int, int, int] | None, with_norm: bool = False
) -> Pair:
    """Return our block and PyTorchVideo's NonLocal with the same random weights, in evaluation mode."""
    from pytorchvideo.layers.nonlocal_net import create_nonlocal

    peer = create_nonlocal(
        dim_in=channels,
        dim_inner=channels // 2,
        pool_size=kernel,
        instantiation={"embedded_gaussian": "softmax", "dot_product": "dot_product"}[pairwise],
        norm=nn.BatchNorm3d if with_norm else None,
    )
    config = NonlocalConfig(
        scale="inner" if pairwise == "embedded_gaussian" else "none",
        subsample=kernel,
        order="pool_then_embed",
        norm="batch" if with_norm else "none",
    )
    randomise(peer)
    state = {name.removeprefix("conv_"): value for name, value in peer.state_dict().items()}
    return ours_with(state, channels, pairwise, config), peer.eval()


def randomise(module: nn.Module) -> None:
    """Fill every parameter and statistic so that none can be left out unseen: zeros and ones hide mistakes."""
    for name, value in module.state_dict().items():
        if name.endswith("running_var"):
            nn.init.uniform_(value, 0.5, 2.0)
        elif value.is_floating_point():
            nn.init.normal_(value, std=0.1)


def ours_with(state: dict[str, Tensor], channels: int, pairwise: Pairwise, config: NonlocalConfig) -> NonlocalBlock:
    """Return our block, in evaluation mode, with 1x1 convolutions of any rank as its weights."""
    block = NonlocalBlock(channels, pairwise, config)
    block.load_state_dict({name: value.flatten(1) if value.ndim > 1 else value for name, value in state.items()})
    return block.eval()


def branch_error(block: nn.Module, peer: nn.Module, x: Tensor) -> float:
    """Return the largest difference of the two outputs, relative to the largest value that the block adds to x."""
    with torch.no_grad():
        expected = peer(x)
        return float((block(x) - expected).abs().max() / (expected - x).abs().max())
