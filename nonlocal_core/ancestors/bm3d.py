"""BM3D, its first step: blocks that are alike are stacked, filtered as one volume, and vote for the pixels they cover.

K. Dabov, A. Foi, V. Katkovnik, K. Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative filtering"
(IEEE TIP 2007), section III. It differs from non-local means in two ways: a block takes a fixed number of others, all
or nothing, so that its affinity is no softmax; and what they have in common is kept, not their mean.

noisy = clip + 0.1 * np.random.default_rng(0).normal(size=clip.shape)
denoised(noisy, noise=0.1), stack(noisy, Cell(0, 20, 30)).cells

Differs: no second, Wiener step, no search window, and blocks may come from any frame. The blocks are transformed by the
cosines, the stack by Haar's wavelets, red, green and blue by an orthonormal opponent transform; matching is on all
three, without a threshold on the distance. ``test_bm3d.py`` compares with loops and with non-local means.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy.fft import dctn, idctn

from nonlocal_core.errors import ShapeError
from nonlocal_core.geometry import Cell

SIDE = 8
"""Pixels of a block's side."""
APART = 3
"""Pixels from one block that is filtered to the next."""
MOST = 16
"""Blocks of a stack, a power of two."""
THRESHOLD = 2.7
"""Coefficients below so many deviations of the noise are set to zero (section IV of the article)."""
MOST_BLOCKS = 40_000
"""Over all frames. Each block that is filtered is compared with all."""
_AT_ONCE = 128
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
Clip = Float[np.ndarray, "T H W 3"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Blocks that are most like one block, itself first."""

    cells: tuple[Cell, ...]
    """Their first pixels."""
    distances: Float64[np.ndarray, " K"]
    """Mean square difference of each from the block that was asked."""


def stack(clip: Clip, block: Cell, *, most: int = MOST) -> Stack:
    """Return the matched stack of one block, named by its first pixel, from all frames.

    Raises ShapeError for a block that is not in the clip, or a clip without blocks or with too many.
    """
    blocks, grid = _blocks(clip)
    inside = all(0 <= at < size for at, size in zip((block.t, block.y, block.x), grid, strict=True))
    if not inside:
        raise ShapeError(f"Blocks of {SIDE} x {SIDE} pixels begin at cells of {grid}; got {block}.")
    asked = np.array([np.ravel_multi_index((block.t, block.y, block.x), grid)])
    chosen, distances = next(_matched(blocks, asked, _power_of_two(min(most, len(blocks)))))[1:]
    cells = (Cell(*map(int, np.unravel_index(int(index), grid))) for index in chosen[0])
    return Stack(cells=tuple(cells), distances=distances[0])


def denoised(
    clip: Clip, *, noise: float, threshold: float = THRESHOLD, most: int = MOST
) -> Float64[np.ndarray, "T H W 3"]:
    """Return the clip as its stacks vote for it. ``noise``: deviation, in the units of the clip.

    A stack votes with one over the number of coefficients that it keeps: a smooth one is surer. ``most``: blocks of a
    stack, rounded down to a power of two. Raises ShapeError for a clip without blocks or with too many.
    """
    blocks, grid = _blocks(clip)
    frames, rows, cols = grid
    starts = np.stack(np.meshgrid(np.arange(frames), _every(rows), _every(cols), indexing="ij"), axis=-1).reshape(-1, 3)
    asked = np.ravel_multi_index(tuple(starts.T), grid)
    opponent = blocks.reshape(len(blocks), SIDE, SIDE, 3) @ _OPPONENT.T
    coefficients = dctn(opponent, axes=(1, 2), norm="ortho")
    votes, weights = np.zeros(clip.shape), np.zeros((*clip.shape[:3], 1))
    for _, chosen, _ in _matched(blocks, asked, _power_of_two(min(most, len(blocks)))):
        volumes = haar(coefficients[chosen])
        kept = np.abs(volumes) >= threshold * noise
        sure = 1.0 / np.maximum(kept.sum(axis=(1, 2, 3, 4)), 1)
        filtered = idctn(haar(volumes * kept, inverse=True), axes=(2, 3), norm="ortho") @ _OPPONENT
        for volume, indices, weight in zip(filtered, chosen, sure, strict=True):
            for picture, index in zip(volume, indices, strict=True):
                t, y, x = np.unravel_index(int(index), grid)
                votes[t, y : y + SIDE, x : x + SIDE] += weight * picture
                weights[t, y : y + SIDE, x : x + SIDE] += weight
    return np.asarray(votes / weights)


def haar(stacks: Float64[np.ndarray, "n K *more"], *, inverse: bool = False) -> Float64[np.ndarray, "n K *more"]:
    """Return Haar's orthonormal transform along the stack, or what it was made of; K is a power of two.

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


def _blocks(clip: Clip) -> tuple[Float64[np.ndarray, "n D"], tuple[int, int, int]]:
    """Return every block of the clip as a row, and the grid of their first pixels."""
    frames, height, width = clip.shape[:3]
    grid = frames, max(height - SIDE + 1, 0), max(width - SIDE + 1, 0)
    if not 0 < grid[0] * grid[1] * grid[2] <= MOST_BLOCKS:
        raise ShapeError(
            f"BM3D takes a clip of 1 to {MOST_BLOCKS} blocks of {SIDE} x {SIDE} pixels over all frames; "
            f"{frames} x {height} x {width} pixels have {grid[0] * grid[1] * grid[2]}. Scale it."
        )
    windows = np.lib.stride_tricks.sliding_window_view(clip.astype(np.float64), (SIDE, SIDE), axis=(1, 2))
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(grid[0] * grid[1] * grid[2], -1), grid


def _matched(
    blocks: Float64[np.ndarray, "n D"], asked: Int[np.ndarray, " m"], count: int
) -> Iterator[tuple[Int[np.ndarray, " a"], Int[np.ndarray, "a K"], Float64[np.ndarray, "a K"]]]:
    """Yield, some at a time, the blocks that are asked, those most like each, nearest first, and their distances."""
    squares = (blocks**2).sum(axis=1)
    for some in np.array_split(asked, -(-len(asked) // _AT_ONCE)):
        far = np.maximum(squares[some, None] + squares - 2 * blocks[some] @ blocks.T, 0) / blocks.shape[1]
        far[np.arange(len(some)), some] = -1.0  # itself first, whatever repeats it
        nearest = np.argpartition(far, count - 1, axis=1)[:, :count]
        order = np.take_along_axis(far, nearest, axis=1).argsort(axis=1, kind="stable")
        chosen = np.take_along_axis(nearest, order, axis=1)
        yield some, chosen, np.maximum(np.take_along_axis(far, chosen, axis=1), 0)


def _every(count: int) -> Int[np.ndarray, " n"]:
    """Return every ``APART``-th block along an axis, and the last, so that each pixel is covered."""
    return np.unique(np.append(np.arange(0, count, APART), count - 1))


def _power_of_two(count: int) -> int:
    return 1 << (max(count, 1).bit_length() - 1)
