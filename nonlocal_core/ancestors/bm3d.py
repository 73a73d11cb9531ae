"""First step of BM3D: similar blocks are stacked, filtered as one volume, and vote for the pixels that they cover.

K. Dabov, A. Foi, V. Katkovnik, K. Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative filtering"
(IEEE TIP 2007), section III. It differs from non-local means in two ways: a block takes a fixed number of others, all
or nothing, so that its affinity is not a softmax; and their common part is kept, not their mean.

noisy = clip + 0.1 * np.random.default_rng(0).normal(size=clip.shape)
denoised(noisy, noise=0.1), stack(noisy, Cell(0, 20, 30)).cells

Differs: no second, Wiener step, no search window, and blocks may come from any frame. The blocks are transformed by the
cosines, the stack by Haar's wavelets, red, green and blue by an orthonormal opponent transform; matching (``matching``)
is on all three, without a threshold on the distance. Edges are mirrored, so that each pixel has a block around it.
``test_bm3d.py`` compares with loops and with non-local means.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from scipy.fft import dctn, idctn
from torch import Tensor

from nonlocal_core.ancestors.filters import STACK, THRESHOLD
from nonlocal_core.ancestors.matching import BEFORE, LEVELS, SIDE, block_levels, framed, square_distances
from nonlocal_core.errors import ShapeError
from nonlocal_core.geometry import Cell

APART = 3
"""Distance in pixels from one filtered block to the next."""
MOST_BLOCKS = 40_000
"""Maximum number of blocks over all frames, one around each pixel; each filtered block is compared with all."""
_AT_ONCE = 128
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
Clip = Float[np.ndarray, "T H W 3"]
Grid = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Blocks most similar to one block, itself first."""

    cells: tuple[Cell, ...]
    """The centre pixels of the blocks."""
    distances: Float64[np.ndarray, " K"]
    """Mean squared difference of each from the asked block; white is 1."""


def stack(clip: Clip, pixel: Cell, *, most: int = STACK) -> Stack:
    """Return the matched stack of the block around a pixel, from all frames.

    Ties go to the first blocks. Raises ShapeError for a pixel outside the clip, or a clip with too many pixels.
    """
    pixels, grid = _pixels(clip)
    if not all(0 <= at < size for at, size in zip(pixel, grid, strict=True)):
        raise ShapeError(f"The clip has frames, rows and columns {grid}, counted from 0; got {pixel}.")
    asked = np.array([np.ravel_multi_index(tuple(pixel), grid)])
    chosen, squares = next(_matched(block_levels(pixels)[0], asked, most))[1:]
    cells = (Cell(*map(int, np.unravel_index(int(index), grid))) for index in chosen[0])
    return Stack(cells=tuple(cells), distances=squares[0] / (3 * SIDE**2 * LEVELS**2))


def denoised(
    clip: Clip, *, noise: float, threshold: float = THRESHOLD, most: int = STACK
) -> Float64[np.ndarray, "T H W 3"]:
    """Return the denoised clip. ``noise``: its standard deviation in the units of the clip, where white is 1.

    ``threshold``: number of deviations below which coefficients are set to zero. A stack votes with one over the number
    of coefficients that it keeps: a smooth one is surer. ``most``: blocks of a stack, rounded down to a power of two.
    Raises ShapeError for a clip with too many pixels.
    """
    pixels, grid = _pixels(clip)
    frames, rows, cols = grid
    starts = np.stack(np.meshgrid(np.arange(frames), _every(rows), _every(cols), indexing="ij"), axis=-1).reshape(-1, 3)
    asked = np.ravel_multi_index(tuple(starts.T), grid)
    around: np.ndarray = framed(pixels)[0].permute(1, 2, 3, 0).numpy()
    windows = np.lib.stride_tricks.sliding_window_view(around @ _OPPONENT.T, (SIDE, SIDE), axis=(1, 2))
    coefficients = dctn(windows.reshape(-1, 3, SIDE, SIDE), axes=(2, 3), norm="ortho")
    votes, weights = np.zeros(around.shape), np.zeros((*around.shape[:3], 1))
    for _, chosen, _ in _matched(block_levels(pixels)[0], asked, _power_of_two(min(most, len(coefficients)))):
        volumes = haar(coefficients[chosen])
        kept = np.abs(volumes) >= threshold * noise
        sure = 1.0 / np.maximum(kept.sum(axis=(1, 2, 3, 4)), 1)
        filtered = idctn(haar(volumes * kept, inverse=True), axes=(3, 4), norm="ortho")
        for volume, indices, weight in zip(np.moveaxis(filtered, 2, -1) @ _OPPONENT, chosen, sure, strict=True):
            for picture, index in zip(volume, indices, strict=True):
                t, y, x = np.unravel_index(int(index), grid)
                votes[t, y : y + SIDE, x : x + SIDE] += weight * picture
                weights[t, y : y + SIDE, x : x + SIDE] += weight
    inside = slice(None), slice(BEFORE, BEFORE + rows), slice(BEFORE, BEFORE + cols)
    return np.asarray(votes[inside] / weights[inside])


