"""Test of whether attention extends to clips with more frames than in training."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from nonlocal_core.models.lite0 import Lite0
from pretrained.recipe.mark.clips import MarkClips, layers
from pretrained.recipe.mark.scenes import STRIDES, compose, owners, sources_by_split
from pretrained.recipe.mark.task import cells_of
from pretrained.recipe.mark.training import Asked, judge, runs_folder
from pretrained.recipe.mark.variants import VARIANTS
from pretrained.recipe.runs import Workshop, trunk
from pretrained.recipe.sources import Sources

FRAMES, CLIPS, SEED = 6, 40, 34
"""Number of frames, half as many again as in training, of clips from the test pictures, and seed. Three objects that
keep apart for longer are seldom drawn: a clip of eight frames takes half a minute to find."""
JUDGED = ("none", "gaussian", "embedded_gaussian", "dot_product", "time", "conv333")
STRIDE = 16


def judge_longer(workshop: Workshop) -> None:
    """Ask every trained network about longer clips, unchanged, and write ``longer.json`` beside the runs.

    It has the answers of each variant by seed, like the logs for the usual test clips.
    """
    stored = workshop.folder / "mark" / "longer.npz"
    if not stored.exists():
        sources = sources_by_split(workshop.folder / "sources")["test"]
        part = stored.with_suffix(".part.npz")
        np.savez(part, allow_pickle=False, **make_longer(sources, trunk(), range(CLIPS)))
        part.replace(stored)
    with np.load(stored) as kept:
        clips = MarkClips(features=torch.from_numpy(kept["features"]), owners=kept["owners"])
    asked = Asked(clips=clips, cells=cells_of(clips.owners))
    found = {name: _judged(workshop, name, asked) for name in JUDGED}
    judged = {name: runs for name, runs in found.items() if runs}
    text = json.dumps({"frames": FRAMES, "variants": judged}) + "\n"
    longer_file(workshop).write_text(text, encoding="utf-8")
    workshop.tell(f"mark, {len(judged)} variants judged on clips of {FRAMES} frames")


def make_longer(sources: Sources, network: Lite0, indices: range, frames: int = FRAMES) -> dict[str, np.ndarray]:
    """Return features and owners of longer clips; a clip depends only on its index."""
    features, owned = [], []
    for index in indices:
        scene = compose(sources, np.random.default_rng([SEED, index]), frames=frames)
        features.append(layers(network, scene.rgb)[STRIDES.index(STRIDE)].half().numpy())
        owned.append(owners(scene.objects, STRIDE))
    return {"features": np.stack(features), "owners": np.stack(owned)}


def longer_file(workshop: Workshop) -> Path:
    """Return the path of the file with the answers."""
    return workshop.folder / "mark" / "longer.json"


def _judged(workshop: Workshop, name: str, asked: Asked) -> list[dict[str, Any]]:
    variant, found = VARIANTS[name], []
    for path in sorted(runs_folder(workshop).glob(f"{name}-*.safetensors")):
        seed = path.stem.removeprefix(f"{name}-")
        if not seed.isdigit():
            continue
        network = variant.build(int(seed))
        network.load_state_dict(load_file(path))
        right, apart = judge(network, variant.hops, asked, "test")
        found.append({
            "seed": int(seed),
            "right": ["".join(map(str, row)) for row in right.astype(int)],
            "apart": ["".join(map(str, row)) for row in apart],
        })  # fmt: skip
    return found
