"""Records of all runs, one line each, from which all figures are made again when variants and seeds are added."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pretrained.recipe.mark.task import share_won
from pretrained.recipe.mark.variants import VARIANTS

Runs = dict[str, dict[int, dict[str, Any]]]
"""Variant -> seed -> record: see ``record_of``. A run that was asked about longer clips has another in ``longer``."""
KEPT = ("parameters", "steps", "seconds", "looks", "course")


def record_of(log: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a run's log (`pretrained.recipe.mark.training.run`) that is kept.

    ``asked``: questions on each clip. ``right``: right answers on each clip. ``by_frames_apart``: right answers and
    questions, by the frames between question and marks.
    """
    right = np.array([[answer == "1" for answer in clip] for clip in log["right"]])
    apart = np.array([[int(frames) for frames in clip] for clip in log["apart"]])
    counts = {
        str(frames): [int(right[apart == frames].sum()), int((apart == frames).sum())] for frames in np.unique(apart)
    }
    kept = {name: log[name] for name in KEPT if name in log}
    return kept | {"asked": right.shape[1], "by_frames_apart": counts, "right": right.sum(axis=1).tolist()}


def won_by_clip(variant: str, record: Mapping[str, Any]) -> np.ndarray:
    """Return the share won on each test clip (clips,), in percent."""
    hops = VARIANTS[variant].hops
    return np.array([100 * share_won(count / record["asked"], hops) for count in record["right"]])


def won_by_frames_apart(variant: str, records: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the share won by the frames between question and marks, in percent, over all records."""
    parts = [record["by_frames_apart"] for record in records]
    sums = {frames: np.sum([part[frames] for part in parts], axis=0) for frames in parts[0]}
    hops = VARIANTS[variant].hops
    return {frames: round(100 * share_won(float(right / asked), hops), 1) for frames, (right, asked) in sums.items()}


def read_logs(folder: Path, longer: Path) -> Runs:
    """Return the records of all logs in a folder, named by variant and seed, with those about longer clips."""
    runs: Runs = {}
    for path in folder.glob("*.json"):
        variant, seed = path.stem.rsplit("-", 1)
        runs.setdefault(variant, {})[int(seed)] = record_of(json.loads(path.read_text(encoding="utf-8")))
    if longer.exists():
        answers = json.loads(longer.read_text(encoding="utf-8"))
        for variant, logs in answers["variants"].items():
            for log in logs:
                runs[variant][log["seed"]]["longer"] = record_of(log) | {"frames": answers["frames"]}
    return runs


def merged(kept: Runs, new: Runs) -> Runs:
    """Return the union of both, with repeated runs taken from ``new``. Variants and seeds are in order."""
    joined: Runs = {}
    for name in VARIANTS:
        before, now = kept.get(name, {}), new.get(name, {})
        seeds = sorted(before.keys() | now.keys())
        if seeds:
            joined[name] = {seed: before.get(seed, {}) | now.get(seed, {}) for seed in seeds}
    return joined


def read_records(path: Path) -> Runs:
    """Return the records of a file that ``write_records`` wrote; none if there is no such file."""
    runs: Runs = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        record = json.loads(line)
        runs.setdefault(record.pop("variant"), {})[record.pop("seed")] = record
    return runs


def write_records(path: Path, runs: Runs) -> None:
    """Write one line of JSON for each run."""
    lines = [
        json.dumps({"variant": variant, "seed": seed} | record) + "\n"
        for variant, found in runs.items()
        for seed, record in found.items()
    ]
    path.write_text("".join(lines), encoding="utf-8")
