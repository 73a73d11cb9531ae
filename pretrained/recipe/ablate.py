"""Ablations: every variant is trained on the answer alone, from one start and on the same clips, and judged on others.

Some frames of each 224 x 224 clip are damaged (`damage`). A variant must restore the frozen network's answer for
those frames to that for the clean ones, and keep its answer for the others. No variant is told where to look.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from nonlocal_core.models.lite0 import Lite0
from pretrained.recipe.damage import JUDGED, Version
from pretrained.recipe.features import Clips, answer_of, read_shards
from pretrained.recipe.measures import answer_measures, table
from pretrained.recipe.runs import Workshop, trunk
from pretrained.recipe.sources import Split
from pretrained.recipe.train import drawn_version, one_cycle
from pretrained.recipe.variants import VARIANTS, Stride, Variant, parameter_count

SHARES: dict[Version, float] = {"clean": 0.25, "damaged": 0.15, "blur_cue": 0.3, "grey_cue": 0.3}
"""Share of the training clips in each version."""
STEPS, STEP_CLIPS, STEP_FRAMES = 80, 4, 2
"""Steps, clips per step, and frames per clip whose answers enter the loss; the block sees the whole clip."""
RATE, BIAS_RATE, GAIN_RATE, OUTPUT_RATE = 2e-3, 1e-2, 5e-3, 4e-3
"""Learning rates: of theta and phi, of their biases, of gain and length, and of all other parameters."""
KEEP_WEIGHT = 10.0
TEST_CLIPS, TEST_FRAMES = 40, 3


def ablate(workshop: Workshop, seeds: list[int], names: list[str] | None = None) -> None:
    """Run every variant with every seed and write one JSON file for each; skip those that exist.

    A run takes from half a minute to a few minutes. ``names``: ids of variants, None for all.
    """
    folder = workshop.folder / "ablations"
    folder.mkdir(parents=True, exist_ok=True)
    network = trunk()
    chosen = [variant for variant in VARIANTS.values() if names is None or variant.id in names]
    wanted = [(variant, seed, folder / f"{variant.id}-{seed}.json") for variant in chosen for seed in seeds]
    missing = [run for run in wanted if not run[2].exists()]
    for stride in sorted({variant.stride for variant, _, _ in missing}):
        train, test = (_clips_at(workshop, split, stride) for split in ("train", "test"))
        without = judge(nn.Identity(), stride, network, test)
        for variant, seed, path in missing:
            if variant.stride == stride:
                found = run_variant(variant, seed, network, train, test, steps=STEPS) | {"without": without}
                path.write_text(json.dumps(found) + "\n", encoding="utf-8")
                workshop.tell(f"{variant.id}, seed {seed}: {found['seconds']} s")


def run_variant(
    variant: Variant, seed: int, network: Lite0, train: Clips, test: Clips, *, steps: int
) -> dict[str, Any]:
    """Train one variant with one seed and return its parameter count, its training time and the result of ``judge``."""
    module, started = variant.build(seed), time.monotonic()
    _fit(module, variant.stride, seed, network, train, steps)
    seconds = round(time.monotonic() - started, 1)
    module.eval().requires_grad_(requires_grad=False)
    found = judge(module, variant.stride, network, test)
    return {"parameters": parameter_count(module), "seconds": seconds, "with": found}


def _clips_at(workshop: Workshop, split: Split, stride: Stride) -> Clips:
    """Return clips with the features that enter a block at this stride; `_answer` computes stride 32 from stride 16."""
    clips = read_shards(workshop.clips, split)
    return replace(clips, features=clips.fine) if stride == 8 else clips


def _fit(module: nn.Module, stride: Stride, seed: int, network: Lite0, clips: Clips, steps: int) -> None:
    rng = np.random.default_rng([seed, 30])
    optimiser, schedule = one_cycle(_groups(module), steps)
    for _step in range(steps):
        losses = []
        for index in rng.choice(len(clips.labels), STEP_CLIPS, replace=False):
            version = drawn_version(SHARES, rng)
            frames = torch.from_numpy(rng.choice(clips.labels.shape[1], STEP_FRAMES, replace=False))
            given = _answer(module, stride, network, clips, version, int(index), frames)
            wanted = clips.clean_answers(index, frames).log_softmax(-1)
            off = kl_div(given.log_softmax(-1), wanted, log_target=True, reduction="none").sum(-1)
            changed = torch.from_numpy(clips.hit[version][index])[frames]
            losses.append((off * torch.where(changed, 1.0, KEEP_WEIGHT)).mean())
        optimiser.zero_grad()
        torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _groups(module: nn.Module) -> list[tuple[list[nn.Parameter], float]]:
    """Group the parameters by learning rate; the convolution has that of g and W_z."""
    groups: dict[float, list[nn.Parameter]] = {}
    for part in module if isinstance(module, nn.Sequential) else [module]:
        for name, parameter in part.named_parameters():
            groups.setdefault(_rate(name), []).append(parameter)
    return [(parameters, rate) for rate, parameters in groups.items()]


def _rate(name: str) -> float:
    if name in ("gain", "length"):
        return GAIN_RATE
    if name.startswith(("theta", "phi", "w_theta", "w_phi")):
        return BIAS_RATE if name.endswith("bias") else RATE
    return OUTPUT_RATE


def _answer(
    module: Callable[[Tensor], Tensor],
    stride: Stride,
    network: Lite0,
    clips: Clips,
    version: Version,
    index: int,
    frames: Tensor,
) -> Tensor:
    """Return the logits of some frames after the variant has run on the whole clip."""
    x = clips.clip(version, index)
    if stride == 32:
        with torch.no_grad():
            x = network.to_stride32(x[0].transpose(0, 1)).transpose(0, 1)[None]
    return answer_of(network, module(x)[0].transpose(0, 1)[frames], stride)


def judge(module: nn.Module, stride: Stride, network: Lite0, clips: Clips) -> dict[str, list[float]]:
    """Return for each version the KL divergence to the clean answer on the changed frames, one value per clip.

    Of the version `clean`, all frames count. A clip without a changed frame has nan.
    """
    found: dict[str, list[float]] = {}
    for version in JUDGED:
        per_clip: list[dict[str, float]] = []
        for index in range(min(TEST_CLIPS, len(clips.labels))):
            frames = clips.asked_frames(version, index, TEST_FRAMES)
            if not len(frames):
                per_clip.append({})
                continue
            with torch.inference_mode():
                given = _answer(module, stride, network, clips, version, index, frames)
            per_clip.append(answer_measures(given, clips.clean_answers(index, frames)))
        found[version] = table(per_clip, ("kl",))["kl"].tolist()
    return found


def read_runs(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the results of each variant by id, in the order of their seeds."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        runs.setdefault(path.stem.rsplit("-", 1)[0], []).append(json.loads(path.read_text(encoding="utf-8")))
    return runs
