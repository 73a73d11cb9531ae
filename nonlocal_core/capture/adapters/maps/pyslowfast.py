"""PySlowFast's Nonlocal and PyTorchVideo's NonLocal, which share their maths and most of their names.

Sources: facebookresearch/SlowFast@728d8f7, slowfast/models/nonlocal_helper.py; pytorchvideo 0.1.5,
layers/nonlocal_net.py. The input is pooled before phi and g; ``softmax`` is always scaled by C'^-1/2; the output
convolution has a bias.
"""

from typing import Any

from torch import nn

from nonlocal_core.capture.adapters.maps.reader import MapReader
from nonlocal_core.vocabulary import Pairwise

_PAIRWISE: dict[str, Pairwise] = {"softmax": "embedded_gaussian", "dot_product": "dot_product"}
_CHILDREN = {"conv_theta", "conv_phi", "conv_g", "conv_out"}


def is_pyslowfast(block: nn.Module) -> bool:
    """Return whether a module has the projections and the ``instantiation`` of these two."""
    return getattr(block, "instantiation", None) in _PAIRWISE and dict(block.named_children()).keys() >= _CHILDREN


def read_pyslowfast(block: Any, temporal_groups: int = 1) -> tuple[MapReader, ...]:
    """Return the reading that the attributes state."""
    norms = [norm for norm in (getattr(block, "bn", None), getattr(block, "norm", None)) if norm is not None]
    pairwise = _PAIRWISE[block.instantiation]
    return (
        MapReader(
            block=block,
            theta=block.conv_theta,
            phi=block.conv_phi,
            g=block.conv_g,
            out=(block.conv_out, *norms),
            pairwise=pairwise,
            scale=block.conv_theta.out_channels**-0.5 if pairwise == "embedded_gaussian" else 1.0,
            pool_first=getattr(block, "pool", None),
            temporal_groups=temporal_groups,
        ),
    )


def groups_of(parent: nn.Module, name: str) -> int:
    """Return the number of parts into which PySlowFast's stage cuts the clip's time before this block, or 1.

    The stage keeps the number of each pathway in ``nonlocal_group`` and names its blocks ``pathway0_nonlocal1``.
    """
    groups = getattr(parent, "nonlocal_group", None)
    pathway = name.removeprefix("pathway").partition("_")[0]
    if not isinstance(groups, list | tuple) or not pathway.isdecimal():
        return 1
    return int(groups[int(pathway)])
