"""Relation Networks beside the concatenation: an MLP over each pair, and one ReLU over a sum of two numbers.

A. Santoro et al., "A simple neural network module for relational reasoning" (NIPS 2017), equation 1, compare each pair
of objects by an MLP. The paper (section 3.2, concatenation) names them as the source of f = ReLU(w_f^T [theta, phi]).
That has no hidden layer: w_f^T [theta_i, phi_j] = a_i + b_j, and ReLU never changes the order of two numbers, so every
query ranks the keys by b_j. A hidden layer lets two queries rank them differently: with 2 C' hidden units
(``likeness``) each query ranks the keys that resemble it first, which no w_f can do.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.errors import ShapeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairMlp:
    """MLP of one hidden layer over a pair: ``out`` . ReLU(``first`` theta_i + ``second`` phi_j + ``bias``)."""

    first: Float[Tensor, "hidden Ci"]
    second: Float[Tensor, "hidden Ci"]
    bias: Float[Tensor, " hidden"]
    out: Float[Tensor, " hidden"]

    def scores(self, theta: Float[Tensor, "Nq Ci"], phi: Float[Tensor, "Nk Ci"]) -> Float[Tensor, "Nq Nk"]:
        """Return f of every pair. Memory grows with Nq x Nk x hidden: small grids only."""
        _check(theta, phi, self.first)
        pairs = (theta @ self.first.T)[:, None] + (phi @ self.second.T)[None] + self.bias
        return pairs.relu() @ self.out


def concatenation(
    theta: Float[Tensor, "Nq Ci"], phi: Float[Tensor, "Nk Ci"], weight: Float[Tensor, " two_Ci"]
) -> Float[Tensor, "Nq Nk"]:
    """Return ReLU(w_f . [theta_i, phi_j]) of every pair, from the pairs themselves.

    Raises ShapeError for a weight that is not as wide as theta and phi together.
    """
    queries, keys = len(theta), len(phi)
    if len(weight) != theta.shape[1] + phi.shape[1]:
        raise ShapeError(f"w_f has {theta.shape[1] + phi.shape[1]} numbers for theta and phi; got {len(weight)}.")
    pairs = torch.cat([theta[:, None].expand(-1, keys, -1), phi[None].expand(queries, -1, -1)], dim=-1)
    return (pairs @ weight).relu()


def likeness(channels: int) -> PairMlp:
    """Return the MLP whose f is minus the city-block distance of theta_i and phi_j: ``|d| = ReLU(d) + ReLU(-d)``.

    >>> likeness(1).scores(torch.tensor([[0.0], [3.0]]), torch.tensor([[1.0], [3.0]])).tolist()
    [[-1.0, -3.0], [-2.0, 0.0]]
    """
    one = torch.eye(channels)
    both = torch.cat([one, -one])
    return PairMlp(first=both, second=-both, bias=torch.zeros(2 * channels), out=-torch.ones(2 * channels))


def disagreement(scores: Float[Tensor, "Nq Nk"]) -> float:
    """Return the share of cases in which two queries rank two keys in opposite orders, over all pairs of both.

    In [0, 1]: 0 for a concatenation, about a half for unrelated scores. Ties count as neither order.
    """
    signs = (scores[:, :, None] - scores[:, None, :]).sign()
    opposite = sum(int((signs[i] * signs[i + 1 :] < 0).sum()) for i in range(len(scores) - 1))
    queries, keys = scores.shape
    every = queries * (queries - 1) // 2 * keys * (keys - 1)
    return opposite / every if every else 0.0


def _check(theta: Tensor, phi: Tensor, first: Tensor) -> None:
    if not theta.shape[1] == phi.shape[1] == first.shape[1]:
        raise ShapeError(
            f"theta, phi and the MLP need one number of channels; got {theta.shape[1]}, {phi.shape[1]} and "
            f"{first.shape[1]}."
        )
