"""Losses that teach the affinity to put a row's weight on the same thing in other frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import softplus

from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.vocabulary import SOFTMAX, Pairwise
from pretrained.recipe.features import MIXED

Task = Literal["find", "mend"]
"""What a block is for: to find the same object, or to bring back what damage took from a frame."""

OBJECT_QUERIES, GROUND_QUERIES = 96, 32
"""Of a clip in a step; each object has its equal part of the first."""
ANYWHERE_QUERIES: dict[Task, int] = {"find": 0, "mend": 96}
"""Drawn from all positions, between two things as well, for the terms of clean rows."""
LABELS = 5
"""The background and up to four objects."""
SMALLEST = 1e-12
"""Added to a sum of weights, of which the largest is 1, before its logarithm is taken."""
NEAR_CELLS = 1.2
"""How far a background cell may lie from the true point and still count as it."""
SOFTNESS = 8.0
"""Of the ReLU while training, so that a key with a negative weight can still be found."""

SHAPING: dict[Task, dict[str, float]] = {
    "find": {"label": 0.8, "instance": 7.0, "whole": 1.0, "ground": 0.6, "mend": 1.0, "stay": 2.0},
    "mend": {"mend": 1.0, "stay": 25.0},
}
"""How much each term counts for theta, phi, gain and length.

    label      keys of other frames: weight on the same object against all
    instance   keys of other frames: weight on the same object against all objects
    whole      the same with the typical key of the object (mean logarithm) instead of their sum: all of it, not a part
    ground     keys of other frames: weight on the same point of the photograph against all
    mend       queries in changed frames: how far the row is from the one that the clean clip has (`clean_rows`)
    stay       the same for queries in unchanged frames, whose clean row lies mostly on themselves
"""
SEEKING: dict[Task, dict[str, float]] = {
    "find": {"instance": 2.0, "mend": 0.5, "stay": 1.0},
    "mend": {"mend": 1.0, "stay": 25.0},
}
"""How much each term counts for the biases of theta and phi, which make a key sought or shunned by every query. Given
to all terms of a block that finds, they learn what looks like an object, and rows stop telling one from another."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """For Q queries of one clip of N positions: who they are, and what the keys are.

    ``groups`` (N, L, T) one-hot: label (0 the background, k object k) and frame of each key; zero for a key that is
    half one thing and half another. ``label`` and ``frame`` (Q,) of the queries. ``points`` (Q, N): keys over the
    same point of the photograph in other frames, rows of zeros for objects. ``clean`` (Q, N): `clean_rows`.
    ``changed`` (T,): frames that are not as composed.
    """

    queries: Int[Tensor, " Q"]
    label: Int[Tensor, " Q"]
    frame: Int[Tensor, " Q"]
    groups: Float[Tensor, "N L T"]
    points: Float[Tensor, "Q N"]
    clean: Float[Tensor, "Q N"]
    changed: Bool[Tensor, " T"]


def draw_targets(
    labels: np.ndarray,
    window: np.ndarray,
    hit: np.ndarray,
    *,
    clean: Float[Tensor, "1 C T h w"],
    temperature: float,
    task: Task,
    rng: np.random.Generator,
) -> Targets:
    """Draw the queries of one clip: (T, h, w) labels, (T, 4) windows, (T,) changed frames, its features as composed.

    ``temperature``: of the rows that the clean clip has.
    """
    flat = labels.ravel()
    ids = [label for label in range(1, LABELS) if (flat == label).any()]
    drawn = [rng.choice(np.flatnonzero(flat == label), OBJECT_QUERIES // len(ids)) for label in ids]
    ground = rng.choice(np.flatnonzero(flat == 0), GROUND_QUERIES)
    known_things = np.concatenate([*drawn, ground])
    anywhere = rng.choice(flat.size, ANYWHERE_QUERIES[task])
    queries = np.concatenate([known_things, anywhere])
    label = np.concatenate([flat[known_things], np.full(len(anywhere), MIXED)])  # wherever they lie: not told
    frame = np.arange(len(labels)).repeat(labels[0].size)
    groups = np.zeros((flat.size, LABELS, len(labels)), np.float32)
    known = np.flatnonzero(flat != MIXED)
    groups[known, flat[known], frame[known]] = 1
    near = _same_point(ground, window, labels.shape[1:]) & (flat == 0) & (frame[ground][:, None] != frame)
    points = np.zeros((len(queries), flat.size), np.float32)
    points[label == 0] = near
    allowed = ((label[:, None] == flat) | (label == MIXED)[:, None]) & ~hit[frame]
    return Targets(
        queries=torch.from_numpy(queries),
        label=torch.from_numpy(np.where(label == MIXED, 0, label).astype(np.int64)),
        frame=torch.from_numpy(frame[queries]),
        groups=torch.from_numpy(groups),
        points=torch.from_numpy(points),
        clean=clean_rows(clean, queries, allowed, temperature),
        changed=torch.from_numpy(hit),
    )


def clean_rows(
    clean: Float[Tensor, "1 C T h w"], queries: np.ndarray, allowed: np.ndarray, temperature: float
) -> Float[Tensor, "Q N"]:
    """Return the parameter-free Gaussian's rows on the clip as composed, over the keys (Q, N) that are allowed.

    What a row in a damaged clip should be: where the same thing is, seen as if nothing had been done to it, in the
    frames to which nothing was done. A row without such a key is zero.
    """
    unit = ParameterFreeGaussian().embed(clean).theta[0]
    logits = unit[torch.from_numpy(queries)] @ unit.T / temperature
    return logits.masked_fill(~torch.from_numpy(allowed), -torch.inf).softmax(dim=1).nan_to_num(0.0)


def _same_point(queries: np.ndarray, window: np.ndarray, grid_hw: tuple[int, ...]) -> np.ndarray:
    """Return (Q, N), which cells lie over the point of the photograph that each query lies over."""
    rows, cols = grid_hw
    corner, length = window[:, :2], window[:, 2:] - window[:, :2]
    y, x = np.mgrid[:rows, :cols] + 0.5
    centre = np.stack([x.ravel() / cols, y.ravel() / rows], axis=-1)
    points = (corner[:, None] + length[:, None] * centre).reshape(-1, 2)
    cell = (length / np.array([cols, rows])).repeat(rows * cols, axis=0)
    away = (points[queries][:, None] - points) / cell
    near: np.ndarray = (away**2).sum(-1) <= NEAR_CELLS**2
    return near


def log_weights(
    block: NormalisedBlock, theta: Float[Tensor, "Q Ci"], phi: Float[Tensor, "N Ci"]
) -> Float[Tensor, "Q N"]:
    """Return the logarithm of each key's weight, but for a constant of the row; differentiable everywhere."""
    match block.pairwise:
        case "gaussian" | "embedded_gaussian":
            return theta @ phi.T
        case "dot_product":
            raw = theta @ phi.T
        case "concatenation":
            raw = theta + phi.T
    return softplus(raw, beta=SOFTNESS).clamp_min(1e-6).log()


