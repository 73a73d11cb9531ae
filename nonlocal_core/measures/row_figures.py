"""Measures of a row: its spread, its reach, and the agreement of two rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float64, Int

from nonlocal_core.answers import AffinityRow
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.errors import GeometryError, ShapeError
from nonlocal_core.geometry import Cell, Grid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowMeasures:
    """Measures of one row. All of them count positive weight only; a row without any has NaN for all."""

    entropy: float
    """Entropy in nats; log(Nk) if uniform."""
    own_cell_share: float
    """Share in [0, 1] of the weight on the key over the query itself."""
    own_step_share: float
    """Share in [0, 1] of the weight that stays in the query's own step."""
    distance: float
    """Mean distance in the picture from the query to its keys, as a fraction of the frame's diagonal."""
    frames_away: float
    """Mean distance in time, in frames of the clip."""
    seconds_away: float
    """Mean distance in time, in seconds."""
    top_times_uniform: float
    """The largest weight, in multiples of an even share of the positive weight."""
    note: str
    """Warning of the block, empty if there is none."""

    @property
    def effective_keys(self) -> float:
        """exp(entropy): the number of keys that would have this entropy if they shared the weight evenly."""
        return math.exp(self.entropy)


def measure_row(
    row: AffinityRow, *, shown_hw: tuple[int, int], pts_seconds: Float64[np.ndarray, " frames"]
) -> RowMeasures:
    """Return the figures of one row.

    ``shown_hw``: pixels of the frame as shown, for its shape. ``pts_seconds``: the time of each frame of the clip.
    Raises ShapeError if the clip has fewer frames than the row's grids cover.
    """
    figures = RowFigures.of(
        np.append(row.values, list(row.off_grid.values())).astype(np.float64)[None],
        np.array([row.query_grid.index(row.query)]),
        Layout.of(row, shown_hw=shown_hw, pts_seconds=pts_seconds),
    )
    return RowMeasures(note=row.note, **figures.means())


