"""Train every variant on the answer alone, from the same start and on the same clips, and judge it on others.

The task: 224 x 224 clips of which frames were changed (`damage`); bring the frozen network's answer for those frames
back to that for the clean ones, and leave the others alone. No variant is told where to look.
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
"""How often a variant sees each version of a clip."""
STEPS, STEP_CLIPS, STEP_FRAMES = 80, 4, 2
"""A step sees whole clips and asks for the answers of some of their frames."""
RATE, BIAS_RATE, GAIN_RATE, OUTPUT_RATE = 2e-3, 1e-2, 5e-3, 4e-3
"""Of theta and phi, their biases, gain and length, and everything else."""
KEEP_WEIGHT = 10.0
TEST_CLIPS, TEST_FRAMES = 40, 3


def ablate(workshop: Workshop, seeds: list[int], names: list[str] | None = None) -> None:
    """Run what is not there yet, one JSON file for each variant and seed; a run takes half a minute to a few."""
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
    """Train one variant with one seed and return its size, its time, and what ``judge`` says of it."""
    module, started = variant.build(seed), time.monotonic()
    _fit(module, variant.stride, seed, network, train, steps)
    seconds = round(time.monotonic() - started, 1)
    module.eval().requires_grad_(requires_grad=False)
    found = judge(module, variant.stride, network, test)
    return {"parameters": parameter_count(module), "seconds": seconds, "with": found}


def _clips_at(workshop: Workshop, split: Split, stride: Stride) -> Clips:
    """Return the clips with features before the place of a block; those at stride 32 follow from those at 16."""
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
    """Sort the parameters by how fast they learn; the convolution learns as fast as g and W_z."""
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
    """Return the logits of some frames, the whole clip having gone through the variant."""
    x = clips.clip(version, index)
    if stride == 32:
        with torch.no_grad():
            x = network.to_stride32(x[0].transpose(0, 1)).transpose(0, 1)[None]
    return answer_of(network, module(x)[0].transpose(0, 1)[frames], stride)


def judge(module: nn.Module, stride: Stride, network: Lite0, clips: Clips) -> dict[str, list[float]]:
    """Return version -> the KL to the clean answer on changed frames of every clip (`clean`: on any), nan for none."""
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
    """Return the runs of every variant, one for each seed that was run, in order."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        runs.setdefault(path.stem.rsplit("-", 1)[0], []).append(json.loads(path.read_text(encoding="utf-8")))
    return runs
