"""Answers of the gallery's first questions in other clips, computed beforehand: a page from a disk runs no network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from PIL import Image

from nonlocal_core.pin import Point
from nonlocal_core.survey.other_clips import COUNT, RankedClip, clips_with_keys, ranked_clips
from nonlocal_core.survey.result import ResultFolder

AT_ONCE = 256
"""Number of questions whose scores on one clip are held at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryAnswers:
    """First questions of a survey's first clips, and the other clips in which each would look, for the script."""

    block: dict[str, str]
    """The block whose keys were kept, by network."""
    asked: dict[tuple[int, str], Point]
    """Point that was asked, by place and network."""
    ranked: dict[tuple[int, str], list[RankedClip]]
    """Clips found, strongest first, by place and network."""

    @property
    def shown(self) -> list[int]:
        """Places of the clips that ask or are found, whose frames the page shows."""
        asking = {place for place, _ in self.asked}
        return sorted(asking | {clip.place for found in self.ranked.values() for clip in found})

    def of_row(self, place: int, model: str, block: str) -> dict[str, Any] | None:
        """Return the page's data for a row: the point, and (place, frame, x, y, score, times) of each clip found."""
        if self.block.get(model) != block or (place, model) not in self.asked:
            return None
        found = [
            [clip.place, clip.frame, *map(_short, (clip.x, clip.y, clip.score, clip.times_uniform))]
            for clip in self.ranked[place, model]
        ]
        return {"place": place, "point": self.asked[place, model], "found": found}


def gallery_answers(folder: ResultFolder, most: int) -> GalleryAnswers:
    """Return the answers of a survey, none if it kept no keys. ``most``: the number of first clips that ask."""
    block: dict[str, str] = {}
    asked: dict[tuple[int, str], Point] = {}
    ranked: dict[tuple[int, str], list[RankedClip]] = {}
    for model in folder.networks() if folder.plan.index is not None else ():
        asking = [found for found in clips_with_keys(folder, model) if found["place"] < most]
        for found, clips in zip(asking, _ranked(folder, model, asking), strict=True):
            first = found["asks"][0]
            block[model] = found["block"]
            asked[found["place"], model] = first["frame"], first["x"], first["y"]
            ranked[found["place"], model] = clips
    return GalleryAnswers(block=block, asked=asked, ranked=ranked)


def write_stills(folder: ResultFolder, places: Sequence[int], out: Path) -> dict[int, dict[str, Any]]:
    """Write the frames of clips side by side; return name, file, count and size of each, by place, for the page."""
    if places:
        (out / "frames").mkdir(parents=True, exist_ok=True)
    return {place: _still(folder, place, out) for place in places}


def _ranked(folder: ResultFolder, model: str, asking: Sequence[dict[str, Any]]) -> list[list[RankedClip]]:
    """Return the other clips in which the first question of each asking clip would look, strongest first."""
    if not asking:
        return []
    thetas = np.stack([np.frombuffer(each["asks"][0]["theta"], np.float32) for each in asking])
    ranked: list[list[RankedClip]] = [[] for _ in asking]
    for found in clips_with_keys(folder, model):
        for n, clip in enumerate(_in_parts(thetas, found)):
            if found["sha256"] != asking[n]["sha256"]:
                ranked[n] = sorted([*ranked[n], clip], key=lambda each: (-each.score, each.place))[:COUNT]
    return ranked


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _in_parts(thetas: Float32[np.ndarray, "n Ci"], found: dict[str, Any]) -> Iterator[RankedClip]:
    for start in range(0, len(thetas), AT_ONCE):
        yield from ranked_clips(thetas[start : start + AT_ONCE], found)


def _still(folder: ResultFolder, place: int, out: Path) -> dict[str, Any]:
    """Write the frames of a clip; return the data that the page needs to show one of them."""
    found = next(found for model in folder.networks(place) if (found := folder.keys(place, model)) is not None)
    file, content = f"frames/{place:08d}.jpg", bytes(found["strip"])
    (out / file).write_bytes(content)
    with Image.open(BytesIO(content)) as strip:
        return {"name": found["name"], "file": file, "frames": found["frames"], "size": [strip.width, strip.height]}
