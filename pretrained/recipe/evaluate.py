"""Evaluation of blocks and their baselines on clips that were used neither for training nor for choosing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.models.normalised import NormalisedBlock, NormalisedProbe
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.ops import affinity
from pretrained.recipe.damage import JUDGED, Version
from pretrained.recipe.features import FINE, Clips
from pretrained.recipe.measures import (
    MEASURES,
    Truth,
    answer_measures,
    as_rows,
    interval,
    label_similarity,
    row_measures,
    table,
)
from pretrained.recipe.real import RealClip, blob, colour_features, real_measures
from pretrained.recipe.shown import First, Shown, seen_by
from pretrained.recipe.train import answered

ANSWER_CLIPS = 20
ANSWER_FRAMES = 3
"""Frames per clip that run through the rest of the network."""
PROPAGATION = "propagation_j"
"""Name of the measure over all rows of a clip; on clean clips only."""
CONTROLS = ("none", "learned", "identity", "uniform", "wrong")

ROW_VERSIONS: tuple[Version, ...] = ("clean", "damaged")
"""Versions on which rows are judged. Answers are judged on all."""

Block = NormalisedBlock | NormalisedProbe | ParameterFreeGaussian
PerClip = dict[str, dict[str, np.ndarray]]
"""Values per clip, by version and measure."""


def rows_of(block: Block, x: Tensor, queries: np.ndarray) -> np.ndarray:
    """Return the rows (Q, N) of some query positions of a clip (1, C, T, h, w)."""
    with torch.inference_mode():
        pieces = block.embed(x)
        theta = pieces.theta[:, torch.from_numpy(queries)]
        weights = affinity(theta, pieces.phi, pairwise=block.pairwise, scale=block.scale_value)[0]
    return as_rows(weights)


def pooled_rows_of(block: Block, x: Tensor, queries: np.ndarray) -> np.ndarray:
    """Return the rows (Q, N / 4) of a block on the finer grid, pooled to cells twice as wide.

    ``queries``: positions on the wider cells. A row is the mean over its four cells, and the weights of every four keys
    are summed.
    """
    frames, height, width = x.shape[2:]
    wide = frames, height // 2, width // 2
    t, y, across = np.unravel_index(queries, wide)
    corners = [(t, 2 * y + down, 2 * across + right) for down in (0, 1) for right in (0, 1)]
    rows = rows_of(block, x, np.concatenate([np.ravel_multi_index(one, (frames, height, width)) for one in corners]))
    cells = rows.reshape(4, len(queries), frames, wide[1], 2, wide[2], 2)
    pooled: np.ndarray = cells.sum(axis=(4, 6)).mean(axis=0).reshape(len(queries), -1)
    return pooled


def evaluate_rows(block: Block, shown: Shown, *, pooled: bool = False) -> PerClip:
    """Return the measures of rows, with queries in all frames of clean clips and in the changed frames of others.

    ``pooled``: whether to judge a block on the finer grid by the coarser one's cells (see ``pooled_rows_of``).
    """
    found: PerClip = {}
    labels_of, sure_of = (shown.clips.labels, shown.clips.sure) if pooled else (shown.labels, shown.sure)
    reader = pooled_rows_of if pooled else rows_of
    for version in ROW_VERSIONS:
        per_clip: list[Mapping[str, float]] = []
        for index, labels in enumerate(labels_of):
            hit = shown.clips.hit[version][index]
            asked = hit if version != "clean" else np.ones_like(hit)
            x = shown.clip(version, index)
            truth = Truth(labels=labels, sure=sure_of[index], asked=asked)
            per_clip.append(row_measures(partial(reader, block, x), truth, seed=index))
        found[version] = table(per_clip, MEASURES)
    if shown.first is None:  # on the finer grid a clip's whole matrix has 16 times as many weights
        found["clean"][PROPAGATION] = np.array([
            label_similarity(partial(rows_of, block, shown.clip("clean", index)), labels)
            for index, labels in enumerate(shown.labels)
        ])  # fmt: skip
    return found


def evaluate_answers(
    blocks: Sequence[NormalisedBlock], trunk: Lite0, clips: Clips, controls: tuple[str, ...] = CONTROLS
) -> PerClip:
    """Return ``kl`` and ``top1_kept`` against the clean answer for every control, under names like ``kl.uniform``.

    ``blocks``: in the order in which they run. A control replaces the rows of all of them.
    """
    found: PerClip = {}
    for version in JUDGED:
        per_clip: list[dict[str, float]] = []
        for index in range(min(ANSWER_CLIPS, len(clips.labels))):
            frames = clips.asked_frames(version, index, ANSWER_FRAMES)
            if not len(frames):
                continue
            x = clips.clip(version, index)
            clean = clips.clean_answers(index, frames)
            values: dict[str, float] = {}
            for control in controls:
                measured = answer_measures(_answer(blocks, trunk, x, frames, control, index), clean)
                values |= {f"{name}.{control}": value for name, value in measured.items()}
            per_clip.append(values)
        found[version] = table(per_clip, tuple(per_clip[0]))
    return found


def _answer(
    blocks: Sequence[NormalisedBlock], trunk: Lite0, x: Tensor, frames: Tensor, control: str, seed: int
) -> Tensor:
    with torch.inference_mode():
        for block in blocks if control != "none" else ():
            x = answered(block, x, control, seed)
        return trunk.to_logits(x[0].transpose(0, 1)[frames])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """Block to judge on real clips. ``first``: the block before it, see ``Shown``. ``stride``: pixels per cell."""

    block: Block
    first: First | None
    stride: int


def evaluate_real(
    judged: Mapping[str, Judged], network: Sequence[NormalisedBlock], trunk: Lite0, clips: list[RealClip]
) -> dict[str, Any]:
    """Return the measures of blocks, of two controls at stride 8 and of the network, by clip and name.

    ``colour`` is the parameter-free Gaussian of mean colours. ``blob`` ignores the content. ``network``: its blocks in
    the order in which they run; ``top1_kept`` is the share of frames whose best class they do not change.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for clip in clips:
        with torch.inference_mode():
            fine = trunk.to_stride8(clip.pixels[0].transpose(0, 1))
            coarse = trunk.to_stride16(fine).transpose(0, 1)[None]
        fine = fine.transpose(0, 1)[None]
        colours = Judged(block=ParameterFreeGaussian(), first=None, stride=FINE)
        entry = {"colour": _judged(colours, colour_features(clip, FINE), clip)}
        cover, query = clip.cover(*fine.shape[3:]), clip.query(*fine.shape[3:])
        entry["blob"] = real_measures(blob(cover, query), cover, query)
        for name, one in judged.items():
            entry[name] = _judged(one, seen_by(one.first, fine, coarse), clip)
        every = torch.arange(coarse.shape[2])
        before, after = (_answer(network, trunk, coarse, every, control, 0) for control in ("none", "learned"))
        entry["network"] = {"top1_kept": answer_measures(after, before)["top1_kept"]}
        found[clip.id] = entry
    return found


def _judged(one: Judged, x: Tensor, clip: RealClip) -> dict[str, float]:
    size = clip.pixels.shape[3] // one.stride, clip.pixels.shape[4] // one.stride
    query = clip.query(*size)
    return real_measures(rows_of(one.block, x, np.array([query]))[0], clip.cover(*size), query)


def summary(found: PerClip, baseline: PerClip | None = None) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Return ``mean`` and ``gain`` over a baseline on the same clips, with intervals, by version and measure."""
    out: dict[str, dict[str, dict[str, list[float]]]] = {}
    for version, measured in found.items():
        out[version] = {}
        for name, values in measured.items():
            out[version][name] = {"mean": _rounded(interval(values))}
            if baseline is not None:
                out[version][name]["gain"] = _rounded(interval(values - baseline[version][name]))
    return out


def _rounded(values: tuple[float, float, float]) -> list[float]:
    return [round(value, 4) for value in values]
