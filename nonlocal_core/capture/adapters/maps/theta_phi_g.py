"""Blocks named after the paper's letters: AlexHex7's (and MIT TSM's copy), tea1528's, Tushar-N's, and many more.

Sources: AlexHex7/Non-local_pytorch@0276c7b, lib/non_local_*.py; mit-han-lab/temporal-shift-module@298cd1d,
ops/non_local.py; tea1528/Non-Local-NN-Pytorch@9869376, models/non_local.py; Tushar-N/pytorch-resnet3d@e997fc6,
models/resnet.py. tea1528 states its function in ``mode``. The others state nothing:
AlexHex7's embedded Gaussian and dot product have the same parts, and Tushar-N scales where AlexHex7 does not. What
the attributes leave open, the proof on a random copy decides.
"""

from typing import Any

from torch import nn

from nonlocal_core.capture.adapters.maps.reader import MapReader, Pool, convolution, says_nonlocal
from nonlocal_core.vocabulary import Pairwise

_MODES: dict[str, Pairwise] = {
    "gaussian": "gaussian",
    "embedded": "embedded_gaussian",
    "dot": "dot_product",
    "concatenate": "concatenation",
}
_OUTPUTS = ("W_z", "W", "out", "conv_out")
_NORMS = ("bn", "norm")
_CONCATENATIONS = ("concat_project", "W_f")


def is_theta_phi_g(block: nn.Module) -> bool:
    """Return whether a module has ``g`` and an output of these names, and either theta and phi or a telling name.

    The Gaussian has no theta, and no phi but a pool.
    """
    children = dict(block.named_children())
    told = {"theta", "phi"} <= children.keys() or getattr(block, "mode", None) in _MODES or says_nonlocal(block)
    return told and "g" in children and any(name in children for name in _OUTPUTS)


def read_theta_phi_g(block: Any) -> tuple[MapReader, ...]:
    """Return every reading that the parts allow, the paper's own first."""
    children = dict(block.named_children())
    theta, phi = children.get("theta"), children.get("phi")
    concat = next((children[name] for name in _CONCATENATIONS if name in children), None)
    out = next(children[name] for name in _OUTPUTS if name in children)
    norms = tuple(children[name] for name in _NORMS if name in children)
    # A pool beside the projections is used before them, or not at all.
    pools = [child for child in children.values() if isinstance(child, Pool) and child is not phi]
    return tuple(
        MapReader(
            block=block,
            theta=theta,
            phi=phi,
            g=block.g,
            out=(out, *norms),
            pairwise=pairwise,
            scale=scale,
            pool_first=pool,
            concat=concat,
        )
        for pool in (*pools, None)
        for pairwise, scale in _maths(block, concat is not None, theta)
    )


def _maths(block: Any, concatenates: bool, theta: nn.Module | None) -> list[tuple[Pairwise, float]]:
    stated = _MODES.get(getattr(block, "mode", ""))
    if stated is not None:
        return [(stated, 1.0)]
    if concatenates:
        return [("concatenation", 1.0)]
    if theta is None:
        return [("gaussian", 1.0)]
    inner = convolution(theta).out_channels
    return [("embedded_gaussian", 1.0), ("embedded_gaussian", inner**-0.5), ("dot_product", 1.0)]
