"""Features of composed clips after blocks 4 and 10 of the frozen trunk, computed once and stored in shards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d

from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.models.lite0_networks import INPUT
from pretrained.recipe.damage import JUDGED, Version, damaged
from pretrained.recipe.scenes import TRAIN_LARGE, TRAIN_PATCHES, Scene, compose
from pretrained.recipe.sources import Sources, Split

CLIPS: dict[Split, int] = {"train": 240, "choose": 20, "test": 60}
SEEDS: dict[Split, int] = {"train": 1, "choose": 2, "test": 3}
SHARD = 20
"""Clips per file."""
FINE, COARSE = 8, 16
"""Strides of the two layers, in pixels."""
OBJECT_COVER, SURE_COVER, GROUND_COVER = 0.5, 0.8, 0.05
"""Shares of a cell's pixels that objects cover: above the first, the cell belongs to one object; above the second, it
may be a query; up to the third, it is background."""
MIXED = 255


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clips:
    """Clips: n of T frames, on h x w cells of 16 pixels and on 2h x 2w cells of 8 pixels.

    ``features``: (n, T, C, h, w) float16 at stride 16, for each version. ``fine``: the same at stride 8. ``hit``:
    (n, T), the changed frames of each version. ``labels``: (n, T, h, w), 0 for background, k for object k, MIXED for a
    cell that is neither. ``sure``: cells that one object nearly fills. ``fine_labels``, ``fine_sure``: the same on the
    finer cells. ``window``: (n, T, 4), the camera's window in the photograph. ``answers``: (n, T, 1000) float16, logits
    of the clean frames.
    """

    features: dict[Version, np.ndarray]
    fine: dict[Version, np.ndarray]
    hit: dict[Version, np.ndarray]
    labels: np.ndarray
    sure: np.ndarray
    fine_labels: np.ndarray
    fine_sure: np.ndarray
    window: np.ndarray
    answers: np.ndarray

    def clip(self, version: Version, index: int) -> Float[Tensor, "1 C T h w"]:
        """Return the features of one clip in the layout of a block's input."""
        return torch.from_numpy(self.features[version][index]).float().transpose(0, 1)[None]

    def clean_answers(self, index: int, frames: Tensor) -> Float[Tensor, "f 1000"]:
        """Return the logits of some clean frames of one clip."""
        return torch.from_numpy(self.answers[index]).float()[frames]

    def asked_frames(self, version: Version, index: int, most: int) -> Int[Tensor, " f"]:
        """Return up to ``most`` frames to judge answers on, spread over the changed frames, or all of a clean clip."""
        hit = self.hit[version][index]
        frames = torch.from_numpy(np.flatnonzero(hit) if version != "clean" else np.arange(len(hit)))
        return frames[:: max(1, len(frames) // most)][:most]


def make_clips(
    sources: Sources,
    trunk: Lite0,
    split: Split,
    indices: range,
    *,
    versions: Sequence[Version] = JUDGED,
    frames: int = 8,
    side: int = 224,
) -> Clips:
    """Return the clips of those indices. A clip depends on its split and index alone.

    ``versions``: the first entries of `TAUGHT`; further versions do not change the earlier ones.
    """
    patches, large = (TRAIN_PATCHES, TRAIN_LARGE) if split == "train" else (0.0, 0.0)
    scenes, layers, hits = [], [], []
    for index in indices:
        rng = np.random.default_rng([SEEDS[split], index])
        scene = compose(sources, rng, patches=patches, large=large, frames=frames, side=side)
        made = {version: damaged(scene.rgb, version, rng) for version in versions}
        scenes.append(scene)
        layers.append({version: _layers(trunk, rgb) for version, (rgb, _) in made.items()})
        hits.append({version: hit for version, (_, hit) in made.items()})
    labels, sure = zip(*(_cells(scene, COARSE) for scene in scenes), strict=True)
    fine_labels, fine_sure = zip(*(_cells(scene, FINE) for scene in scenes), strict=True)
    clean = [torch.from_numpy(made["clean"][1]).float() for made in layers]
    with torch.inference_mode():
        answers = [trunk.to_logits(of_clip).half().numpy() for of_clip in clean]
    return Clips(
        features={version: np.stack([made[version][1] for made in layers]) for version in versions},
        fine={version: np.stack([made[version][0] for made in layers]) for version in versions},
        hit={version: np.stack([hit[version] for hit in hits]) for version in versions},
        labels=np.stack(labels),
        sure=np.stack(sure),
        fine_labels=np.stack(fine_labels),
        fine_sure=np.stack(fine_sure),
        window=np.stack([scene.window for scene in scenes]),
        answers=np.stack(answers),
    )


def answer_of(trunk: Lite0, features: Tensor, stride: int) -> Tensor:
    """Return the class logits (n, 1000) of frames from their features (n, C, h, w) at stride 8, 16 or 32."""
    match stride:
        case 8:
            return trunk.to_logits(trunk.to_stride16(features))
        case 16:
            return trunk.to_logits(features)
        case 32:
            return trunk.classify(features)
    raise ValueError(f"The trunk has no stride {stride}.")


def _layers(trunk: Lite0, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of frames at stride 8 and at stride 16."""
    x = (torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255 - INPUT.mean[0]) / INPUT.std[0]
    with torch.inference_mode():
        fine = trunk.to_stride8(x)
        coarse = trunk.to_stride16(fine)
    return fine.half().numpy(), coarse.half().numpy()


def _cells(scene: Scene, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the label of every cell of ``stride`` pixels, and a mask of those that one object nearly fills."""
    share = torch.stack([
        avg_pool2d(torch.from_numpy(scene.objects == label).float()[:, None], stride)[:, 0] for label in range(5)
    ])  # fmt: skip
    cover, best = share[1:].max(dim=0)
    labels = torch.full(cover.shape, MIXED, dtype=torch.uint8)
    labels[share[1:].sum(dim=0) <= GROUND_COVER] = 0
    owned = cover > OBJECT_COVER
    labels[owned] = (best[owned] + 1).to(torch.uint8)
    return labels.numpy(), (cover > SURE_COVER).numpy()


def write_shards(
    folder: Path,
    sources: Sources,
    trunk: Lite0,
    split: Split,
    count: int,
    tell: Callable[[str], None],
    *,
    versions: Sequence[Version] = JUDGED,
) -> None:
    """Write the missing shards of a split, so that an interrupted run continues where it stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, count, SHARD):
        path = folder / f"{split}-{start:04d}.npz"
        stop = min(start + SHARD, count)
        if not path.exists():
            clips = make_clips(sources, trunk, split, range(start, stop), versions=versions)
            part = path.with_suffix(".part.npz")
            np.savez(part, allow_pickle=False, **_flat(clips))
            part.replace(path)
        tell(f"{split}: {stop} of {count} clips")


def read_shards(folder: Path, split: Split) -> Clips:
    """Return all clips of a split. Raises FileNotFoundError if ``write_shards`` was not run."""
    paths = sorted(path for path in folder.glob(f"{split}-*.npz") if ".part" not in path.name)
    if not paths:
        raise FileNotFoundError(f"{folder} holds no clips of the split {split}. Run: python -m pretrained.recipe data")
    parts = [np.load(path) for path in paths]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0].files}
    return _nested(joined)


def _flat(clips: Clips) -> dict[str, np.ndarray]:
    flat: dict[str, np.ndarray] = {}
    for field in fields(clips):
        value = getattr(clips, field.name)
        flat |= {f"{field.name}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {field.name: value}
    return flat


def _nested(flat: dict[str, np.ndarray]) -> Clips:
    nested: dict[str, Any] = {"features": {}, "fine": {}, "hit": {}}
    for name, value in flat.items():
        outer, dot, inner = name.partition(".")
        if dot:
            nested[outer][inner] = value
    plain: dict[str, Any] = {name: value for name, value in flat.items() if "." not in name}
    return Clips(**nested, **plain)
