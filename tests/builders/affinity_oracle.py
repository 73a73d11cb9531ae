"""Small blocks with random tables, and their affinity by loops in float64 that share no code with it."""

import itertools
import math

import numpy as np

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.geometry import QueryGrid

CHANNELS = 2


def capture(pairwise, *, grid=(4, 5, 6), subsample=(1, 2, 2), scope="spacetime", groups=1, off_grid=(), seed=0):
    rng = np.random.default_rng(seed)
    queries = QueryGrid.over_clip(clip_frames=grid[0], steps=grid[0], rows=grid[1], cols=grid[2])
    keys = queries.pooled(subsample)
    channels = 1 if pairwise == "concatenation" else CHANNELS
    return BlockCapture(
        name="block",
        title="Block",
        pairwise=pairwise,
        scale=0.7,
        theta=rng.normal(size=(queries.size, channels)).astype(np.float32),
        phi=rng.normal(size=(keys.size + len(off_grid) * (keys.steps if scope == "space" else 1), channels)).astype(
            np.float32
        ),
        query_grid=queries,
        key_grid=keys,
        subsample=subsample,
        scope=scope,
        temporal_groups=groups,
        off_grid_keys=off_grid,
    )


def oracle_matrix(block):
    """The affinity by loops over cells, in float64, from the definition in the paper."""
    kt, kh, kw = block.subsample
    tk, hk, wk = block.key_grid.shape
    matrix = np.zeros((block.query_grid.size, len(block.phi)))
    query_cells = list(itertools.product(*map(range, block.query_grid.shape)))
    homes = range(tk) if block.scope == "space" else [None]
    off_grid = [(home, None, None) for home in homes for _ in block.off_grid_keys]
    key_cells = [*itertools.product(*map(range, block.key_grid.shape)), *off_grid]
    for i, (t, y, x) in enumerate(query_cells):
        scores = {}
        for j, key in enumerate(key_cells):
            if key[1] is None:
                if key[0] not in (None, min(t // kt, tk - 1)):
                    continue
            else:
                own = (min(t // kt, tk - 1), min(y // kh, hk - 1), min(x // kw, wk - 1))
                group_q = t // (block.query_grid.steps // block.temporal_groups)
                group_k = key[0] // (tk // block.temporal_groups)
                if block.scope == "space" and key[0] != own[0]:
                    continue
                if block.scope != "space" and group_q != group_k:
                    continue
                if block.scope == "time" and key[1:] != own[1:]:
                    continue
            a, b = block.theta[i].astype(float), block.phi[j].astype(float)
            if block.pairwise == "concatenation":
                scores[j] = max(0.0, a[0] + b[0])
            else:
                scores[j] = sum(float(p) * float(q) for p, q in zip(a, b, strict=True))
        if block.pairwise in ("gaussian", "embedded_gaussian"):
            total = sum(math.exp(block.scale * s) for s in scores.values())
            weights = {j: math.exp(block.scale * s) / total for j, s in scores.items()}
        elif block.pairwise == "matched":
            matched = [j for j, s in scores.items() if s >= 0]
            weights = {j: 1 / len(matched) for j in matched}
        else:
            weights = {j: s / len(scores) for j, s in scores.items()}
        for j, weight in weights.items():
            matrix[i, j] = weight
    return matrix