def top_overlap(first: AffinityRow, second: AffinityRow, k: int = 20) -> float:
    """Return the share in [0, 1] of the k strongest keys that two rows have in common.

    Keys without positive weight are not strong, so fewer may be compared; NaN if none are.
    Raises GeometryError for rows on different key grids.
    """
    if first.key_grid != second.key_grid:
        raise GeometryError(
            f"Strongest keys are compared on one key grid; got {first.key_grid.shape} and {second.key_grid.shape} "
            "cells (T, H, W). Compare two queries of one block, or blocks of one stride."
        )
    cells = [{ranked.cell for ranked in row.top(k)} for row in (first, second)]
    most = max(map(len, cells))
    return len(set.intersection(*cells)) / most if most else math.nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Places of queries and keys: in the picture in units of the frame's diagonal, in time in frames and seconds."""

    query_xy: Float64[np.ndarray, "HqWq 2"]
    key_xy: Float64[np.ndarray, "HkWk 2"]
    query_frame: Float64[np.ndarray, " Tq"]
    key_frame: Float64[np.ndarray, " Tk"]
    query_seconds: Float64[np.ndarray, " Tq"]
    key_seconds: Float64[np.ndarray, " Tk"]
    own_step: Int[np.ndarray, " Tq"]
    """The step of the key grid over each step of the queries."""
    own_place: Int[np.ndarray, " HqWq"]
    """The key's place in its frame over each place of the queries."""
    key_count: int

    @classmethod
    def of(
        cls,
        source: AffinityRow | BlockCapture,
        *,
        shown_hw: tuple[int, int],
        pts_seconds: Float64[np.ndarray, " frames"],
    ) -> "Layout":
        """Return the layout of the grids of a row or a block. Raises ShapeError if the clip is too short for them."""
        queries, keys = source.query_grid, source.key_grid
        needed = max(queries.end_frame, keys.end_frame)
        if len(pts_seconds) < needed:
            raise ShapeError(
                f"These grids speak of {needed} frames; got the times of {len(pts_seconds)}. "
                "Give the times of the frames that the network saw."
            )
        numbers = np.arange(len(pts_seconds), dtype=np.float64)
        own_t, own_y, own_x = queries.own_keys(source.subsample)
        return cls(
            query_xy=_centers(queries, shown_hw),
            key_xy=_centers(keys, shown_hw),
            query_frame=_moments(queries, numbers),
            key_frame=_moments(keys, numbers),
            query_seconds=_moments(queries, pts_seconds),
            key_seconds=_moments(keys, pts_seconds),
            own_step=own_t,
            own_place=(own_y[:, None] * keys.cols + own_x).reshape(-1),
            key_count=source.key_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowFigures:
    """The figures of n rows, named as in ``RowMeasures``."""

    entropy: Float64[np.ndarray, " n"]
    own_cell_share: Float64[np.ndarray, " n"]
    own_step_share: Float64[np.ndarray, " n"]
    distance: Float64[np.ndarray, " n"]
    frames_away: Float64[np.ndarray, " n"]
    seconds_away: Float64[np.ndarray, " n"]
    top_times_uniform: Float64[np.ndarray, " n"]
    step_shares: Float64[np.ndarray, "n Tk"]
    """Share of the weight in each step; off-grid keys have the rest."""

    @classmethod
    def of(
        cls, weights: Float64[np.ndarray, "n Nk_all"], queries: Int[np.ndarray, " n"], layout: Layout
    ) -> "RowFigures":
        """Return the figures of rows; ``queries`` are their indices on the query grid.

        Rows may end with any number of weights on off-grid keys.
        """
        positive = np.maximum(weights, 0)
        mass = positive.sum(axis=1, keepdims=True)
        p = np.divide(positive, mass, out=np.full_like(positive, np.nan), where=mass > 0)
        t, place = np.divmod(queries, len(layout.query_xy))
        cells = p[:, : len(layout.key_frame) * len(layout.key_xy)].reshape(len(p), len(layout.key_frame), -1)
        step_shares, places = cells.sum(axis=2), cells.sum(axis=1)
        on_grid, each, own_step = step_shares.sum(axis=1), np.arange(len(p)), layout.own_step[t]
        reach = np.linalg.norm(layout.query_xy[place][:, None] - layout.key_xy[None], axis=2)
        return cls(
            entropy=-(p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum(axis=1),
            own_cell_share=cells[each, own_step, layout.own_place[place]],
            own_step_share=step_shares[each, own_step],
            distance=_mean_distance(places, reach, on_grid),
            frames_away=_mean_distance(step_shares, _apart(layout.query_frame[t], layout.key_frame), on_grid),
            seconds_away=_mean_distance(step_shares, _apart(layout.query_seconds[t], layout.key_seconds), on_grid),
            top_times_uniform=cells.max(axis=(1, 2)) * layout.key_count,
            step_shares=step_shares,
        )

    @property
    def heard(self) -> Bool[np.ndarray, " n"]:
        """Mask of the rows that have any weight."""
        return np.asarray(np.isfinite(self.entropy))

    def means(self) -> dict[str, float]:
        """Return the mean of every figure but ``step_shares`` over the rows with any weight; NaN if none has."""
        names = [field.name for field in fields(self) if field.name != "step_shares"]
        found = {name: getattr(self, name)[self.heard] for name in names}
        return {name: float(values.mean()) if len(values) else math.nan for name, values in found.items()}


def joined(parts: Sequence[RowFigures]) -> RowFigures:
    """Return the figures of all rows of several parts, in order."""
    names = [field.name for field in fields(RowFigures)]
    return RowFigures(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _mean_distance(
    shares: Float64[np.ndarray, "n places"],
    distances: Float64[np.ndarray, "n places"],
    on_grid: Float64[np.ndarray, " n"],
) -> Float64[np.ndarray, " n"]:
    """Return the mean over keys that have a place: a class token has none, so its weight does not count."""
    summed = (shares * distances).sum(axis=1)
    mean: np.ndarray = np.divide(summed, on_grid, out=np.full_like(summed, np.nan), where=on_grid > 0)
    return mean


def _apart(moments: Float64[np.ndarray, " n"], others: Float64[np.ndarray, " m"]) -> Float64[np.ndarray, "n m"]:
    return np.asarray(np.abs(moments[:, None] - others[None]))


def _centers(grid: Grid, shown_hw: tuple[int, int]) -> Float64[np.ndarray, "HW 2"]:
    """Return the (x, y) centre of every cell of a frame, in units of the frame's diagonal."""
    height, width = shown_hw
    centers = [grid.center(Cell(0, y, x)) for y in range(grid.rows) for x in range(grid.cols)]
    return np.array(centers) * (width, height) / math.hypot(width, height)


def _moments(grid: Grid, of_frames: Float64[np.ndarray, " frames"]) -> Float64[np.ndarray, " T"]:
    """Return the mean of a number per frame over the frames of each step."""
    return np.array([of_frames[start:stop].mean() for start, stop in grid.frame_spans])
