"""The Gaussian of a network's own features: an affinity without parameters, which shows similarity alone."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.models.block import Pieces
from nonlocal_core.vocabulary import Pairwise

TEMPERATURE = 0.07
"""Divisor of the cosine before the softmax: one unit of cosine is a factor of e^14 in weight."""

ROUNDING = 1e-5
"""Fraction of a channel's mean below which its variation is only rounding."""


class ParameterFreeGaussian(nn.Module):
    """Probe that passes x on; its affinity is softmax over j of (u_i . u_j) / 0.07, u the normalised features.

    >>> probe = ParameterFreeGaussian()
    >>> probe.embed(torch.randn(2, 14, 5, 6, 8)).theta.shape
    torch.Size([2, 240, 14])

    Differs: the Gaussian of the paper (section 3.2, equation 2) compares raw features. Those of a ReLU6 network
    have dot products in the thousands, of which the softmax leaves one position; so each channel is standardised
    over all positions of the clip and each position scaled to length 1 first. ``test_parameter_free.py`` pins both.
    """

    pairwise: Pairwise = "gaussian"
    scale_value = 1 / TEMPERATURE
    subsample = None

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        """Return x itself."""
        return x

    def embed(self, x: Float[Tensor, "B C T H W"]) -> Pieces:
        """Return the normalised features as theta, phi and g, one shared table.

        A channel or a position without any variation becomes zero: its rows are uniform, not noise.
        """
        unit, spread = centred(x.float().flatten(2).mT)
        # In place: this is the largest table of a run.
        unit.div_(spread)
        unit.div_(unit.norm(dim=-1, keepdim=True).clamp_min_(torch.finfo(unit.dtype).tiny))
        thw = (x.shape[2], x.shape[3], x.shape[4])
        return Pieces(theta=unit, phi=unit, g=unit, query_thw=thw, key_thw=thw)


def standardised(rows: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
    """Return the rows with each channel at mean 0 and deviation 1 over all positions; constant channels are zero."""
    differences, spread = centred(rows)
    return differences / spread


def centred(rows: Float[Tensor, "B N C"]) -> tuple[Float[Tensor, "B N C"], Float[Tensor, "B 1 C"]]:
    """Return the rows with each channel at mean 0, and the channels' deviations; infinity for a constant channel.

    Divided by infinity, a constant channel is exactly zero. A norm takes a tenth of the time of ``torch.std_mean``.
    """
    mean = rows.mean(dim=1, keepdim=True)
    differences = rows - mean
    spread = differences.norm(dim=1, keepdim=True) / rows.shape[1] ** 0.5
    return differences, spread.masked_fill(spread <= ROUNDING * mean.abs(), torch.inf)
