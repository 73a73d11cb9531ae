"""Measures of a whole block over a clip: figures from a sample of its queries, a temporal profile, a map."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int

from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.geometry import QueryGrid
from nonlocal_core.measures.row_figures import Layout, RowFigures, RowMeasures, joined

SAMPLE_QUERIES = 512
"""Number of sampled queries, spread evenly over the steps."""
SAMPLE_SEED = 2018
"""Seed of the sample, so that a clip and a block always give the same figures."""
_CHUNK_WEIGHTS = 2**20
"""Number of weights held at once: 8 MB of float64, and a few more tables of that size."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockMeasures(RowMeasures):
    """Means over ``query_count`` sampled queries of a block; queries without any weight are left out and counted.

    ``effective_keys`` is exp of the mean entropy.
    """

    block: str
    query_count: int
    silent_count: int
    """Number of sampled queries whose weights are all zero, as after a ReLU."""
    key_count: int
    query_dependence: float
    """Mean of (1 - cos) / 2 over pairs of different rows: 0 when every query looks at the same keys, 1/2 when no two
    look at a common one, more where signed rows oppose each other. The figure of Y. Cao et al., "GCNet" (arXiv
    1904.11492, section 3.2), who found it near 0 for the non-local blocks of their detectors.

    Differs: their mean also counts each row with itself; the test of this figure pins the pairs."""
    temporal_profile: Float64[np.ndarray, "Tq Tk"]
    """Mean share of the weight that the queries of one step (row) give to another (column).

    Rows sum to 1 less the weight of off-grid keys; NaN if no sampled query has any weight."""


def sample_queries(grid: QueryGrid, count: int = SAMPLE_QUERIES) -> Int[np.ndarray, " n"]:
    """Return ascending indices of queries: the same number from each step, drawn with a fixed seed.

    At least one from each step, and all positions of a grid that has no more than ``count``.
    """
    positions = grid.rows * grid.cols
    each = min(max(count // grid.steps, 1), positions)
    rng = np.random.default_rng(SAMPLE_SEED)
    drawn = [t * positions + np.sort(rng.choice(positions, each, replace=False)) for t in range(grid.steps)]
    return np.concatenate(drawn)


def measure_block(
    block: BlockCapture,
    *,
    shown_hw: tuple[int, int],
    pts_seconds: Float64[np.ndarray, " frames"],
    count: int = SAMPLE_QUERIES,
    progress: Callable[[int, int], None] | None = None,
) -> BlockMeasures:
    """Return the figures of a block over its clip, computed a chunk of rows at a time.

    ``shown_hw`` and ``pts_seconds``: of the clip's frames, as for ``measure_row``. ``progress`` is called with the
    numbers of queries done and in all. Raises ShapeError if the clip has fewer frames than the block's grids cover.
    """
    layout = Layout.of(block, shown_hw=shown_hw, pts_seconds=pts_seconds)
    queries = sample_queries(block.query_grid, count)
    step = max(1, _CHUNK_WEIGHTS // len(block.phi))
    parts, directions, directed = [], np.zeros(len(block.phi)), 0
    for start in range(0, len(queries), step):
        some = queries[start : start + step]
        rows = many_row_weights(block, some)
        parts.append(RowFigures.of(rows, some, layout))
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        directions += np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0).sum(axis=0)
        directed += int((lengths > 0).sum())
        if progress is not None:
            progress(min(start + step, len(queries)), len(queries))
    figures = joined(parts)
    heard = figures.heard
    return BlockMeasures(
        block=block.name,
        note=block.warning,
        query_count=len(queries),
        silent_count=int((~heard).sum()),
        key_count=block.key_count,
        query_dependence=_dependence(directions, directed),
        temporal_profile=_profile(
            figures.step_shares[heard],
            queries[heard] // (block.query_grid.rows * block.query_grid.cols),
            block.query_grid.steps,
        ),
        **figures.means(),
    )


def effect_map(block: BlockCapture) -> Float32[np.ndarray, "T H W"] | None:
    """Return ``|W_z y| / |x|`` on the query grid, or None where it is not known (``BlockCapture.effect``)."""
    return None if block.effect is None else block.effect.reshape(block.query_grid.shape)


def _dependence(directions: Float64[np.ndarray, " Nk_all"], count: int) -> float:
    """Return the mean of (1 - cos) / 2 over pairs of different rows, from the sum of their directions.

    |sum of u_i|^2 is the sum of u_i . u_j over all pairs, of which ``count`` pair a row with itself.
    """
    if count < 2:
        return float("nan")
    mean_cosine = (float(directions @ directions) - count) / (count * (count - 1))
    return (1 - mean_cosine) / 2


def _profile(
    shares: Float64[np.ndarray, "n Tk"], own: Int[np.ndarray, " n"], steps: int
) -> Float64[np.ndarray, "Tq Tk"]:
    profile = np.full((steps, shares.shape[1]), np.nan)
    for t in np.unique(own):
        profile[t] = shares[own == t].mean(axis=0)
    return profile
