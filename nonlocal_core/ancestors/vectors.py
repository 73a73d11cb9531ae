"""Vectors whose Gaussian is the affinity of a filter, and the same Gaussian as an embedded one.

exp(-|a_i - a_j|^2 / 2) = exp(a_i . a_j - |a_j|^2 / 2) exp(-|a_i|^2 / 2), and the last factor is constant in a row: C(x)
divides it out. So theta_i = (a_i, 1) and phi_j = (a_j, -|a_j|^2 / 2) make the filter an embedded Gaussian (paper,
equation 3), exactly, without its matrix.
"""

from math import sqrt
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Embedded(NamedTuple):
    """Tables theta and phi for which the rows of softmax(theta phi^T) are those of a filter."""

    theta: Float[Tensor, "B N Ci"]
    phi: Float[Tensor, "B N Ci"]


def embedded_gaussian(vectors: Float[Tensor, "B N D"]) -> Embedded:
    """Return the tables of exp(-|a_i - a_j|^2 / 2), from the vectors a.

    >>> embedded_gaussian(torch.randn(1, 30, 7)).theta.shape
    torch.Size([1, 30, 8])
    """
    # Differences do not change with the origin, and small numbers keep more digits.
    centred = vectors - vectors.mean(dim=1, keepdim=True)
    half_square = centred.square().sum(dim=-1, keepdim=True) / 2
    return Embedded(
        theta=torch.cat([centred, torch.ones_like(half_square)], dim=-1),
        phi=torch.cat([centred, -half_square], dim=-1),
    )


def patch_vectors(pixels: Float[Tensor, "B C T H W"], *, patch: int, h: float) -> Float[Tensor, "B N D"]:
    """Return vectors a with |a_i - a_j|^2 / 2 = d^2 / h^2, d^2 the mean square difference of the patches at i and j.

    The mean over a patch has Gaussian weights of deviation (patch - 1) / 4, as in scikit-image; edges are mirrored.
    """
    half, (rows, cols) = patch // 2, pixels.shape[-2:]
    offsets = torch.arange(-half, half + 1, dtype=torch.float64)
    deviation = (patch - 1) / 4
    along = torch.exp(-(offsets**2) / (2 * deviation**2)) if half else torch.ones(1, dtype=torch.float64)
    weights = torch.outer(along, along)
    weights = (weights / weights.sum() / pixels.shape[1]).to(pixels)
    padded = pixels[..., mirrored(rows, half), :][..., mirrored(cols, half)]
    parts = [
        padded[..., y : y + rows, x : x + cols] * (weights[y, x].sqrt() * sqrt(2) / h)
        for y in range(patch)
        for x in range(patch)
    ]
    return torch.cat(parts, dim=1).flatten(2).mT


def place_vectors(
    pixels: Float[Tensor, "B C T H W"], *, space: float, steps: float, colour: float | None
) -> Float[Tensor, "B N D"]:
    """Return the place divided by ``space`` and ``steps``, and the colour divided by ``colour``; None: place alone.

    Places in the picture are in units of its short side, times in frames.
    """
    batch, _, frames, rows, cols = pixels.shape
    short = min(rows, cols)
    axes = (
        torch.arange(frames).to(pixels) / steps,
        torch.arange(rows).to(pixels) / short / space,
        torch.arange(cols).to(pixels) / short / space,
    )
    place = torch.stack(torch.meshgrid(*axes, indexing="ij")).expand(batch, -1, -1, -1, -1)
    found = place if colour is None else torch.cat([place, pixels / colour], dim=1)
    return found.flatten(2).mT


def mirrored(length: int, margin: int) -> Tensor:
    """Return the indices of a line with both ends mirrored and the last cell not repeated; for one cell, that cell.

    >>> mirrored(3, 2).tolist()
    [2, 1, 0, 1, 2, 1, 0]
    """
    period = max(2 * (length - 1), 1)
    back = torch.arange(-margin, length + margin) % period
    return torch.minimum(back, period - back) if length > 1 else torch.zeros_like(back)