def haar(stacks: Float64[np.ndarray, "n K *more"], *, inverse: bool = False) -> Float64[np.ndarray, "n K *more"]:
    """Return the orthonormal Haar transform along the stack, or its inverse; K is a power of two.

    >>> haar(np.array([[1.0, 1.0, 3.0, 3.0]])).round(6).tolist()
    [[4.0, -2.0, 0.0, 0.0]]
    """
    out = stacks.astype(np.float64)
    lengths = [2 ** (power + 1) for power in range(int(np.log2(stacks.shape[1])))]
    for length in lengths if inverse else reversed(lengths):
        half, part = length // 2, out[:, :length].copy()
        if inverse:
            low, high = part[:, :half], part[:, half:]
            out[:, 0:length:2], out[:, 1:length:2] = (low + high) / np.sqrt(2), (low - high) / np.sqrt(2)
        else:
            even, odd = part[:, 0::2], part[:, 1::2]
            out[:, :half], out[:, half:length] = (even + odd) / np.sqrt(2), (even - odd) / np.sqrt(2)
    return out


def _pixels(clip: Clip) -> tuple[Float[Tensor, "1 3 T H W"], Grid]:
    """Return the clip as a tensor, and its frames, rows and columns."""
    frames, height, width = clip.shape[:3]
    if not 0 < frames * height * width <= MOST_BLOCKS:
        raise ShapeError(
            f"BM3D takes a clip of 1 to {MOST_BLOCKS} pixels over all frames; "
            f"{frames} x {height} x {width} are {frames * height * width}. Scale it."
        )
    pixels = torch.from_numpy(np.ascontiguousarray(clip.astype(np.float32).transpose(3, 0, 1, 2)))
    return pixels[None], (frames, height, width)


def _matched(
    levels: Float[Tensor, "N D"], asked: Int[np.ndarray, " m"], count: int
) -> Iterator[tuple[Int[np.ndarray, " a"], Int[np.ndarray, "a K"], Float64[np.ndarray, "a K"]]]:
    """Yield batches of asked blocks, the blocks most similar to each, and their squared distances in levels.

    The block itself comes first, then the nearest; ties go to the first.
    """
    taken = min(count, len(levels))
    for some in np.array_split(asked, -(-len(asked) // _AT_ONCE)):
        far = square_distances(levels, levels[torch.from_numpy(some)]).double().numpy()
        order = far * len(levels) + np.arange(len(levels))  # whole numbers below 2^53
        order[np.arange(len(some)), some] = -1.0
        nearest = np.argpartition(order, taken - 1, axis=1)[:, :taken]
        chosen = np.take_along_axis(nearest, np.take_along_axis(order, nearest, axis=1).argsort(axis=1), axis=1)
        yield some, chosen, np.take_along_axis(far, chosen, axis=1)


def _every(count: int) -> Int[np.ndarray, " n"]:
    """Return every ``APART``-th block along an axis, and the last, so that each pixel is covered."""
    return np.unique(np.append(np.arange(0, count, APART), count - 1))


def _power_of_two(count: int) -> int:
    return 1 << (max(count, 1).bit_length() - 1)
