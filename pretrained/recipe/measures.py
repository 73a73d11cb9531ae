"""Measures of a block, fixed before any training, and the same for every block and every baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import kl_div

from nonlocal_core.measures import ranking, rows_on_object
from pretrained.recipe.features import MIXED

QUERIES_PER_OBJECT = 6
"""Queries per object and clip, drawn from the cells that the object nearly fills."""
TOP = 20
RESAMPLES = 2000

MEASURES = (
    "own_cell",
    "places",
    "covered",
    "on_object",
    "whole",
    "on_object_elsewhere",
    "average_precision",
    "auc",
    "reach",
    "own_frame",
    "auc_object",
    "precision_20",
    "hit_rate",
    "query_dependence",
)
"""Measures of ``row_measures``. Those up to ``own_frame`` are fields of `nonlocal_core.measures.ObjectFigures`.

    auc_object         probability that a key on the same object outweighs one on another object, in other frames
    precision_20       share of the 20 strongest keys of other frames that lie on the same object
    hit_rate           share of the other frames that show the object whose strongest key lies on it
    query_dependence   mean of 1 - cosine between two whole rows, twice the figure of `nonlocal_core.measures`
Negative weights, which only the dot product has, count as zero.
"""

Rows = Callable[[np.ndarray], np.ndarray]
"""Function from query positions (Q,) to their weights on all keys (Q, N)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """Ground truth of one clip: labels and sure cells (T, h, w), and a mask (T,) of the frames with queries."""

    labels: np.ndarray
    sure: np.ndarray
    asked: np.ndarray


def pick_queries(truth: Truth, seed: int) -> np.ndarray:
    """Return up to six query positions on each object that shows in two or more frames, within the frames asked."""
    rng = np.random.default_rng(seed)
    chosen: list[np.ndarray] = []
    frame = np.broadcast_to(np.arange(len(truth.labels))[:, None, None], truth.labels.shape).ravel()
    for label in range(1, int(truth.labels[truth.labels != MIXED].max()) + 1):
        own = (truth.labels == label).ravel()
        shown = np.unique(frame[own])
        asked = np.flatnonzero(own & truth.sure.ravel() & truth.asked[frame])
        if len(shown) > 1 and len(asked):
            chosen.append(rng.permutation(asked)[:QUERIES_PER_OBJECT])
    return np.concatenate(chosen) if chosen else np.empty(0, int)


def row_measures(rows: Rows, truth: Truth, seed: int) -> dict[str, float]:
    """Return the mean of every measure over the queries of a clip, or an empty dict for a clip without a query."""
    queries = pick_queries(truth, seed)
    if not len(queries):
        return {}
    weights = np.maximum(rows(queries), 0).astype(np.float64)
    labels = truth.labels.ravel()
    frame = np.arange(labels.size) // truth.labels[0].size
    found: dict[str, list[float]] = {name: [] for name in MEASURES if name != "query_dependence"}
    for query, row in zip(queries, weights, strict=True):
        cover = (truth.labels == labels[query]).astype(np.float64)
        figures = rows_on_object(row[None], np.array([query]), cover, counted=truth.labels != MIXED)
        for name, value in figures.means().items():
            found[name].append(value)
        other = (frame != frame[query]) & (labels != MIXED)
        same, objects, seen = labels[other] == labels[query], labels[other] > 0, row[other]
        if (objects & ~same).any():
            found["auc_object"].append(ranking(seen[objects], same[objects])[1])
        found["precision_20"].append(float(same[np.argsort(-seen, kind="stable")[:TOP]].mean()))
        found["hit_rate"].append(_hits(row, labels, frame, query))
    means = {name: float(np.nanmean(values)) for name, values in found.items() if np.isfinite(values).any()}
    return means | {"query_dependence": _dependence(weights)}


def label_similarity(rows: Rows, labels: np.ndarray) -> float:
    """Return the region similarity J of objects that rows carry from the first frame that shows them to all others.

    ``labels``: (T, h, w). A cell is assigned to an object if more than half of the weight that it gives to the marked
    frame lies on the object there. J is the intersection over the union, averaged over the frames that show the object,
    then over objects; nan for a clip without an object. MIXED cells count in no frame.
    """
    flat, known = labels.ravel(), labels.ravel() != MIXED
    frame = np.arange(flat.size) // labels[0].size
    of_object = {label: flat == label for label in range(1, int(flat[known].max()) + 1)}
    shown = {label: np.unique(frame[own]) for label, own in of_object.items() if len(np.unique(frame[own])) > 1}
    carried = {label: np.zeros(flat.size, bool) for label in shown}
    for asking in np.array_split(np.arange(flat.size), len(labels)):
        positive = np.maximum(rows(asking), 0)
        for label, frames in shown.items():
            marked = frame == frames[0]
            total = positive[:, marked].sum(axis=1)
            carried[label][asking] = positive[:, marked & of_object[label]].sum(axis=1) > total / 2
    found = [
        np.mean([_overlap(carried[label] & (frame == t) & known, own & (frame == t)) for t in shown[label][1:]])
        for label, own in of_object.items()
        if label in shown
    ]
    return float(np.mean(found)) if found else float("nan")


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def _hits(row: np.ndarray, labels: np.ndarray, frame: np.ndarray, query: int) -> float:
    hits = []
    for t in np.unique(frame[(labels == labels[query]) & (frame != frame[query])]):
        cells = np.flatnonzero(frame == t)
        hits.append(labels[cells[np.argmax(row[cells])]] == labels[query])
    return float(np.mean(hits))


def _dependence(weights: np.ndarray) -> float:
    length = np.linalg.norm(weights, axis=1, keepdims=True)
    unit = weights / np.where(length > 0, length, 1)
    cosines = unit @ unit.T
    pairs = ~np.eye(len(unit), dtype=bool)
    return float(1 - cosines[pairs].mean()) if len(unit) > 1 else 0.0


def answer_measures(logits: Tensor, clean: Tensor) -> dict[str, float]:
    """Return the KL divergence of answers (n, 1000) to the clean ones in nats, and the share of equal best classes."""
    divergence = kl_div(logits.log_softmax(-1), clean.log_softmax(-1), log_target=True, reduction="none").sum(-1)
    same = (logits.argmax(-1) == clean.argmax(-1)).float()
    return {"kl": float(divergence.mean()), "top1_kept": float(same.mean())}


def interval(values: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Return the mean of per-clip values and its 95 % bootstrap interval over clips; nan values are left out."""
    known = values[~np.isnan(values)]
    drawn = np.random.default_rng(seed).integers(len(known), size=(RESAMPLES, len(known)))
    low, high = np.percentile(known[drawn].mean(axis=1), [2.5, 97.5])
    return float(known.mean()), float(low), float(high)


def table(clips: Sequence[Mapping[str, float]], names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return one value per clip for each measure, nan if a clip has none."""
    return {name: np.array([clip.get(name, np.nan) for clip in clips]) for name in names}


def as_rows(weights: Tensor) -> np.ndarray:
    """Return a tensor of weights as a float64 array."""
    rows: np.ndarray = torch.as_tensor(weights).double().numpy()
    return rows
