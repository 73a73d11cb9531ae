"""Evaluation of one block, and of what it has to beat, on clips that nothing was learned from or chosen by."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.ops import affinity
from pretrained.recipe.damage import JUDGED
from pretrained.recipe.features import Clips
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
from pretrained.recipe.real import RealClip, blob, box_measures, colour_features
from pretrained.recipe.train import answered

ANSWER_CLIPS = 20
ANSWER_FRAMES = 3
"""Of a clip, through the rest of the network."""
PROPAGATION = "propagation_j"
"""Measured on clean clips, beside the measures of single rows."""
CONTROLS = ("none", "learned", "identity", "uniform", "wrong")

Block = NormalisedBlock | ParameterFreeGaussian
PerClip = dict[str, dict[str, np.ndarray]]
"""Version -> measure -> one value per clip."""


def rows_of(block: Block, x: Tensor, queries: np.ndarray) -> np.ndarray:
    """Return the weights (Q, N) of some positions of a clip (1, C, T, h, w)."""
    with torch.inference_mode():
        pieces = block.embed(x)
        theta = pieces.theta[:, torch.from_numpy(queries)]
        weights = affinity(theta, pieces.phi, pairwise=block.pairwise, scale=block.scale_value)[0]
    return as_rows(weights)


def evaluate_rows(block: Block, clips: Clips) -> PerClip:
    """Return the measures of rows: queries of all frames of clean clips, of the changed frames of the others."""
    found: PerClip = {}
    for version in JUDGED:
        per_clip: list[Mapping[str, float]] = []
        for index, labels in enumerate(clips.labels):
            hit = clips.hit[version][index]
            asked = hit if version != "clean" else np.ones_like(hit)
            x = clips.clip(version, index)
            truth = Truth(labels=labels, sure=clips.sure[index], asked=asked)
            per_clip.append(row_measures(partial(rows_of, block, x), truth, seed=index))
        found[version] = table(per_clip, MEASURES)
    found["clean"][PROPAGATION] = np.array([
        propagation(rows_of(block, clips.clip("clean", index), np.arange(labels.size)), labels)
        for index, labels in enumerate(clips.labels)
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


def evaluate_real(
    blocks: Mapping[str, Block], network: Sequence[NormalisedBlock], trunk: Lite0, clips: list[RealClip]
) -> dict[str, Any]:
    """Return clip -> name -> measures, for blocks on features at stride 16, for two controls and for the network.

    ``colour`` is the parameter-free Gaussian of mean colours, ``blob`` looks at nothing. ``network``: its blocks, one
    behind the other; ``top1_kept`` is the share of the frames whose best class stays what it is without them.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for clip in clips:
        query = np.array([clip.query])
        with torch.inference_mode():
            frames = clip.pixels[0].transpose(0, 1)
            x = trunk.to_stride16(trunk.to_stride8(frames)).transpose(0, 1)[None]
        colour = rows_of(ParameterFreeGaussian(), colour_features(clip), query)[0]
        controls = {"blob": blob(clip), "colour": colour}
        entry = {name: box_measures(row, clip.inside, clip.own) for name, row in controls.items()}
        for name, block in blocks.items():
            entry[name] = box_measures(rows_of(block, x, query)[0], clip.inside, clip.own)
        every = torch.arange(x.shape[2])
        before, after = (_answer(network, trunk, x, every, control, 0) for control in ("none", "learned"))
        entry["network"] = {"top1_kept": answer_measures(after, before)["top1_kept"]}
        found[clip.id] = entry
    return found


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
