"""Rows and columns to draw: real records with values that a test chooses. T=5, H=6, W=8 unless it says otherwise."""

import numpy as np

from nonlocal_core.answers import AffinityColumn, AffinityRow
from nonlocal_core.geometry import WHOLE_FRAME, Cell, QueryGrid


def make_row(
    heat=None,
    *,
    pairwise="embedded_gaussian",
    grid=(5, 6, 8),
    subsample=(1, 1, 1),
    query=(1, 2, 3),
    box=WHOLE_FRAME,
    clip_frames=None,
):
    """``heat``: an array on the key grid, or None for random weights that sum to 1."""
    queries = QueryGrid.over_clip(
        clip_frames=clip_frames or grid[0], steps=grid[0], rows=grid[1], cols=grid[2], box=box
    )
    keys = queries.pooled(subsample)
    if heat is None:
        heat = np.random.default_rng(7).random(keys.shape) ** 4
        heat /= heat.sum()
    return AffinityRow(
        block="block",
        pairwise=pairwise,
        values=np.asarray(heat, np.float32).reshape(keys.size),
        off_grid={},
        query=Cell(*query),
        query_grid=queries,
        key_grid=keys,
        subsample=subsample,
        key_count=keys.size,
    )


def make_column(heat, *, key, subsample, grid=(5, 6, 8), pairwise="embedded_gaussian"):
    """``heat``: an array on the query grid, weights on one key of the pooled grid."""
    queries = QueryGrid.over_clip(clip_frames=grid[0], steps=grid[0], rows=grid[1], cols=grid[2])
    return AffinityColumn(
        block="block",
        pairwise=pairwise,
        values=np.asarray(heat, np.float32).reshape(queries.size),
        off_grid={},
        key=Cell(*key),
        query_grid=queries,
        key_grid=queries.pooled(subsample),
        subsample=subsample,
    )


def make_frames(count=5, height=47, width=83):
    frames = np.random.default_rng(3).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    frames.setflags(write=False)  # whoever writes into its input fails
    return frames
