"""mmcv's NonLocal1d, 2d and 3d, so also mmaction2, mmsegmentation and mmdetection.

Source: mmcv-lite 2.2.0, cnn/bricks/non_local.py. Keys are pooled after their projections; the two Gaussians, the dot
product and the concatenation are modes; only the embedded Gaussian is scaled, and only with ``use_scale``.
"""

from typing import Any

from torch import nn

from nonlocal_core.capture.adapters.maps.reader import MapReader
from nonlocal_core.vocabulary import PAIRWISE


def is_mmcv(block: nn.Module) -> bool:
    """Return whether a module is built like mmcv's block: a mode of this name, and the output in ``conv_out``."""
    return getattr(block, "mode", None) in PAIRWISE and {"g", "conv_out"} <= dict(block.named_children()).keys()


def read_mmcv(block: Any) -> tuple[MapReader, ...]:
    """Return the readings that the attributes allow.

    Two for a scaled block: mmdetection's copy multiplied by C'^1/2 where it meant C'^-1/2, until its PR 1528.
    """
    scales = [1.0]
    if block.mode == "embedded_gaussian" and block.use_scale:
        scales = [block.inter_channels**-0.5, block.inter_channels**0.5]
    return tuple(
        MapReader(
            block=block,
            theta=getattr(block, "theta", None),
            phi=getattr(block, "phi", None),
            g=block.g,
            out=(block.conv_out,),
            pairwise=block.mode,
            scale=scale,
            concat=getattr(block, "concat_project", None),
        )
        for scale in scales
    )
