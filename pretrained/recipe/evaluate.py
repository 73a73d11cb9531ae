"""Evaluation of one block, and of what it has to beat, on clips that nothing was learned from or chosen by."""

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
    propagation,
    row_measures,
    table,
)
from pretrained.recipe.real import RealClip, blob, colour_features, real_measures
from pretrained.recipe.shown import First, Shown, seen_by
from pretrained.recipe.train import answered

ANSWER_CLIPS = 20
ANSWER_FRAMES = 3
"""Of a clip, through the rest of the network."""
PROPAGATION = "propagation_j"
"""Measured on clean clips, beside the measures of single rows."""
CONTROLS = ("none", "learned", "identity", "uniform", "wrong")

ROW_VERSIONS: tuple[Version, ...] = ("clean", "damaged")
"""What rows are judged on; answers on all versions."""

Block = NormalisedBlock | NormalisedProbe | ParameterFreeGaussian
PerClip = dict[str, dict[str, np.ndarray]]
"""Version -> measure -> one value per clip."""


def rows_of(block: Block, x: Tensor, queries: np.ndarray) -> np.ndarray:
    """Return the weights (Q, N) of some positions of a clip (1, C, T, h, w)."""
    with torch.inference_mode():
        pieces = block.embed(x)
        theta = pieces.theta[:, torch.from_numpy(queries)]
        weights = affinity(theta, pieces.phi, pairwise=block.pairwise, scale=block.scale_value)[0]
    return as_rows(weights)


def evaluate_rows(block: Block, shown: Shown) -> PerClip:
    """Return the measures of rows: queries of all frames of clean clips, of the changed frames of the others."""
    found: PerClip = {}
    for version in ROW_VERSIONS:
        per_clip: list[Mapping[str, float]] = []
        for index, labels in enumerate(shown.labels):
            hit = shown.clips.hit[version][index]
            asked = hit if version != "clean" else np.ones_like(hit)
            x = shown.clip(version, index)
            truth = Truth(labels=labels, sure=shown.sure[index], asked=asked)
            per_clip.append(row_measures(partial(rows_of, block, x), truth, seed=index))
        found[version] = table(per_clip, MEASURES)
    if shown.first is None:  # on the finer grid a clip's whole matrix has 16 times as many weights
        found["clean"][PROPAGATION] = np.array([
            propagation(partial(rows_of, block, shown.clip("clean", index)), labels)
            for index, labels in enumerate(shown.labels)
        ])  # fmt: skip
    return found


def evaluate_answers(
    blocks: Sequence[NormalisedBlock], trunk: Lite0, clips: Clips, controls: tuple[str, ...] = CONTROLS
) -> PerClip:
    """Return ``kl`` and ``top1_kept`` to the clean answer as ``measure.control`` for every control of the rows.

    ``blocks``: one behind the other; a control exchanges the rows of all.
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
    """A block that is asked on real clips. ``first``, ``stride``: what it is shown, see ``Shown``, and its cells."""

    block: Block
    first: First | None
    stride: int


def evaluate_real(
    judged: Mapping[str, Judged], network: Sequence[NormalisedBlock], trunk: Lite0, clips: list[RealClip]
) -> dict[str, Any]:
    """Return clip -> name -> measures, for blocks, for two controls at stride 8 and for the network.

    ``colour`` is the parameter-free Gaussian of mean colours, ``blob`` looks at nothing. ``network``: its blocks, one
    behind the other; ``top1_kept`` is the share of the frames whose best class stays what it is without them.
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
    """Return version -> measure -> ``mean`` and, against the baseline on the same clips, ``gain``, with intervals."""
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
