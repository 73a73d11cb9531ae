"""GluonCV's NonLocal for torch.

Source: dmlc/gluon-cv@7c1094a, gluoncv/torch/model_zoo/action_recognition/non_local.py. Its ``gaussian``
embeds, so it is the embedded Gaussian, scaled by C'^-1/2; its other types raise when they run.
"""

from typing import Any

from torch import nn

from nonlocal_core.capture.adapters.maps.reader import MapReader


def is_gluoncv(block: nn.Module) -> bool:
    """Return whether a module has GluonCV's ``nonlocal_type`` and its output ``W``."""
    return getattr(block, "nonlocal_type", None) == "gaussian" and {"g", "W"} <= dict(block.named_children()).keys()


def read_gluoncv(block: Any) -> tuple[MapReader, ...]:
    """Return the reading that the attributes state."""
    return (
        MapReader(
            block=block,
            theta=block.theta,
            phi=block.sub_phi if block.sub_sample else block.phi,
            g=block.sub_g if block.sub_sample else block.g,
            out=(block.W, block.bn) if block.use_bn else (block.W,),
            pairwise="embedded_gaussian",
            scale=block.embed_dim**-0.5,
        ),
    )
