"""Mean field of the fully connected CRF on the labels of a picture, step by step, exact and without its matrix.

P. Kraehenbuehl, V. Koltun, "Efficient inference in fully connected CRFs with Gaussian edge potentials" (NIPS 2011),
algorithm 1. Every pixel gathers the labels of all others by the two kernels, as a non-local block gathers g by its
affinity, and a label that it gathers much of becomes likelier.

steps = mean_field(pixels, scribbled(labels, count=3), DenseCrf(space=0.3))
steps[-1].argmax(-1)

Differs: they filter on a permutohedral lattice, which is approximate, with kernels as they are. Here all pairs are
summed, so a picture has at most ``MOST_PIXELS`` pixels, and each row is divided by its sum, as C(x) does, so that the
two weights mean the same on every picture. ``test_mean_field.py`` compares with loops over pairs in float64.
``viewer/model/mean_field.js`` does the same for two labels in the browser.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from nonlocal_core.ancestors.filters import DenseCrf
from nonlocal_core.ancestors.network import vectors_of
from nonlocal_core.errors import ShapeError

MOST_PIXELS = 16384
"""Maximum number of pixels over all frames. A step costs two kernels over all pairs."""
SURE = 0.9
"""Initial probability of a scribbled pixel's label."""
UNLABELLED = -1
APPEARANCE = 3.0
SMOOTHNESS = 1.0
"""Weights of the two kernels, each divided by the sum of its row."""
KERNELS = DenseCrf()
_PAIRS_AT_ONCE = 2**22


def scribbled(labels: Int[np.ndarray, "T H W"], *, count: int, sure: float = SURE) -> Float[np.ndarray, "T H W L"]:
    """Return initial probabilities from a few labelled pixels: ``sure`` for their label, uniform for other pixels.

    >>> scribbled(np.array([[[0, -1]]]), count=2).tolist()
    [[[[0.9, 0.09999999999999998], [0.5, 0.5]]]]

    ``labels``: counted from 0, ``UNLABELLED`` for all other pixels; ``count``: the number of labels, two or more.
    Raises ShapeError for a label that is not among them.
    """
    if count < 2 or labels.min() < UNLABELLED or labels.max() >= count:
        raise ShapeError(
            f"Labels go from 0 to {count - 1}, {UNLABELLED} where a pixel has none, and there are two or more; got "
            f"{labels.min()} to {labels.max()}, of {count}."
        )
    known = np.where(np.arange(count) == labels[..., None], sure, (1 - sure) / (count - 1))
    return np.where(labels[..., None] == UNLABELLED, 1 / count, known)


def mean_field(
    rgb: UInt8[np.ndarray, "T H W 3"],
    unary: Float[np.ndarray, "T H W L"],
    kernels: DenseCrf = KERNELS,
    *,
    appearance: float = APPEARANCE,
    smoothness: float = SMOOTHNESS,
    steps: int = 5,
) -> list[Float[np.ndarray, "T H W L"]]:
    """Return the probabilities of the labels before the first step and after each.

    ``unary``: the probability of each label at each pixel by itself. ``appearance``, ``smoothness``: the weights of the
    two kernels, each divided by the sum of its row; labels are Potts, so they differ or not. No pixel gathers from
    itself. Q_i(l) is proportional to unary_i(l) exp(sum over kernels of weight times the Q_j(l) gathered from others).

    Raises ShapeError if the two disagree, a probability is not between 0 and 1, or there are too many pixels.
    """
    if rgb.shape[:3] != unary.shape[:3] or rgb[..., 0].size > MOST_PIXELS:
        raise ShapeError(
            f"Mean field takes a picture of at most {MOST_PIXELS} pixels, and labels of its size; got "
            f"{rgb.shape[:3]} and {unary.shape[:3]}. Make it smaller."
        )
    if not (unary.min() >= 0 and unary.max() <= 1):
        raise ShapeError(
            f"Each label has a probability from 0 to 1 at each pixel; got {unary.min()} to {unary.max()}. "
            "Divide them by their sum."
        )
    pixels = torch.from_numpy(np.ascontiguousarray(rgb.transpose(3, 0, 1, 2)))[None].double() / 255
    vectors = {name: make(pixels)[0] for name, make in vectors_of(kernels).items()}
    weights = {"appearance": appearance, "smoothness": smoothness}
    energy = torch.from_numpy(unary.reshape(-1, unary.shape[-1])).double().clamp_min(1e-12).log()
    found = [energy.softmax(-1)]
    for _ in range(steps):
        gathered = sum(weight * _gathered(vectors[name], found[-1]) for name, weight in weights.items())
        found.append((energy + gathered).softmax(-1))
    return [q.numpy().reshape(unary.shape) for q in found]


def _gathered(vectors: Float[torch.Tensor, "N D"], q: Float[torch.Tensor, "N L"]) -> Float[torch.Tensor, "N L"]:
    """Return for each pixel the mean of the labels of all others, weighted by a Gaussian of the vectors."""
    parts = []
    for start, rows in _panels(vectors):
        own = torch.arange(len(rows))
        rows[own, start + own] = 0
        parts.append(rows @ q / rows.sum(dim=1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny))
    return torch.cat(parts)


def _panels(vectors: Float[torch.Tensor, "N D"]) -> Iterator[tuple[int, Float[torch.Tensor, "m N"]]]:
    """Yield the kernel's rows, some at a time, with the index of the first."""
    many = max(1, _PAIRS_AT_ONCE // len(vectors))
    for start in range(0, len(vectors), many):
        yield start, torch.cdist(vectors[start : start + many], vectors).square_().div_(-2).exp_()
