"""Losses of the affinity: rows that cover the whole object in all frames, and rows that find what damage removed."""

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
"""Purpose of a block: to find the same object at stride 16, to refine that on the finer grid, or to mend a frame by
fetching what damage removed from it."""

OBJECT_QUERIES, GROUND_QUERIES, ANYWHERE_QUERIES = 96, 64, 96
"""Queries per clip and step: on objects, in equal parts; on the background; and anywhere, for a block that mends."""
LABELS = 5
"""Number of labels: the background and up to four objects."""
NEAR_CELLS = 1.2
"""Distance in cells up to which a background cell counts as the same point."""
SOFTNESS = 8.0
"""Sharpness of the softplus that replaces the ReLU in training and gives keys with a negative weight a gradient."""

TERMS: dict[Task, dict[str, float]] = {
    "find": {"on": 1.5, "even": 1.0},
    "refine": {"on": 2.0, "even": 1.0},
    "mend": {"mend": 1.0, "stay": 25.0},
}
"""Weight of each term of the loss.

    on     minus the logarithm of the weight on the target of the query, its own cell included
    even   KL divergence, in nats, of the weight within the target from the even one
    mend   KL divergence of the row from that of the clean clip (`clean_rows`), for queries in changed frames
    stay   the same for queries in unchanged frames, whose clean rows lie mostly on themselves

With equal weights, `on` and `even` sum to the cross-entropy to an even row over the object. With a larger weight of
`on`, rows leave out part of the object rather than include something else, so that no sharpening is needed.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeTargets:
    """Target rows of Q queries of one clip of N positions, for a block that finds or refines.

    ``even``: (Q, N), an equal share on every cell of the query's object in all frames, or of the same point of the
    photograph for a query on the background; its own cell is among them. ``known``: (N,), False for MIXED cells.
    """

    queries: Int[Tensor, " Q"]
    even: Float[Tensor, "Q N"]
    known: Bool[Tensor, " N"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MendTargets:
    """Target rows of Q queries of one clip, for a block that mends.

    ``clean``: (Q, N), their rows in the clean clip (`clean_rows`). ``changed``: (Q,), True in a changed frame.
    """

    queries: Int[Tensor, " Q"]
    clean: Float[Tensor, "Q N"]
    changed: Bool[Tensor, " Q"]


def draw_whole(
    labels: np.ndarray, window: np.ndarray, rng: np.random.Generator, *, ground_queries: int = GROUND_QUERIES
) -> WholeTargets:
    """Draw queries of one clip with their target rows; ``labels`` (T, h, w), ``window`` (T, 4)."""
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
    """Draw queries of one clip with their target rows; ``labels`` (T, h, w), ``hit`` (T,), ``clean``: clean features.

    Some queries lie on objects and on the background, others anywhere, including MIXED cells. ``temperature``: that of
    the clean rows.
    """
    flat, frame = labels.ravel(), np.arange(len(labels)).repeat(labels[0].size)
    known = np.concatenate([_object_queries(flat, rng), _drawn(flat == 0, GROUND_QUERIES // 2, rng)])
    anywhere = rng.choice(flat.size, ANYWHERE_QUERIES)
    queries = np.concatenate([known, anywhere])
    label = np.concatenate([flat[known], np.full(len(anywhere), MIXED)])  # of whatever they lie on
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
    """Return the rows of the parameter-free Gaussian on the clean clip, over the keys (Q, N) that are allowed.

    They are the target of rows in a damaged clip: they find the same thing by its clean features, in undamaged frames.
    A row without an allowed key is zero.
    """
    unit = ParameterFreeGaussian().embed(clean).theta[0]
    logits = unit[torch.from_numpy(queries)] @ unit.T / temperature
    return logits.masked_fill(~torch.from_numpy(allowed), -torch.inf).softmax(dim=1).nan_to_num(0.0)


def _same_point(queries: np.ndarray, window: np.ndarray, grid_hw: tuple[int, ...]) -> np.ndarray:
    """Return a mask (Q, N) of the cells over the same point of the photograph as each query."""
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
    """Return the logarithm of each key's weight up to a constant of the row; differentiable everywhere."""
    match pairwise:
        case "gaussian" | "embedded_gaussian":
            return theta @ phi.T
        case "dot_product":
            raw = theta @ phi.T
        case "concatenation":
            raw = theta + phi.T
    return softplus(raw, beta=SOFTNESS).clamp_min(1e-6).log()


def whole_terms(logs: Float[Tensor, "Q N"], targets: WholeTargets) -> dict[str, Tensor]:
    """Return the terms `on` and `even` in nats."""
    shares = logs.masked_fill(~targets.known, -torch.inf).log_softmax(dim=1)
    wanted = targets.even > 0
    on = shares.masked_fill(~wanted, -torch.inf).logsumexp(dim=1)
    spread = (targets.even * (_log(targets.even) - shares.masked_fill(~wanted, 0.0))).sum(dim=1)
    return {"on": -on.mean(), "even": (spread + on).mean()}


def mend_terms(logs: Float[Tensor, "Q N"], targets: MendTargets) -> dict[str, Tensor]:
    """Return the terms `mend` and `stay` in nats."""
    astray = (targets.clean * (_log(targets.clean) - logs.log_softmax(dim=1))).sum(1)
    told = targets.clean.any(dim=1)
    return {"mend": _mean(astray, told & targets.changed), "stay": _mean(astray, told & ~targets.changed)}


def weighed(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the weighted sum of the terms."""
    return torch.stack([weight * terms[name] for name, weight in weights.items()]).sum()


def _log(weight: Tensor) -> Tensor:
    return weight.clamp_min(torch.finfo(weight.dtype).tiny).log()


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """Return the mean over the counted rows, or 0 if there is none."""
    return torch.where(counted, values, 0.0).sum() / counted.sum().clamp_min(1)
