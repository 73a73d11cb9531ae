"""timm's NonLocalAttn, on the maps of an image network.

Source: timm 1.0.31, layers/non_local_attn.py. It scales by the channels of its input, not by those of
its embeddings; it multiplies by the value in ``scale``.
"""

from typing import Any

from torch import nn

from nonlocal_core.capture.adapters.maps.reader import MapReader

_CHILDREN = {"t", "p", "g", "z", "norm"}


def is_timm_nonlocal(block: nn.Module) -> bool:
    """Return whether a module has timm's one-letter projections."""
    return dict(block.named_children()).keys() >= _CHILDREN and hasattr(block, "scale")


def read_timm_nonlocal(block: Any) -> tuple[MapReader, ...]:
    """Return the reading that the attributes state."""
    return (
        MapReader(
            block=block,
            theta=block.t,
            phi=block.p,
            g=block.g,
            out=(block.z, block.norm),
            pairwise="embedded_gaussian",
            scale=float(block.scale),
        ),
    )
