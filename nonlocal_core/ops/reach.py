"""Keys that each query may attend to, and the split of the tables into one batch entry per separate problem.

A scope or a group turns one problem of Nq x Nk positions into many small ones. They lie along the batch axis, so that
no form of the operation needs to know about space, time and groups.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from nonlocal_core.errors import ShapeError, UnknownNameError
from nonlocal_core.geometry import THW, own_keys_along
from nonlocal_core.vocabulary import SCOPES, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The keys that each query may attend to.

    >>> reach = Reach(query_thw=(4, 6, 8), kernel=(1, 2, 2), scope="space")
    >>> reach.key_thw, reach.keys_per_query
    ((4, 3, 4), 12)

    ``kernel`` is the max pooling of the keys, with the same stride and no padding; odd sizes are floored, as in
    every public implementation. ``scope``: all keys, those of the query's own step, or those over its own
    position (paper, table 2d); with pooled keys "own" is the pooled cell over the query, or the last one for
    queries that the floor leaves without. ``temporal_groups`` cuts time into equal consecutive parts and keeps
    attention inside each (facebookresearch/video-nonlocal-net@4b5d2dd,
    lib/models/nonlocal_helper.py; ``NONLOCAL.GROUP`` of facebookresearch/SlowFast@728d8f7).

    Raises UnknownNameError for an unknown scope, ShapeError if pooling leaves no key or time does not divide into the
    groups.
    """

    query_thw: THW
    kernel: THW = (1, 1, 1)
    scope: Scope = "spacetime"
    temporal_groups: int = 1

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise UnknownNameError("scope", self.scope, SCOPES)
        if min(self.kernel) < 1 or min(self.query_thw) < 1 or self.temporal_groups < 1:
            raise ShapeError(
                "Counts of positions, pooling kernels and temporal groups start at 1; got "
                f"{self.query_thw} positions, kernel {self.kernel}, {self.temporal_groups} groups."
            )
        if min(self.key_thw) < 1:
            raise ShapeError(
                f"Pooling by {self.kernel} leaves no key on {self.query_thw} positions (T, H, W); use a smaller kernel."
            )
        steps, groups, kernel = self.query_thw[0], self.temporal_groups, self.kernel[0]
        if groups > 1 and steps % (groups * kernel):
            raise ShapeError(
                f"{groups} temporal groups of keys pooled by {kernel} need a number of steps divisible by "
                f"{groups * kernel}; got {steps}. Change the clip length or the number of groups."
            )

    @property
    def key_thw(self) -> THW:
        """Number of key positions along time, rows and columns, after pooling."""
        (steps, rows, cols), (kt, kh, kw) = self.query_thw, self.kernel
        return steps // kt, rows // kh, cols // kw

    @property
    def query_count(self) -> int:
        """Nq."""
        steps, rows, cols = self.query_thw
        return steps * rows * cols

    @property
    def key_count(self) -> int:
        """Nk of the whole table."""
        steps, rows, cols = self.key_thw
        return steps * rows * cols

    @property
    def keys_per_query(self) -> int:
        """The number of keys that one query attends to, by which the dot product and the concatenation divide."""
        steps, rows, cols = self.key_thw
        match self.scope:
            case "space":
                return rows * cols
            case "time":
                return steps // self.temporal_groups
            case "spacetime":
                return self.key_count // self.temporal_groups

    def own(self, axis: int) -> list[int]:
        """Return the index of the own key for each query index along T, H or W."""
        return [int(key) for key in own_keys_along(self.query_thw[axis], self.kernel[axis])]


def visible(reach: Reach, device: torch.device | None = None) -> Bool[Tensor, "Nq Nk"]:
    """Return the mask of the keys that each query may attend to, for the explicit form only."""
    axes = range(3)
    own = torch.cartesian_prod(*(torch.tensor(reach.own(axis), device=device) for axis in axes))[:, None]
    key = torch.cartesian_prod(*(torch.arange(reach.key_thw[axis], device=device) for axis in axes))[None]
    cells_per_group = reach.key_thw[0] // reach.temporal_groups
    same_group = own[..., 0] // cells_per_group == key[..., 0] // cells_per_group
    match reach.scope:
        case "space":
            return own[..., 0] == key[..., 0]
        case "time":
            return same_group & (own[..., 1] == key[..., 1]) & (own[..., 2] == key[..., 2])
        case "spacetime":
            return same_group


def split_queries(table: Shaped[Tensor, "B Nq C"], reach: Reach) -> Shaped[Tensor, "Bs Nqs C"]:
    """Move the queries of each separate problem to the batch axis, as a view where the memory layout allows it."""
    steps, rows, cols = reach.query_thw
    return _split(table, reach, steps, rows * cols)


def split_keys(table: Shaped[Tensor, "B Nk C"], reach: Reach) -> Shaped[Tensor, "Bs Nks C"]:
    """Move the keys of each separate problem to the batch axis, in the order of ``split_queries``.

    With pooled keys, queries over one cell share its keys. The keys are repeated, and memory stays linear in Nk.
    """
    steps, rows, cols = reach.key_thw
    _, kernel_rows, kernel_cols = reach.kernel
    cells = table.reshape(len(table), steps, rows * cols, -1)
    if reach.scope == "space" and reach.kernel[0] > 1:
        cells = cells[:, reach.own(0)]
    elif reach.scope == "time" and kernel_rows * kernel_cols > 1:
        cells = cells[:, :, [y * cols + x for y in reach.own(1) for x in reach.own(2)]]
    steps, positions = cells.shape[1:3]
    return _split(cells.flatten(1, 2), reach, steps, positions)


def join_queries(rows: Shaped[Tensor, "Bs Nqs C"], reach: Reach) -> Shaped[Tensor, "B Nq C"]:
    """Undo ``split_queries``."""
    steps, height, width = reach.query_thw
    if reach.scope == "time":
        # (B G H W, T / G, C) -> (B G, T / G, H W, C)
        rows = rows.reshape(-1, height * width, *rows.shape[1:]).transpose(1, 2)
    return rows.reshape(-1, steps * height * width, rows.shape[-1])


def _split(table: Shaped[Tensor, "B N C"], reach: Reach, steps: int, positions: int) -> Shaped[Tensor, "Bs Ns C"]:
    channels = table.shape[-1]
    match reach.scope:
        case "space":
            return table.reshape(-1, positions, channels)
        case "time":
            per_group = steps // reach.temporal_groups
            # (B G, T / G, H W, C) -> (B G, H W, T / G, C) -> (B G H W, T / G, C)
            return table.reshape(-1, per_group, positions, channels).transpose(1, 2).reshape(-1, per_group, channels)
        case "spacetime":
            return table.reshape(-1, steps * positions // reach.temporal_groups, channels)
