"""Readers of the blocks of this library, which return their embeddings themselves."""

from jaxtyping import Float
from torch import Tensor

from nonlocal_core.ancestors.network import MatchedBlocks, PixelAffinity
from nonlocal_core.capture.reading import BlockReading
from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.models.normalised import NormalisedProbe
from nonlocal_core.models.parameter_free import ParameterFreeGaussian


class NonlocalBlockReader:
    """Reader of a ``NonlocalBlock``."""

    def __init__(self, block: NonlocalBlock) -> None:
        self._block = block

    def read(self, x: Tensor) -> BlockReading:
        """Return theta, phi and g for the block's input (1, C, T, H, W)."""
        pieces, block = self._block.embed(x), self._block
        return BlockReading(
            theta=pieces.theta,
            phi=pieces.phi,
            g=pieces.g,
            query_thw=pieces.query_thw,
            pairwise=block.pairwise,
            scale=block.scale_value,
            project=block.project,
            subsample=block.subsample or (1, 1, 1),
            scope=block.scope,
            temporal_groups=block.temporal_groups,
            contrasts=block.contrasts,
        )


class ProbeReader:
    """Reader of a block whose tables need no projection: it adds nothing to its input, or its output is y itself."""

    def __init__(self, block: ParameterFreeGaussian | NormalisedProbe | PixelAffinity | MatchedBlocks) -> None:
        self._block = block

    def read(self, x: Tensor) -> BlockReading:
        """Return the vectors that are compared, as theta and phi, and the values that a filter averages, as g."""
        pieces, filters = self._block.embed(x), isinstance(self._block, PixelAffinity | MatchedBlocks)
        return BlockReading(
            theta=pieces.theta,
            phi=pieces.phi,
            g=pieces.g,
            query_thw=pieces.query_thw,
            pairwise=self._block.pairwise,
            scale=self._block.scale_value,
            project=_itself if filters else _nothing,
            residual=not filters,
        )


def _itself(y: Float[Tensor, "1 n Cg"]) -> Float[Tensor, "1 n Cg"]:
    """Return y unchanged."""
    return y


def _nothing(_y: Float[Tensor, "1 n Cg"]) -> None:
    """Return None: there is no output path."""
    return
