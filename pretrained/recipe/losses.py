"""Losses that teach the affinity: to look at the whole of an object in all frames, or at what damage took from one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import softplus

from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.vocabulary import Pairwise
from pretrained.recipe.features import MIXED

Task = Literal["find", "refine", "mend"]
"""What a block is for: to find the same object at stride 16, the same on the finer grid from what that found, or to
bring back what damage took from a frame."""

OBJECT_QUERIES, GROUND_QUERIES, ANYWHERE_QUERIES = 96, 64, 96
"""Of a clip in a step; each object has its equal part of the first. The last: of a block that mends."""
LABELS = 5
"""The background and up to four objects."""
NEAR_CELLS = 1.2
"""How far a background cell may lie from the true point and still count as it."""
SOFTNESS = 8.0
"""Of the ReLU while training, so that a key with a negative weight can still be found."""

TERMS: dict[Task, dict[str, float]] = {
    "find": {"on": 1.5, "even": 1.0},
    "refine": {"on": 2.0, "even": 1.0},
    "mend": {"mend": 1.0, "stay": 25.0},
}
"""How much each term counts.

    on     minus the logarithm of the weight that lies on what the query should look at, its own cell included
    even   by how much that weight is spread less evenly over it, in nats (Kullback-Leibler divergence)
    mend   queries in changed frames: how far the row is from the one that the clean clip has (`clean_rows`)
    stay   the same for queries in unchanged frames, whose clean row lies mostly on themselves

`on` and `even` weighed alike are the cross-entropy to an even row over the object. With `on` dearer, rows leave out a
little of the object sooner than they take in what is not: that is chosen here, and not by sharpening afterwards.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeTargets:
    """For Q queries of one clip of N positions: where each should look.

    ``even`` (Q, N): the same share on every cell of the query's object in all frames; for the background, on the same
    point of the photograph in all frames. Its own cell is among them. ``known`` (N,): cells that are one thing, not
    half one and half another.
    """

    queries: Int[Tensor, " Q"]
    even: Float[Tensor, "Q N"]
    known: Bool[Tensor, " N"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MendTargets:
    """For Q queries of one clip: the row that each has in the clip as composed.

    ``clean`` (Q, N): `clean_rows`. ``changed`` (Q,): whether the query's frame is not as composed.
    """

    queries: Int[Tensor, " Q"]
    clean: Float[Tensor, "Q N"]
    changed: Bool[Tensor, " Q"]


def draw_whole(
    labels: np.ndarray, window: np.ndarray, rng: np.random.Generator, *, ground_queries: int = GROUND_QUERIES
) -> WholeTargets:
    """Draw the queries of one clip: its (T, h, w) labels and (T, 4) windows."""
    flat = labels.ravel()
    drawn = _object_queries(flat, rng)
    ground = _drawn(flat == 0, ground_queries if len(drawn) else GROUND_QUERIES, rng)
    queries = np.concatenate([drawn, ground])
    even = np.zeros((len(queries), flat.size), np.float32)
    even[: len(drawn)] = flat[drawn][:, None] == flat
    even[len(drawn) :] = _same_point(ground, window, labels.shape[1:]) & (flat == 0)
    even[np.arange(len(queries)), queries] = 1
    return WholeTargets(
        queries=torch.from_numpy(queries),
        even=torch.from_numpy(even / even.sum(axis=1, keepdims=True)),
        known=torch.from_numpy(flat != MIXED),
    )


def draw_mending(
    labels: np.ndarray,
    hit: np.ndarray,
    *,
    clean: Float[Tensor, "1 C T h w"],
    temperature: float,
    rng: np.random.Generator,
) -> MendTargets:
    """Draw the queries of one clip: (T, h, w) labels, (T,) changed frames, its features as composed.

    From objects and background, and from anywhere, between two things as well. ``temperature``: of the clean rows.
    """
    flat, frame = labels.ravel(), np.arange(len(labels)).repeat(labels[0].size)
    known = np.concatenate([_object_queries(flat, rng), _drawn(flat == 0, GROUND_QUERIES // 2, rng)])
    anywhere = rng.choice(flat.size, ANYWHERE_QUERIES)
    queries = np.concatenate([known, anywhere])
    label = np.concatenate([flat[known], np.full(len(anywhere), MIXED)])  # wherever they lie: not told
    allowed = ((label[:, None] == flat) | (label == MIXED)[:, None]) & ~hit[frame]
    return MendTargets(
        queries=torch.from_numpy(queries),
        clean=clean_rows(clean, queries, allowed, temperature),
        changed=torch.from_numpy(hit[frame[queries]]),
    )


def _object_queries(flat: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    ids = [label for label in range(1, LABELS) if (flat == label).any()]
    drawn = [_drawn(flat == label, OBJECT_QUERIES // len(ids), rng) for label in ids]
    return np.concatenate(drawn) if drawn else np.empty(0, np.int64)


def _drawn(among: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    places = np.flatnonzero(among)
    return rng.choice(places, count) if len(places) else places


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


def log_weights(pairwise: Pairwise, theta: Float[Tensor, "Q Ci"], phi: Float[Tensor, "N Ci"]) -> Float[Tensor, "Q N"]:
    """Return the logarithm of each key's weight, but for a constant of the row; differentiable everywhere."""
    match pairwise:
        case "gaussian" | "embedded_gaussian":
            return theta @ phi.T
        case "dot_product":
            raw = theta @ phi.T
        case "concatenation":
            raw = theta + phi.T
    return softplus(raw, beta=SOFTNESS).clamp_min(1e-6).log()


def whole_terms(logs: Float[Tensor, "Q N"], targets: WholeTargets) -> dict[str, Tensor]:
    """Return `on` and `even` in nats, differentiable."""
    shares = logs.masked_fill(~targets.known, -torch.inf).log_softmax(dim=1)
    wanted = targets.even > 0
    on = shares.masked_fill(~wanted, -torch.inf).logsumexp(dim=1)
    spread = (targets.even * (_log(targets.even) - shares.masked_fill(~wanted, 0.0))).sum(dim=1)
    return {"on": -on.mean(), "even": (spread + on).mean()}


def mend_terms(logs: Float[Tensor, "Q N"], targets: MendTargets) -> dict[str, Tensor]:
    """Return `mend` and `stay` in nats, differentiable."""
    astray = (targets.clean * (_log(targets.clean) - logs.log_softmax(dim=1))).sum(1)
    told = targets.clean.any(dim=1)
    return {"mend": _mean(astray, told & targets.changed), "stay": _mean(astray, told & ~targets.changed)}


def weighed(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the sum of the terms, each times its weight."""
    return torch.stack([weight * terms[name] for name, weight in weights.items()]).sum()


def _log(weight: Tensor) -> Tensor:
    return weight.clamp_min(torch.finfo(weight.dtype).tiny).log()


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """Return the mean over the rows that count, 0 where none does."""
    return torch.where(counted, values, 0.0).sum() / counted.sum().clamp_min(1)
