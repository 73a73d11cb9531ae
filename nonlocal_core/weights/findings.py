"""Findings on the blocks that this library trained: the paper's tables in small, and each network's figures.

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
    """A mean with its 95 % interval over resampled clips."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """One row of a table."""

    title: str
    brought_back: Estimate
    """Part of the KL divergence that the variant removes, in percent."""
    parameters: int
    paper: float | None
    """Top-1 accuracy on Kinetics of its counterpart in the paper, in percent."""
    paper_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTable:
    """A table of the paper, measured again at a small scale."""

    id: str
    number: str
    """Number of the table in the paper, empty for a claim outside its tables."""
    title: str
    finding: str
    """Finding of the paper."""
    verdict: str
    """Verdict on that finding here."""
    difference: Estimate
    """Difference of the two rows that decide it."""
    lines: tuple[TableLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFigures:
    """Figures of a network's rows on the same object, as means over held-out composed clips and over real ones."""

    id: str
    title: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Results of all measurements, and their extent."""

    clips: int
    seeds: int
    steps: int
    tables: tuple[PaperTable, ...]
    networks: tuple[NetworkFigures, ...]


@cache
def read_findings() -> Findings:
    """Return the measurements that come with the package."""
    ablations, measured = (_read(name) for name in ("ablations.json", "measured.json"))
    variants = ablations["variants"]
    return Findings(
        clips=ablations["clips"],
        seeds=ablations["seeds"],
        steps=ablations["steps"],
        tables=tuple(
            PaperTable(
                id=table["id"],
                number=table["number"],
                title=table["title"],
                finding=table["finding"],
                verdict=table["verdict"],
                difference=_estimate(table["difference"]),
                lines=tuple(_line(row, variants) for row in table["rows"]),
            )
            for table in ablations["tables"]
        ),
        networks=tuple(NetworkFigures(**entry) for entry in measured),
    )


def _line(row: dict[str, Any], variants: dict[str, Any]) -> TableLine:
    found = variants.get(row["variant"], {"title": "no block", "share": [0.0, 0.0, 0.0], "parameters": 0})
    return TableLine(
        title=row["title"] or found["title"],
        brought_back=_estimate(found["share"]),
        parameters=found["parameters"],
        paper=row["paper"],
        paper_words=row["paper_words"],
    )


def _estimate(values: list[float]) -> Estimate:
    mean, low, high = values
    return Estimate(mean=mean, low=low, high=high)


def _read(name: str) -> Any:
    return json.loads((folder_of("pretrained") / name).read_text(encoding="utf-8"))
