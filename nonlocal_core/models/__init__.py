"""Networks with non-local blocks: the block itself, the default trunk and the networks that combine the two."""

from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig, Pieces
from nonlocal_core.models.inserted import InsertedBlock
from nonlocal_core.models.lite0_networks import (
    Lite0Network,
    clip_probabilities,
    parameter_free_network,
    trained_network,
)
from nonlocal_core.models.mark import MarkNetwork
from nonlocal_core.models.normalised import NormalisedBlock, NormalisedProbe
from nonlocal_core.models.parameter_free import ParameterFreeGaussian

__all__ = [
    "InsertedBlock",
    "Lite0Network",
    "MarkNetwork",
    "NonlocalBlock",
    "NonlocalConfig",
    "NormalisedBlock",
    "NormalisedProbe",
    "ParameterFreeGaussian",
    "Pieces",
    "clip_probabilities",
    "parameter_free_network",
    "trained_network",
]
