"""Standardised features of the mark's clips at three strides, made once and kept on disk in shards."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.models.lite0_networks import INPUT
from nonlocal_core.models.parameter_free import standardised
from pretrained.recipe.mark.scenes import STRIDES, compose, owners
from pretrained.recipe.scenes import TRAIN_PATCHES
from pretrained.recipe.sources import Sources, Split

CLIPS: dict[Split, int] = {"train": 800, "choose": 80, "test": 300}
SEEDS: dict[Split, int] = {"train": 31, "choose": 32, "test": 33}
SHARD = 20
"""Number of clips in a file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkClips:
    """n clips at one stride.

    ``features`` (n, T, h, w, C): each channel has mean 0 and deviation 1 over its clip. ``owners`` (n, T, h, w): the
    object that covers more than half of a cell, or 0 for none.
    """

    features: Tensor
    owners: np.ndarray

    def __len__(self) -> int:
        return len(self.owners)


def make_shard(sources: Sources, trunk: Lite0, split: Split, indices: range) -> dict[str, np.ndarray]:
    """Return features and owners of the given clips at every stride; a clip depends only on its split and index."""
    made: dict[str, list[np.ndarray]] = {}
    for index in indices:
        rng = np.random.default_rng([SEEDS[split], index])
        scene = compose(sources, rng, patches=TRAIN_PATCHES if split == "train" else 0.0)
        for stride, layer in zip(STRIDES, layers(trunk, scene.rgb), strict=True):
            made.setdefault(f"features.{stride}", []).append(layer.half().numpy())
            made.setdefault(f"owners.{stride}", []).append(owners(scene.objects, stride))
    return {name: np.stack(parts) for name, parts in made.items()}


def layers(trunk: Lite0, rgb: np.ndarray) -> list[Tensor]:
    """Return the standardised features (T, h, w, C) of a clip at each stride."""
    x = (torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255 - INPUT.mean[0]) / INPUT.std[0]
    with torch.inference_mode():
        fine = trunk.to_stride8(x)
        coarse = trunk.to_stride16(fine)
        found = [layer.permute(0, 2, 3, 1) for layer in (fine, coarse, trunk.to_stride32(coarse))]
        return [standardised(layer.reshape(1, -1, layer.shape[-1])).reshape(layer.shape) for layer in found]


def write_shards(folder: Path, sources: dict[Split, Sources], trunk: Lite0, tell: Callable[[str], None]) -> None:
    """Write the missing shards, so that an interrupted run continues where it stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in CLIPS.items():
        for start in range(0, count, SHARD):
            path, stop = folder / f"{split}-{start:04d}.npz", min(start + SHARD, count)
            if not path.exists():
                part = path.with_suffix(".part.npz")
                np.savez(part, allow_pickle=False, **make_shard(sources[split], trunk, split, range(start, stop)))
                part.replace(path)
            tell(f"mark, {split}: {stop} of {count} clips")


def read_shards(folder: Path, split: Split, stride: int) -> MarkClips:
    """Return all clips of a split at one stride. Raises FileNotFoundError if ``write_shards`` was not run."""
    paths = sorted(path for path in folder.glob(f"{split}-*.npz") if ".part" not in path.name)
    if not paths:
        raise FileNotFoundError(f"{folder} holds no clips of {split}. Run: python -m pretrained.recipe mark data")
    parts = [np.load(path) for path in paths]
    features, owned = (np.concatenate([part[f"{name}.{stride}"] for part in parts]) for name in ("features", "owners"))
    return MarkClips(features=torch.from_numpy(features), owners=owned)
