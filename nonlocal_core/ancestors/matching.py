"""Block matching of BM3D: the blocks most similar to the one around each pixel, as tables theta and phi.

A block is in the stack of block i if its distance is at most tau_i, the distance of the last block asked for:
f(x_i, x_j) = 1 if tau_i^2 - |a_i - a_j|^2 >= 0, else 0, and C(x) is the number of such blocks. The difference is a
product theta_i . phi_j, so it is kept, proved and stored like any other block.

Pixels are compared at integer levels. All products and sums are then integers below 2^24, which single precision
holds exactly in any order, and the tables are exact in float16: no block drops out of a stack by rounding.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from nonlocal_core.ancestors.vectors import Embedded, mirrored

SIDE = 8
"""Side of a block in pixels."""
LEVELS = 240
"""Number of levels from black to white. The largest possible score, 6 x 192 x (LEVELS / 2)^2, is below 2^24."""
BEFORE = SIDE // 2
"""Pixels of a block before its own pixel, above and to the left."""
_DIGIT = 2048.0
_PAIRS_AT_ONCE = 2**23


def framed(pixels: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B C T h w"]:
    """Return the pixels with mirrored edges, so that each has a block around it, which starts at its index."""
    rows, cols = (mirrored(size, BEFORE)[: size + SIDE - 1] for size in pixels.shape[-2:])
    return pixels[..., rows, :][..., cols]


def block_levels(pixels: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B N D"]:
    """Return the block around every pixel in integer levels, with grey at 0; pixels are clipped to [0, 1]."""
    levels = (pixels.clamp(0, 1) * LEVELS).round() - LEVELS / 2
    blocks = framed(levels).unfold(3, SIDE, 1).unfold(4, SIDE, 1)  # (B, C, T, H, W, SIDE, SIDE)
    return blocks.movedim(1, 4).flatten(4).flatten(1, 3).contiguous()


def square_distances(levels: Float[Tensor, "N D"], asked: Float[Tensor, "m D"]) -> Float[Tensor, "m N"]:
    """Return the squared distance of each asked block from every block, as exact integers."""
    squares = levels.square().sum(dim=1)
    return asked.square().sum(dim=1, keepdim=True) + squares - 2 * asked @ levels.T


def matched_tables(levels: Float[Tensor, "B N D"], *, most: int) -> Embedded:
    """Return tables such that theta_i . phi_j >= 0 exactly if block j is in the stack of block i.

    ``most``: the number of blocks in a stack, itself included, or all if there are fewer. Ties with the last are added.
    """
    squares = levels.square().sum(dim=-1)
    limits = torch.stack([_limits(each, most) for each in levels]) - squares
    coarse, fine = limits.div(_DIGIT, rounding_mode="floor"), limits.remainder(_DIGIT)
    thousands = coarse.div(1024, rounding_mode="floor") * 1024  # float16 holds whole numbers up to 2048
    one = torch.ones_like(squares)
    asking = [fine, coarse - thousands, thousands, _DIGIT * one, one]
    asked = [one, _DIGIT * one, _DIGIT * one, -squares.div(_DIGIT, rounding_mode="floor"), -squares.remainder(_DIGIT)]
    return Embedded(
        theta=torch.cat([levels, torch.stack(asking, dim=-1)], dim=-1),
        phi=torch.cat([2 * levels, torch.stack(asked, dim=-1)], dim=-1),
    )


def mean_of_matched(
    theta: Float[Tensor, "B N Ci"], phi: Float[Tensor, "B N Ci"], g: Float[Tensor, "B N Cg"]
) -> Float[Tensor, "B N Cg"]:
    """Return y_i, the mean of g over the stack of block i, without the matrix of all pairs."""
    return torch.stack(
        [
            torch.cat([_mean(scores >= 0, values) for scores in _panels(asking, asked)])
            for asking, asked, values in zip(theta, phi, g, strict=True)
        ]
    )


def _mean(taken: Tensor, values: Float[Tensor, "N Cg"]) -> Float[Tensor, "m Cg"]:
    weights = taken.to(values)
    return weights @ values / weights.sum(dim=1, keepdim=True)


def _limits(levels: Float[Tensor, "N D"], most: int) -> Float[Tensor, " N"]:
    """Return the squared distance from each block to the last one in its stack."""
    count, step = min(most, len(levels)), max(1, _PAIRS_AT_ONCE // len(levels))
    parts = (square_distances(levels, some) for some in torch.split(levels, step))
    return torch.cat([part.topk(count, largest=False).values[:, -1] for part in parts])


def _panels(theta: Float[Tensor, "N Ci"], phi: Float[Tensor, "N Ci"]) -> Iterator[Float[Tensor, "m N"]]:
    """Yield the scores, some queries at a time."""
    for some in torch.split(theta, max(1, _PAIRS_AT_ONCE // len(phi))):
        yield some @ phi.T
