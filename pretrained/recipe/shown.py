"""Features of a clip as a block sees them: at stride 16, or both layers with the sums over a first block's rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.models.lite0_networks import joined
from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from pretrained.recipe.damage import Version
from pretrained.recipe.features import Clips

First = NormalisedBlock | ParameterFreeGaussian


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """Clips as one block sees them.

    ``first``: for a block on the finer grid, the one at stride 16 whose sums it gets; a parameter-free one gives none.
    None: the block is at stride 16 itself.
    """

    clips: Clips
    first: First | None = None

    @property
    def labels(self) -> np.ndarray:
        """Labels on the grid of the block (n, T, h, w)."""
        return self.clips.labels if self.first is None else self.clips.fine_labels

    @property
    def sure(self) -> np.ndarray:
        """Mask of the cells that a single object nearly fills, (n, T, h, w)."""
        return self.clips.sure if self.first is None else self.clips.fine_sure

    def clip(self, version: Version, index: int, frames: Sequence[int] | None = None) -> Float[Tensor, "1 K T h w"]:
        """Return the features of some frames of a clip as if it had no others, or of all by default."""
        chosen = slice(None) if frames is None else list(frames)
        coarse = self.clips.clip(version, index)[:, :, chosen]
        if self.first is None:
            return coarse
        fine = torch.from_numpy(self.clips.fine[version][index]).float().transpose(0, 1)[None, :, chosen]
        return seen_by(self.first, fine, coarse)


def seen_by(
    first: First | None, fine: Float[Tensor, "1 F T y x"], coarse: Float[Tensor, "1 C T h w"]
) -> Float[Tensor, "1 K T _ _"]:
    """Return the input of the block after ``first`` from features at stride 8 and 16 (see ``Shown``)."""
    if first is None:
        return coarse
    with torch.no_grad():
        told = [first.described(coarse)] if isinstance(first, NormalisedBlock) else []
        return joined(fine, coarse, *told)
