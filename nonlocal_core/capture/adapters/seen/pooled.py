"""Queries that a layer pools: each stands for a square of the cells that are its keys (MViT, LeViT, Hiera, SAM 2).

A pooled query is shown at every cell of its square, so that queries and keys lie on one grid.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Squares:
    """Squares of cells that share a query."""

    side: int
    """Rows and columns of a square."""
    query: Int[Tensor, "B n"]
    """Number, in its sequence, of the query of each key."""
    first: Int[Tensor, "B m"]
    """Number, in its sequence, of the first key of each square."""


def squares_of(cells: Int[Tensor, "B n"], thw: tuple[int, int, int], queries: int) -> Squares | None:
    """Return the squares that ``queries`` queries of each sequence stand for, or None if no squares have that number.

    ``cells``: the cell of each key. The queries are in the order in which the keys first meet their squares; the proof
    of place decides whether that is right.
    """
    _, h, w = thw
    sequences = cells.cpu().numpy()
    frame, row, col = sequences // (h * w), sequences // w % h, sequences % w
    for side in range(2, max(h, w) + 1):
        squares = (frame * h + row // side) * w + col // side
        found = [np.unique(each, return_index=True, return_inverse=True) for each in squares]
        if any(len(names) != queries for names, _, _ in found):
            continue
        if sum(len(names) for names, _, _ in found) != len(np.unique(squares)):
            return None  # a square is in two sequences
        ranks = [first.argsort().argsort() for _, first, _ in found]
        query = [rank[inverse.reshape(-1)] for rank, (_, _, inverse) in zip(ranks, found, strict=True)]
        firsts = [np.sort(first) for _, first, _ in found]
        return Squares(side=side, query=torch.from_numpy(np.stack(query)), first=torch.from_numpy(np.stack(firsts)))
    return None
