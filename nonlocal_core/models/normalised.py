"""The non-local block of the trained networks: the paper's four functions, theta and phi over normalised features."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig, Pieces, Projection
from nonlocal_core.models.parameter_free import TEMPERATURE, centred
from nonlocal_core.models.sharing import tables_once
from nonlocal_core.ops import Reach, respond
from nonlocal_core.vocabulary import SOFTMAX, Pairwise


class NormalisedBlock(NonlocalBlock):
    """z = x + W_z y, where y_i sums the differences of the others from i; theta, phi and the Gaussian read u.

    >>> NormalisedBlock(14, "dot_product")(torch.randn(1, 14, 5, 6, 8)).shape
    torch.Size([1, 14, 5, 6, 8])

    s = x with each channel standardised over the positions of the clip; u = length * gain s / |gain s|; g reads x.
    ``gain`` (C,) and ``length`` are learned. The Gaussian is exp(u_i . u_j), so length^2 is one over its temperature.
    y_i = sum over j of f(x_i, x_j) (g_j - g_i) / C(x): the nonlocal diffusion of Tao, Sun, Du, Liu (NeurIPS 2018).

    Differs: the paper has nothing between x and the projections. Features of a ReLU6 network have dot products in
    the thousands, whose softmax leaves one position; ``test_normalised.py`` verifies the remedy, and that
    the rest is the paper's block. The paper sums g_j, not g_j - g_i. Then a position that finds its match in another
    frame gathers the same as one that keeps to itself, and no linear W_z can mend the first and spare the second.
    C' = C, not C / 2, so that theta and phi can start as the identity: training starts
    from the parameter-free Gaussian. Keys are not pooled, and no norm follows W_z, which starts at zero.
    """

    contrasts = True

    def __init__(self, channels: int, pairwise: Pairwise = "embedded_gaussian") -> None:
        super().__init__(channels, pairwise, NonlocalConfig(inner_channels=channels, norm="none"))
        self.gain = nn.Parameter(torch.ones(channels))
        self.length = nn.Parameter(torch.tensor(TEMPERATURE**-0.5))

    def normalise(self, rows: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        """Return u, in which a channel that is constant over the clip is zero."""
        differences, spread = centred(rows)
        # Factors are joined first: the table is what takes time to read, and a new one to write.
        weighted = _times(differences, self.gain / spread)
        sizes = weighted.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)
        return _times(weighted, self.length / sizes)

    def described(self, x: Float[Tensor, "B C *thw"]) -> Float[Tensor, "B C *thw"]:
        """Return the sum over each position's row of the vectors u, scaled to length 1 and weighted by the row.

        Two positions of one object look at the same places and get the same description, whatever each of them shows.
        """
        pieces, unit = self.embed(x), self.normalise(x.flatten(2).transpose(1, 2)) / self.length
        summed: Tensor = respond(pieces.theta, pieces.phi, unit, pairwise=self.pairwise)
        return summed.transpose(1, 2).reshape(x.shape)

    def embed(self, x: Float[Tensor, "B C *thw"]) -> Pieces:
        """Return the tables that the block compares and sums for this input; during recording, those of its run."""
        return tables_once(self, x, super().embed)

    def gather(
        self, pieces: Pieces, queries: Tensor | slice = slice(None), keys: Tensor | slice = slice(None)
    ) -> Float[Tensor, "B n Cg"]:
        """Return y of some positions from some keys: the weighted difference of their g from the position's."""
        theta, phi, g = pieces.theta[:, queries], pieces.phi[:, keys], pieces.g[:, keys]
        own = pieces.g[:, queries]
        if self.pairwise in SOFTMAX:  # their weights sum to 1
            return respond(theta, phi, g, pairwise=self.pairwise) - own
        summed = respond(theta, phi, pad(g, (0, 1), value=1.0), pairwise=self.pairwise)
        return summed[..., :-1] - summed[..., -1:] * own

    def _respond(self, x: Float[Tensor, "B C *thw"]) -> Float[Tensor, "B Nq Cg"]:
        return self.gather(self.embed(x))

    def _tables(self, rows: Float[Tensor, "B Nq C"], reach: Reach) -> tuple[Tensor, Tensor, Tensor]:
        unit, g = self.normalise(rows), self.g(rows)
        if self.theta is None or self.phi is None:
            return unit, unit, g
        theta, phi = Projection.of(self.theta), Projection.of(self.phi)
        if self.w_theta is not None and self.w_phi is not None:
            theta, phi = theta.then(self.w_theta), phi.then(self.w_phi)
        return linear(unit, *theta), linear(unit, *phi), g


def _times(table: Float[Tensor, "B N C"], factor: Tensor) -> Float[Tensor, "B N C"]:
    """Return the product, in the table's own memory if no gradient will need the former values."""
    return table * factor if torch.is_grad_enabled() else table.mul_(factor)


class NormalisedProbe(nn.Module):
    """Probe that passes x on unchanged; its affinity is that of a trained `NormalisedBlock`.

    >>> probe = NormalisedProbe(14, "gaussian")
    >>> probe.embed(torch.randn(2, 14, 5, 6, 8)).theta.shape, list(probe.state_dict())
    (torch.Size([2, 240, 14]), ['affinity.gain', 'affinity.length'])
    """

    subsample = None
    scale_value = 1.0

    def __init__(self, channels: int, pairwise: Pairwise = "embedded_gaussian") -> None:
        super().__init__()
        self.pairwise = pairwise
        self.affinity = NormalisedBlock(channels, pairwise)
        self.affinity.g = self.affinity.out = nn.Identity()  # type: ignore[assignment]

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
        """Return x itself."""
        return x

    def embed(self, x: Float[Tensor, "B C T H W"]) -> Pieces:
        """Return the tables that are compared; g is x, which is not used."""
        return self.affinity.embed(x)
