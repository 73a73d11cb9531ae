"""Figures of rows by loops over the cells of an evenly divided clip, and random blocks to measure."""

import itertools
import math

import loop_oracle
import numpy as np

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.geometry import QueryGrid

T, H, W = 4, 5, 6
SHOWN_HW = (90, 160)
SECONDS = np.array([0.0, 0.25, 0.75, 1.75, 2.0, 3.5, 3.75, 4.0])  # eight frames, two for each temporal cell
TOLERANCE = 1e-5  # relative: scores are float32; worst seen 8e-7


def capture(pairwise, *, grid=(T, H, W), clip_frames=8, subsample=(2, 2, 4), scope="spacetime", groups=1, seed=0):
    rng = np.random.default_rng(seed)
    queries = QueryGrid.over_clip(clip_frames=clip_frames, steps=grid[0], rows=grid[1], cols=grid[2])
    keys = queries.pooled(subsample)
    channels = 1 if pairwise == "concatenation" else 3
    return BlockCapture(
        name="block",
        title="Block",
        pairwise=pairwise,
        scale=1.0 if pairwise in ("dot_product", "concatenation") else 0.7,
        theta=rng.normal(size=(queries.size, channels)).astype(np.float32),
        phi=rng.normal(size=(keys.size, channels)).astype(np.float32),
        query_grid=queries,
        key_grid=keys,
        subsample=subsample,
        scope=scope,
        temporal_groups=groups,
    )


def oracle_matrix(block):
    return loop_oracle.affinity(
        block.theta.astype(np.float64),
        block.phi.astype(np.float64),
        pairwise=block.pairwise,
        scale=block.scale,
        query_thw=block.query_grid.shape,
        kernel=block.subsample,
        scope=block.scope,
        groups=block.temporal_groups,
    )


def oracle_figures(weights, query, block):
    """The figures of one row, by loops over the cells of an evenly divided clip."""
    (tq, hq, wq), (tk, hk, wk) = block.query_grid.shape, block.key_grid.shape
    height, width = SHOWN_HW
    mass = sum(max(w, 0) for w in weights)
    if mass == 0:
        return None
    names = ("entropy", "own_cell_share", "own_step_share", "distance", "frames_away", "seconds_away")
    figures = dict.fromkeys(names, 0.0)
    over = tuple(min(q // s, n - 1) for q, s, n in zip(query, block.subsample, (tk, hk, wk), strict=True))
    for weight, (t, y, x) in zip(weights, itertools.product(range(tk), range(hk), range(wk)), strict=True):
        p = max(weight, 0) / mass
        figures["entropy"] -= p * math.log(p) if p > 0 else 0.0
        figures["own_cell_share"] += p if (t, y, x) == over else 0.0
        figures["own_step_share"] += p if t == over[0] else 0.0
        # A pooled cell is as wide as the cells it was pooled from; what pooling dropped is no key.
        across = (query[2] + 0.5) / wq - (x + 0.5) * block.subsample[2] / wq
        down = (query[1] + 0.5) / hq - (y + 0.5) * block.subsample[1] / hq
        figures["distance"] += p * math.hypot(across * width, down * height) / math.hypot(width, height)
        per_query, per_key = 8 // tq, 8 // tq * block.subsample[0]
        asking = range(query[0] * per_query, (query[0] + 1) * per_query)
        asked = range(t * per_key, (t + 1) * per_key)
        figures["frames_away"] += p * abs(sum(asking) / len(asking) - sum(asked) / len(asked))
        seconds = [sum(SECONDS[f] for f in frames) / len(frames) for frames in (asking, asked)]
        figures["seconds_away"] += p * abs(seconds[0] - seconds[1])
    figures["top_times_uniform"] = max(weights) * block.key_count / mass
    return figures


VARIANTS = [("spacetime", 1), ("space", 1), ("time", 1), ("spacetime", 2)]


def parts(block):
    return {name: getattr(block, name) for name in block.__dataclass_fields__}
