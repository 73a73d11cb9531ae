"""Clips in which three objects move smoothly, each of them wide enough to cover a cell of every stride."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from nonlocal_core.errors import MediaError
from pretrained.recipe.scenes import SIDE, Cast, Motion, Scene, camera, furnished, place, seen
from pretrained.recipe.sources import SPLIT_SHARES, Sources, Split, load_sources

FRAMES, OBJECTS = 4, 3
STRIDES = (8, 16, 32)
COVER = 0.5
"""Minimum share of a cell's pixels that an object must cover to own the cell."""
STAMP_PX = (68.0, 100.0)
"""Longest side of an object in the first frame; it grows or shrinks by up to `SCALE` until the last."""
SCALE = 1.25
STEP, APART, RIM = 0.34, 0.28, 0.17
"""Maximum step from frame to frame, minimum distance of two centres, and minimum distance of a centre from the rim, as
fractions of the side."""
TRIES = 400
FRESH_SHARE, FRESH_SEED = 0.25, 2811


def sources_by_split(folder: Path) -> dict[Split, Sources]:
    """Return the pictures of each split. Raises MediaError if they were not downloaded.

    The test pictures are a quarter of the training pictures of the shipped networks. The recipe's own test pictures
    were seen while the task was designed, so they are training pictures here.
    """
    former = {split: load_sources(folder, split) for split in SPLIT_SHARES}
    held, kept = _parted(former["train"])
    return {"train": _joined(kept, former["test"]), "choose": former["choose"], "test": held}


def _parted(sources: Sources) -> tuple[Sources, Sources]:
    rng = np.random.default_rng(FRESH_SEED)
    stamps, photos = (rng.permutation(len(pictures)) for pictures in (sources.stamps, sources.photos))
    cuts = [round(FRESH_SHARE * len(order)) for order in (stamps, photos)]
    return (
        _picked(sources, stamps[: cuts[0]], photos[: cuts[1]]),
        _picked(sources, stamps[cuts[0] :], photos[cuts[1] :]),
    )


def _picked(sources: Sources, stamps: np.ndarray, photos: np.ndarray) -> Sources:
    names = [sources.names[k] for k in stamps] + [sources.names[len(sources.stamps) + k] for k in photos]
    return Sources(
        stamps=tuple(sources.stamps[k] for k in stamps),
        photos=tuple(sources.photos[k] for k in photos),
        names=tuple(names),
    )


def _joined(first: Sources, second: Sources) -> Sources:
    cuts = len(first.stamps), len(second.stamps)
    return Sources(
        stamps=first.stamps + second.stamps,
        photos=first.photos + second.photos,
        names=first.names[: cuts[0]] + second.names[: cuts[1]] + first.names[cuts[0] :] + second.names[cuts[1] :],
    )


def compose(
    sources: Sources, rng: np.random.Generator, *, patches: float = 0.0, side: int = SIDE, frames: int = FRAMES
) -> Scene:
    """Return a clip of three objects, each of which owns a cell of every stride in every frame.

    ``patches``: see `pretrained.recipe.scenes.compose`. Raises MediaError if no such clip was found.
    """
    for _try in range(TRIES):
        cast = Cast(sources, patches, rng)
        photo = furnished(cast, rng)
        window = camera((photo.height, photo.width), rng, frames)
        rgb = np.stack([seen(photo, box, side) for box in window]).astype(np.float32)
        objects = np.zeros((frames, side, side), np.uint8)
        for label, center in enumerate(paths(rng, frames), start=1):
            place(rgb, objects, cast.draw(rng), label, _motion(center * side, rng, side), rng)
        if all(_everyone_shows(owners(objects, stride)) for stride in STRIDES):
            return Scene(rgb=np.rint(np.clip(rgb, 0, 255)).astype(np.uint8), objects=objects, window=window)
    raise MediaError(f"In {TRIES} clips no three objects covered cells of {STRIDES[-1]} pixels. Use larger pictures.")


def paths(rng: np.random.Generator, frames: int = FRAMES) -> np.ndarray:
    """Return centres (object, frame, 2) as fractions of the side: they drift, turn a little, bounce, and keep apart."""
    while True:
        center = np.stack([_path(rng, frames) for _object in range(OBJECTS)])
        gaps = np.linalg.norm(center[:, None] - center[None], axis=-1)
        if gaps[~np.eye(OBJECTS, dtype=bool)].min() >= APART:
            return center


def _path(rng: np.random.Generator, frames: int) -> np.ndarray:
    center, angle = rng.uniform(RIM, 1 - RIM, 2), rng.uniform(0, 2 * np.pi)
    found = [center]
    for _frame in range(1, frames):
        angle += rng.normal(0, 0.4)
        heading = np.array([np.cos(angle), np.sin(angle)])
        there = center + rng.uniform(0, STEP) * heading
        heading = np.where((there < RIM) | (there > 1 - RIM), -heading, heading)
        angle = float(np.arctan2(heading[1], heading[0]))
        center = np.where(there < RIM, 2 * RIM - there, np.where(there > 1 - RIM, 2 * (1 - RIM) - there, there))
        found.append(center)
    return np.stack(found)


def _motion(center: np.ndarray, rng: np.random.Generator, side: int) -> Motion:
    moment = np.linspace(0, 1, len(center))
    corners = rng.normal(0, 0.05, (4, 2)) + np.sin(np.pi * moment)[:, None, None] * rng.normal(0, 0.05, (4, 2))
    return Motion(
        center=center,
        size=rng.uniform(*STAMP_PX) * side / SIDE * rng.uniform(1 / SCALE, SCALE) ** moment,
        angle=rng.uniform(-0.5, 0.5) + moment * rng.normal(0, 0.5),
        corners=corners,
        shows=np.ones(len(center), bool),
    )


def owners(objects: np.ndarray, stride: int) -> np.ndarray:
    """Return the object that covers more than half of each cell, (T, h, w), counted from 1, or 0 for none."""
    labels = torch.arange(1, OBJECTS + 1, dtype=torch.uint8)[:, None, None, None]
    share = avg_pool2d((torch.from_numpy(objects) == labels).float(), stride)
    cover, best = share.max(dim=0)
    found: np.ndarray = torch.where(cover > COVER, best + 1, 0).to(torch.uint8).numpy()
    return found


def _everyone_shows(owned: np.ndarray) -> bool:
    return all((owned == label).any(axis=(1, 2)).all() for label in range(1, OBJECTS + 1))