def affinity_terms(logs: Float[Tensor, "Q N"], targets: Targets) -> dict[str, Tensor]:
    """Return every term in nats, differentiable."""
    weights = (logs - logs.detach().amax(dim=1, keepdim=True)).exp()
    # (Q, L, T): the weight on every label in every frame, from which most terms follow.
    sums = (weights @ targets.groups.flatten(1)).view(len(logs), *targets.groups.shape[1:])
    frames = torch.arange(sums.shape[2])
    other = (frames != targets.frame[:, None]).float()
    same = sums[torch.arange(len(sums)), targets.label]
    right = _log((same * other).sum(1))
    beside = _log((sums.sum(1) * other).sum(1))
    rivals = _log((sums[:, 1:].sum(1) * other).sum(1))
    logs_same = (logs @ targets.groups.flatten(1)).view_as(sums)[torch.arange(len(sums)), targets.label]
    on_point = weights * targets.points

    is_object = targets.label > 0
    shown = targets.groups.sum(0)[targets.label]  # (Q, T): cells of the query's label in every frame
    count = (shown * other).sum(1)
    found = is_object & (count > 0)
    typical = (logs_same * other).sum(1) / count.clamp_min(1) - logs.detach().amax(dim=1)
    astray = (targets.clean * (_log(targets.clean) - logs.log_softmax(dim=1))).sum(1)
    told, changed = targets.clean.any(dim=1), targets.changed[targets.frame]
    return {
        "label": _mean(beside - right, found),
        "instance": _mean(rivals - right, found),
        "whole": _mean(rivals - typical, found),
        "ground": _mean(beside - _log(on_point.sum(1)), targets.points.any(dim=1)),
        "mend": _mean(astray, told & changed),
        "stay": _mean(astray, told & ~changed),
    }


def weights_of(terms: Mapping[Task, dict[str, float]], task: Task, pairwise: Pairwise) -> dict[str, float]:
    """Return how much each term counts for a function. Rows without a softmax cannot be as sharp as a clean row."""
    return {name: weight for name, weight in terms[task].items() if pairwise in SOFTMAX or name not in ("mend", "stay")}


def weighed(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the sum of the terms that count, each times its weight."""
    return torch.stack([weight * terms[name] for name, weight in weights.items()]).sum()


def _log(weight: Tensor) -> Tensor:
    return (weight + SMALLEST).log()


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """Return the mean over the rows that count, 0 where none does."""
    return torch.where(counted, values, 0.0).sum() / counted.sum().clamp_min(1)
