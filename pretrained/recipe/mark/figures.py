"""Figures of all charts from the records of the runs, as the app and ABLATIONS.md show them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pretrained.recipe.mark.bootstrap import Resampled
from pretrained.recipe.mark.charts import CHARTS, CONTROLS, Chart, Claim
from pretrained.recipe.mark.records import Runs, won_by_clip, won_by_frames_apart
from pretrained.recipe.mark.training import STARTED
from pretrained.recipe.mark.variants import VARIANTS

Records = Sequence[Mapping[str, Any]]

ALIKE = 3.0
"""Limit in percentage points; two variants are alike if the whole interval of their difference lies within it."""


def figures_of(runs: Runs, former: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the figures of all variants and charts, shares won in percent of what can be won.

    ``former``: earlier figures of runs of which nothing else was kept. They are used if ``runs`` has records of fewer
    seeds than they had, and so are the differences with such a variant. A variant in neither is left out.
    """
    former = former or {"variants": {}, "charts": []}
    known = former["variants"]
    every = {name: list(runs[name].values()) for name in VARIANTS if name in runs}
    found = {
        name: records
        for name, records in every.items()
        if name not in known or len(records) >= len(known[name]["by_seed"])
    }
    means = Resampled({name: _by_clip(name, records) for name, records in found.items()})
    known = known | {name: _variant(name, records, means) for name, records in found.items()}
    variants = {name: known[name] | {"title": VARIANTS[name].title} for name in VARIANTS if name in known}
    said = {claim["words"]: claim["difference"] for chart in former["charts"] for claim in chart["claims"]}
    longer = {name: [record["longer"] for record in records if "longer" in record] for name, records in every.items()}
    return {
        "clips": len(next(iter(found.values()))[0]["right"]),
        "variants": variants,
        "charts": [_chart(chart, _differences(chart, means, found, said), variants) for chart in CHARTS],
        "controls": [name for name in CONTROLS if name in variants],
        **_longer(longer),
    }


def _differences(
    chart: Chart, means: Resampled, found: Mapping[str, Records], said: Mapping[str, list[float]]
) -> dict[str, list[float]]:
    """Return the difference that decides each claim, by the claim's words, if there is one."""
    measured = {
        claim.words: _rounded(means.interval(claim.first, claim.second))
        for claim in chart.claims
        if {claim.first, claim.second} <= set(found)
    }
    return {claim.words: said[claim.words] for claim in chart.claims if claim.words in said} | measured


def _by_clip(name: str, records: Records) -> np.ndarray:
    """Return the share won on each test clip by each seed, (seeds, clips)."""
    return np.stack([won_by_clip(name, record) for record in records])


def _by_seed(name: str, records: Records) -> list[float]:
    return [round(float(won_by_clip(name, record).mean()), 1) for record in records]


def _variant(name: str, records: Records, means: Resampled) -> dict[str, Any]:
    variant = VARIANTS[name]
    looks = {key: round(float(np.mean([run["looks"][key] for run in records])), 3) for key in records[0]["looks"]}
    return {
        "title": variant.title,
        "stride": variant.stride,
        "hops": variant.hops,
        "parameters": records[0]["parameters"],
        "won": _rounded(means.interval(name)),
        "by_seed": _by_seed(name, records),
        "by_frames_apart": won_by_frames_apart(name, records),
        "steps": [run["steps"] for run in records],
        "seconds": round(_seconds(records)),
        "looks": looks,
        "course": _course(records),
        "started": [_started(run) for run in records],
    }


def _seconds(found: Records) -> float:
    """Return the time of a training of the mean length at the pace of the fastest, least disturbed seed."""
    pace: float = min(run["seconds"] / run["steps"] for run in found)
    return pace * float(np.mean([run["steps"] for run in found]))


def _started(run: Mapping[str, Any]) -> int | None:
    """Return the first step at and after which a run was seen to have learned, or None if there is none."""
    nothing = [step for step, won in run["course"] if won < STARTED]
    later = [step for step, _won in run["course"] if not nothing or step > nothing[-1]]
    return int(later[0]) if later else None


def _longer(asked: Mapping[str, Records]) -> dict[str, Any]:
    """Return the percentage won on longer clips, with its interval and by the frames between; {} if none were asked."""
    found = {name: records for name, records in asked.items() if records}
    if not found:
        return {}
    means = Resampled({name: _by_clip(name, records) for name, records in found.items()})
    first = next(iter(found.values()))[0]
    variants = {
        name: {
            "won": _rounded(means.interval(name)),
            "by_seed": _by_seed(name, records),
            "by_frames_apart": won_by_frames_apart(name, records),
        }
        for name, records in found.items()
    }
    return {"longer": {"frames": first["frames"], "clips": len(first["right"]), "variants": variants}}


def _course(found: Records) -> list[list[float]]:
    """Return [step, mean share won on the choosing clips], while every seed was still learning at full rate."""
    shortest = min(len(run["course"]) for run in found) - 1
    return [
        [found[0]["course"][k][0], round(100 * float(np.mean([run["course"][k][1] for run in found])), 1)]
        for k in range(shortest)
    ]


def _chart(chart: Chart, differences: Mapping[str, list[float]], variants: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": chart.number,
        "title": chart.title,
        "says": chart.says,
        "bars": [asdict(bar) for bar in chart.bars if bar.variant in variants],
        "claims": [
            _claim(claim, differences[claim.words], variants) for claim in chart.claims if claim.words in differences
        ],
    }


def _claim(claim: Claim, difference: list[float], variants: dict[str, Any]) -> dict[str, Any]:
    verdict = verdict_on(claim, difference)
    holds = verdict.startswith("holds")
    return {
        "words": claim.words,
        "difference": difference,
        "verdict": verdict,
        "reason": "" if holds else _filled(claim.reason, variants),
    }


def verdict_on(claim: Claim, difference: Sequence[float]) -> str:
    """Return the verdict of the interval of first minus second on a claim, in words."""
    low, high = difference[1:]
    same = max(abs(low), abs(high)) < ALIKE
    if claim.kind == "alike":
        if same:
            return f"holds here, within {ALIKE:.0f} points"
        return "does not hold here" if low > 0 or high < 0 else "not told apart here"
    if low > 0:
        return "holds here"
    if same:
        return f"does not hold here: no difference of {ALIKE:.0f} points"
    return "does not hold here: the other way round" if high < 0 else "not told apart here"


def _filled(reason: str, variants: dict[str, Any]) -> str:
    """Fill in the figures that a reason names: ``{gaussian.won}``, ``{gaussian.looks.marked}``, in percent."""

    def percent(match: re.Match[str]) -> str:
        name, figure, *inner = match[1].split(".")
        found = variants[name][figure]
        return f"{found[0]:.0f} %" if figure == "won" else f"{100 * found[inner[0]]:.0f} %"

    return re.sub(r"\{([^}]+)\}", percent, reason)


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in values]
