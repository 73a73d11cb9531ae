"""Readers of the blocks of this library, which say themselves what their embeddings are."""

from jaxtyping import Float
from torch import Tensor

from nonlocal_core.ancestors.network import PixelAffinity
from nonlocal_core.capture.reading import BlockReading
from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.models.normalised import NormalisedProbe
from nonlocal_core.models.parameter_free import ParameterFreeGaussian


class NonlocalBlockReader:
    """Read a ``NonlocalBlock``."""

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
    """Read a block that adds nothing to its input by design."""

    def __init__(self, block: ParameterFreeGaussian | NormalisedProbe) -> None:
        self._block = block

    def read(self, x: Tensor) -> BlockReading:
        """Return what is compared as theta, phi and g."""
        pieces = self._block.embed(x)
        return BlockReading(
            theta=pieces.theta,
            phi=pieces.phi,
            g=pieces.g,
            query_thw=pieces.query_thw,
            pairwise=self._block.pairwise,
            scale=self._block.scale_value,
            project=_nothing,
        )


class FilterReader:
    """Read a filter, whose output is y itself: the mean of the pixels, in place of its input."""

    def __init__(self, block: PixelAffinity) -> None:
        self._block = block

    def read(self, x: Tensor) -> BlockReading:
        """Return the vectors of the pixels as theta and phi, and the pixels as g."""
        pieces = self._block.embed(x)
        return BlockReading(
            theta=pieces.theta,
            phi=pieces.phi,
            g=pieces.g,
            query_thw=pieces.query_thw,
            pairwise=self._block.pairwise,
            scale=1.0,
            project=_itself,
            residual=False,
        )


def _itself(y: Float[Tensor, "1 n Cg"]) -> Float[Tensor, "1 n Cg"]:
    """Return y: nothing is made of it."""
    return y


def _nothing(_y: Float[Tensor, "1 n Cg"]) -> None:
    """Return None: there is no output path."""
    return
