"""Figures of all charts from the logs of the runs, as the app and ABLATIONS.md show them."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pretrained.recipe.mark.bootstrap import Resampled
from pretrained.recipe.mark.charts import CHARTS, CONTROLS, Chart, Claim
from pretrained.recipe.mark.task import share_won
from pretrained.recipe.mark.training import STARTED
from pretrained.recipe.mark.variants import VARIANTS

Runs = dict[str, list[dict[str, Any]]]

ALIKE = 3.0
"""Points; two variants are alike where the whole interval of their difference lies within them."""


def read_runs(folder: Path) -> Runs:
    """Return the logs of every variant, one for each seed that was run, in order."""
    runs: Runs = {}
    for path in sorted(folder.glob("*.json")):
        runs.setdefault(path.stem.rsplit("-", 1)[0], []).append(json.loads(path.read_text(encoding="utf-8")))
    return runs


def figures_of(runs: Runs) -> dict[str, Any]:
    """Return the figures of all variants and charts, shares won in percent of what can be won.

    A variant that was not run is left out, and so is what is claimed about it.
    """
    runs = {name: runs[name] for name in VARIANTS if name in runs}
    means = Resampled({name: _per_clip(name, found) for name, found in runs.items()})
    variants = {name: _variant(name, found, means) for name, found in runs.items()}
    return {
        "clips": len(runs["embedded_gaussian"][0]["right"]),
        "variants": variants,
        "charts": [_chart(chart, means, variants) for chart in CHARTS],
        "controls": [name for name in CONTROLS if name in variants],
    }


def _per_clip(name: str, found: Sequence[dict[str, Any]]) -> np.ndarray:
    """Return the share won on each test clip by each seed, (seeds, clips)."""
    return np.stack([
        [100 * share_won(clip.count("1") / len(clip), VARIANTS[name].hops) for clip in run["right"]] for run in found
    ])  # fmt: skip


def _variant(name: str, found: Sequence[dict[str, Any]], means: Resampled) -> dict[str, Any]:
    variant = VARIANTS[name]
    looks = {key: round(float(np.mean([run["looks"][key] for run in found])), 3) for key in found[0]["looks"]}
    return {
        "title": variant.title,
        "stride": variant.stride,
        "hops": variant.hops,
        "parameters": found[0]["parameters"],
        "won": _rounded(means.interval(name)),
        "by_seed": [round(float(_per_clip(name, [run]).mean()), 1) for run in found],
        "by_frames_apart": _by_frames_apart(name, found),
        "steps": [run["steps"] for run in found],
        "seconds": round(_seconds(found)),
        "looks": looks,
        "course": _course(found),
        "started": [_started(run) for run in found],
    }


def _by_frames_apart(name: str, found: Sequence[dict[str, Any]]) -> dict[str, float]:
    right = np.array([list("".join(run["right"])) for run in found]) == "1"
    apart = np.array(list("".join(found[0]["apart"])))
    return {
        str(frames): round(100 * share_won(float(right[:, apart == frames].mean()), VARIANTS[name].hops), 1)
        for frames in sorted(set(apart))
    }


def _seconds(found: Sequence[dict[str, Any]]) -> float:
    """Return the time of a training of the mean length at the pace of the fastest seed, which others held up least."""
    pace: float = min(run["seconds"] / run["steps"] for run in found)
    return pace * float(np.mean([run["steps"] for run in found]))


def _started(run: dict[str, Any]) -> int | None:
    """Return the first step from which on a run had learned something whenever it was watched; None if never."""
    nothing = [step for step, won in run["course"] if won < STARTED]
    later = [step for step, _won in run["course"] if not nothing or step > nothing[-1]]
    return int(later[0]) if later else None


def longer_figures(answers: dict[str, Any]) -> dict[str, Any]:
    """Return what was won on longer clips, in percent, with its interval and by the frames between."""
    runs: Runs = answers["variants"]
    means = Resampled({name: _per_clip(name, found) for name, found in runs.items()})
    return {
        "frames": answers["frames"],
        "clips": len(next(iter(runs.values()))[0]["right"]),
        "variants": {
            name: {"won": _rounded(means.interval(name)), "by_frames_apart": _by_frames_apart(name, found)}
            for name, found in runs.items()
        },
    }


def _course(found: Sequence[dict[str, Any]]) -> list[list[float]]:
    """Return [step, mean share won on the choosing clips] as long as every seed still learned at full rate."""
    shortest = min(len(run["course"]) for run in found) - 1
    return [
        [found[0]["course"][k][0], round(100 * float(np.mean([run["course"][k][1] for run in found])), 1)]
        for k in range(shortest)
    ]


def _chart(chart: Chart, means: Resampled, variants: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": chart.number,
        "title": chart.title,
        "says": chart.says,
        "bars": [asdict(bar) for bar in chart.bars if bar.variant in variants],
        "claims": [
            _claim(claim, means, variants) for claim in chart.claims if {claim.first, claim.second} <= set(variants)
        ],
    }


def _claim(claim: Claim, means: Resampled, variants: dict[str, Any]) -> dict[str, Any]:
    difference = _rounded(means.interval(claim.first, claim.second))
    verdict = verdict_on(claim, difference)
    holds = verdict.startswith("holds")
    return {
        "words": claim.words,
        "difference": difference,
        "verdict": verdict,
        "reason": "" if holds else _filled(claim.reason, variants),
    }


def verdict_on(claim: Claim, difference: Sequence[float]) -> str:
    """Return in words what the interval of first minus second says about a claim."""
    low, high = difference[1:]
    same = max(abs(low), abs(high)) < ALIKE
    if claim.kind == "alike":
        if same:
            return f"holds here, within {ALIKE:.0f} points"
        return "does not hold here" if low > 0 or high < 0 else "not told apart here"
    if low > 0:
        return "holds here"
    if high < 0:
        return "does not hold here: the other way round"
    return f"does not hold here: no difference of {ALIKE:.0f} points" if same else "not told apart here"


def _filled(reason: str, variants: dict[str, Any]) -> str:
    """Put figures where a reason names them: ``{gaussian.won}``, ``{gaussian.looks.marked}``, in percent."""

    def percent(match: re.Match[str]) -> str:
        name, figure, *inner = match[1].split(".")
        found = variants[name][figure]
        return f"{found[0]:.0f} %" if figure == "won" else f"{100 * found[inner[0]]:.0f} %"

    return re.sub(r"\{([^}]+)\}", percent, reason)


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in values]
