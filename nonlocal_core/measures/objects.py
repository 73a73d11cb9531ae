"""Measures of rows against an object whose cells are known, shared by the recipe, its cards and the app.

All of a row's weight counts, including that on its own cell. Weight on the object alone says little: a row that keeps
everything on the asking cell has all of it there, and shows nothing. So ``covered`` measures the rest of the object,
and ``whole`` is high only if both are.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float64, Int

from nonlocal_core.answers import AffinityRow
from nonlocal_core.errors import ShapeError

COVERED = 0.5
"""Minimum share of a cell that the object must cover for the cell to count as part of it."""
EVEN = 1 + 1e-6
"""Multiple of an even share that a weight must exceed: rounding lifts no cell of a uniform row above it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectFigures:
    """Figures of n rows asked on an object. Negative weights, which the dot product has, count as zero.

    A row without weight has NaN for all figures but the two rankings, which are then those of chance.
    """

    own_cell: Float64[np.ndarray, " n"]
    """Share of the weight on the asking cell."""
    places: Float64[np.ndarray, " n"]
    """exp of the entropy: the number of cells that would share the weight evenly."""
    covered: Float64[np.ndarray, " n"]
    """Share of the object's cells, in all frames, with more weight than an even row gives to each cell."""
    on_object: Float64[np.ndarray, " n"]
    """Share of the weight on the object, over all frames."""
    whole: Float64[np.ndarray, " n"]
    """Harmonic mean of ``covered`` and ``on_object``: 1 for a row that lies on all of the object and nothing else."""
    on_object_elsewhere: Float64[np.ndarray, " n"]
    """Share of the weight in other frames that lies on the object."""
    average_precision: Float64[np.ndarray, " n"]
    """Average precision of the row as a ranking of the cells of other frames; chance is the object's share of them."""
    auc: Float64[np.ndarray, " n"]
    """Chance that a cell of the object in another frame outweighs another cell there."""
    reach: Float64[np.ndarray, " n"]
    """Mean distance in the picture from the asking cell, as a fraction of the frame's diagonal."""
    own_frame: Float64[np.ndarray, " n"]
    """Share of the weight in the asking frame."""

    def means(self) -> dict[str, float]:
        """Return the mean of every figure over the rows that have it, or NaN if no row has it."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
            for name, values in found.items()
        }


def measure_object(
    row: AffinityRow, cover: Float64[np.ndarray, "T H W"], *, shown_hw: tuple[int, int]
) -> ObjectFigures:
    """Return the figures of one row against an object on its key grid.

    ``cover``: the fraction of each key's cell that the object covers (``nonlocal_core.geometry.coverage``, by frame).
    ``shown_hw``: pixels of the frame as shown, for its shape. Raises ShapeError for another grid.
    """
    grid = row.key_grid
    if cover.shape != grid.shape:
        raise ShapeError(f"The object must be given on the key grid, {grid.shape} cells (T, H, W); got {cover.shape}.")
    own = grid.index(row.query_grid.own_key(row.query, row.subsample))
    x0, y0, x1, y1 = grid.box
    sides = ((y1 - y0) * shown_hw[0] / grid.rows, (x1 - x0) * shown_hw[1] / grid.cols)
    weights = np.asarray(row.values, np.float64)[None]
    return rows_on_object(weights, np.array([own]), cover, cell_hw=sides)


def rows_on_object(
    weights: Float64[np.ndarray, "n N"],
    own: Int[np.ndarray, " n"],
    cover: Float64[np.ndarray, "T H W"],
    *,
    counted: Bool[np.ndarray, "T H W"] | None = None,
    cell_hw: tuple[float, float] = (1.0, 1.0),
) -> ObjectFigures:
    """Return the figures of rows over a grid of T x H x W cells.

    ``own``: the asking cell of each row. ``cover``: the fraction of each cell that is the object's. ``counted``: cells
    that are clearly the object's or clearly not; weight on the others is neither right nor wrong, but counts as weight.
    ``cell_hw``: the sides of a cell, of which only the ratio matters. If no other frame shows the object, other cells
    of its own frame are ranked instead.
    """
    known = np.ones(cover.shape, bool) if counted is None else counted
    flat, known = cover.reshape(-1).astype(np.float64), known.reshape(-1)
    is_object = (flat >= COVERED) & known
    positive = np.maximum(weights, 0.0)
    mass = positive.sum(axis=1, keepdims=True)
    p = np.divide(positive, mass, out=np.full_like(positive, np.nan), where=mass > 0)
    frame = np.arange(flat.size) // cover[0].size
    covered = (p[:, is_object] > EVEN / flat.size).mean(axis=1) if is_object.any() else np.full(len(p), np.nan)
    covered = np.where(mass[:, 0] > 0, covered, np.nan)
    on_object = _share(p, flat, known)
    elsewhere, precision, auc = (np.full(len(p), np.nan) for _ in range(3))
    for i, cell in enumerate(own):
        other = known & (frame != frame[cell])
        elsewhere[i] = _share(p[i : i + 1], flat, other)[0]
        if not (is_object & other).any():
            other = known & (np.arange(flat.size) != cell)
        precision[i], auc[i] = ranking(positive[i, other], is_object[other])
    return ObjectFigures(
        own_cell=p[np.arange(len(p)), own],
        places=np.exp(-(p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum(axis=1)),
        covered=covered,
        on_object=on_object,
        whole=_harmonic(covered, on_object),
        on_object_elsewhere=elsewhere,
        average_precision=precision,
        auc=auc,
        reach=(p.reshape(len(p), len(cover), -1).sum(axis=1) * _distances(own, cover.shape, cell_hw)).sum(axis=1),
        own_frame=(p * (frame == frame[own][:, None])).sum(axis=1),
    )


def ranking(scores: Float64[np.ndarray, " m"], positive: Bool[np.ndarray, " m"]) -> tuple[float, float]:
    """Return average precision and AUC of scores; equal scores form one step, so that no order among them is made up.

    Both are NaN without a positive, the AUC also without a negative. If all scores are equal, they are the share of
    positives and 0.5.
    """
    hits, misses = int(positive.sum()), int((~positive).sum())
    if not hits:
        return float("nan"), float("nan")
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    true = np.cumsum(positive[order])[last]
    all_so_far = np.flatnonzero(last) + 1
    steps = np.diff(true, prepend=0)
    precision = float((steps * true / all_so_far).sum() / hits)
    false = all_so_far - true
    behind = misses - (false + np.append(0, false[:-1])) / 2
    return precision, float((steps * behind).sum() / (hits * misses)) if misses else float("nan")


def _share(
    p: Float64[np.ndarray, "n N"], flat: Float64[np.ndarray, " N"], counted: Bool[np.ndarray, " N"]
) -> Float64[np.ndarray, " n"]:
    """Return the share of the weight on counted cells that lies on the object; NaN if none lies on them."""
    total = p[:, counted].sum(axis=1)
    share: np.ndarray = np.divide(
        (p[:, counted] * flat[counted]).sum(axis=1), total, out=np.full_like(total, np.nan), where=total > 0
    )
    return share


def _harmonic(first: Float64[np.ndarray, " n"], second: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    total = first + second
    mean: np.ndarray = np.divide(2 * first * second, total, out=np.where(np.isnan(total), np.nan, 0.0), where=total > 0)
    return mean


def _distances(
    own: Int[np.ndarray, " n"], shape: tuple[int, ...], cell_hw: tuple[float, float]
) -> Float64[np.ndarray, "n HW"]:
    _, rows, cols = shape
    height, width = cell_hw
    y, x = np.divmod(np.arange(rows * cols), cols)
    place = own % (rows * cols)
    away = np.hypot((y - y[place][:, None]) * height, (x - x[place][:, None]) * width)
    distances: np.ndarray = away / np.hypot(rows * height, cols * width)
    return distances
