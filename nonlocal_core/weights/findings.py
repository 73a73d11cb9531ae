"""Findings: the paper's tables measured by the mark, and the figures of the networks that this library trained.

``pretrained/ablations.json`` and ``pretrained/measured.json`` are written by ``python -m pretrained.recipe``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from nonlocal_core.installed import folder_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean with its 95 % interval over seeds and test clips."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A variant beside the paper's."""

    title: str
    won: Estimate
    """Percentage won of what can be won; 0 is chance."""
    seeds: int
    parameters: int
    seconds: int
    """Seconds for a training of the mean length at the pace of its fastest seed, on one thread of a CPU."""
    paper: float | None
    """Top-1 accuracy on Kinetics of its counterpart in the paper, in percent."""
    paper_words: str
    """Name of that counterpart, if it differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim of the paper, and the finding here."""

    words: str
    verdict: str
    difference: Estimate
    """Difference in percentage points of the two variants that decide it."""
    reason: str
    """Reason, as far as it was measured, if the claim does not hold here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A table of the paper, measured again."""

    number: str
    """Number of the table in the paper."""
    title: str
    bars: tuple[Bar, ...]
    claims: tuple[Claim, ...]
    says: str
    """Claims that the figures allow, and claims that they do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFigures:
    """Figures of a network's rows on the same object, as means over held-out composed clips and over real ones."""

    id: str
    title: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer:
    """Results of networks on clips with more frames than in training."""

    frames: int
    clips: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Results of all measurements, and their extent."""

    clips: int
    charts: tuple[Chart, ...]
    controls: tuple[Bar, ...]
    """Variants beyond the paper's tables."""
    longer: Longer | None
    """The same networks on longer clips, if they were asked about any."""
    networks: tuple[NetworkFigures, ...]


@cache
def read_findings() -> Findings:
    """Return the measurements that come with the package."""
    ablations, measured = (_read(name) for name in ("ablations.json", "measured.json"))
    variants = ablations["variants"]
    return Findings(
        clips=ablations["clips"],
        charts=tuple(_chart(chart, variants) for chart in ablations["charts"]),
        controls=tuple(_bar(_untold(variants[name]["title"]), variants[name]) for name in ablations["controls"]),
        longer=_longer(ablations["longer"], variants) if "longer" in ablations else None,
        networks=tuple(NetworkFigures(**entry) for entry in measured),
    )


def _chart(chart: dict[str, Any], variants: dict[str, Any]) -> Chart:
    return Chart(
        number=chart["number"],
        title=chart["title"],
        bars=tuple(_bar(bar, variants[bar["variant"]]) for bar in chart["bars"]),
        claims=tuple(
            Claim(
                words=claim["words"],
                verdict=claim["verdict"],
                difference=_estimate(claim["difference"]),
                reason=claim["reason"],
            )
            for claim in chart["claims"]
        ),
        says=chart["says"],
    )


def _longer(found: dict[str, Any], variants: dict[str, Any]) -> Longer:
    bars = (_bar(_untold(variants[name]["title"]), variants[name] | one) for name, one in found["variants"].items())
    return Longer(frames=found["frames"], clips=found["clips"], bars=tuple(bars))


def _untold(title: str) -> dict[str, Any]:
    """Return a bar without a counterpart in the paper."""
    return {"title": title, "paper": None, "paper_words": ""}


def _bar(bar: dict[str, Any], found: dict[str, Any]) -> Bar:
    return Bar(
        title=bar["title"],
        won=_estimate(found["won"]),
        seeds=len(found["by_seed"]),
        parameters=found["parameters"],
        seconds=found["seconds"],
        paper=bar["paper"],
        paper_words=bar["paper_words"],
    )


def _estimate(values: list[float]) -> Estimate:
    mean, low, high = values
    return Estimate(mean=mean, low=low, high=high)


def _read(name: str) -> Any:
    return json.loads((folder_of("pretrained") / name).read_text(encoding="utf-8"))
