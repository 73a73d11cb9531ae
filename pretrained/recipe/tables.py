"""The paper's tables at a small scale: figures for the app's page and the text of ABLATIONS.md, from the runs'
files."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pretrained.recipe.ablate import (
    BIAS_RATE,
    KEEP_WEIGHT,
    OUTPUT_RATE,
    RATE,
    STEP_CLIPS,
    STEP_FRAMES,
    STEPS,
    read_runs,
)
from pretrained.recipe.card import VERSION_WORDS
from pretrained.recipe.measures import RESAMPLES
from pretrained.recipe.ship import PRETRAINED
from pretrained.recipe.variants import PLAIN, VARIANTS

JUDGED = ("damaged", "blur_cue", "grey_cue")
"""Versions with something to restore. The tables show their mean."""
NONE = "none"
"""Identifier of the network without a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A variant with the paper's top-1 accuracy on Kinetics of its counterpart, in percent."""

    variant: str
    paper: float | None
    paper_words: str
    title: str
    """Title within this table, where it differs from the variant's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the paper: its variants, its finding, and the two variants that decide whether it holds here.

    ``better``, ``worse``: the finding says that the first is better. ``alike``: it says that the two are alike.
    """

    id: str
    number: str
    """Number of the table in the paper, empty for a claim outside its tables."""
    title: str
    finding: str
    rows: tuple[Row, ...]
    better: str
    worse: str
    alike: bool = False


def _row(variant: str, paper: float | None, words: str = "", title: str = "") -> Row:
    return Row(variant=variant, paper=paper, paper_words=words, title=title)


TABLES = (
    Table(
        id="2a",
        number="2a",
        title="Pairwise function",
        finding="One block is better than none.",
        rows=(
            _row(NONE, 71.8, "C2D, no block"),
            _row("gaussian", 72.5),
            _row("embedded_gaussian", 72.7),
            _row("dot_product", 72.9),
            _row("concatenation", 72.8),
        ),
        better="embedded_gaussian",
        worse=NONE,
    ),
    Table(
        id="2a-alike",
        number="2a",
        title="Pairwise function: does it matter?",
        finding="It matters little which of the four it is.",
        rows=(_row("gaussian", 72.5), _row("dot_product", 72.9)),
        better="dot_product",
        worse="gaussian",
        alike=True,
    ),
    Table(
        id="2b",
        number="2b",
        title="Where the block sits",
        finding="The last stage, where maps are smallest, gains a little less than the one before.",
        rows=(
            _row("stride8", 72.9, "res3"),
            _row("embedded_gaussian", 72.7, "res4", "stride 16"),
            _row("stride32", 72.3, "res5"),
        ),
        better="embedded_gaussian",
        worse="stride32",
    ),
    Table(
        id="2c",
        number="2c",
        title="How many blocks",
        finding="More blocks are better.",
        rows=(
            _row("embedded_gaussian", 72.7, "", "1 block"),
            _row("blocks2", None, "not in the paper"),
            _row("blocks5", 73.8, "5 blocks, over two stages"),
        ),
        better="blocks5",
        worse="embedded_gaussian",
    ),
    Table(
        id="2d-space",
        number="2d",
        title="Which keys: space",
        finding="Space and time together are better than space alone.",
        rows=(_row("embedded_gaussian", 73.8, "5 blocks", "spacetime"), _row("space", 72.9, "5 blocks")),
        better="embedded_gaussian",
        worse="space",
    ),
    Table(
        id="2d-time",
        number="2d",
        title="Which keys: time",
        finding="Space and time together are better than time alone.",
        rows=(_row("embedded_gaussian", 73.8, "5 blocks", "spacetime"), _row("time", 73.1, "5 blocks")),
        better="embedded_gaussian",
        worse="time",
    ),
    Table(
        id="pooled",
        number="",
        title="Pooled keys",
        finding="Pooled keys save three quarters of the pairs and change nothing else. No figure is given.",
        rows=(_row("embedded_gaussian", None, "", "all keys"), _row("pooled", None, "1 x 2 x 2")),
        better="embedded_gaussian",
        worse="pooled",
        alike=True,
    ),
    Table(
        id="2e",
        number="2e",
        title="Against a convolution in time",
        finding="Non-local blocks are better than 3 x 3 x 3 convolutions (of more parameters there, of as many here).",
        rows=(_row("embedded_gaussian", 75.1, "R101, 5 blocks"), _row("convolution", 74.1, "R101, I3D 3 x 3 x 3")),
        better="embedded_gaussian",
        worse="convolution",
    ),
)


def write_tables(folder: Path, target: Path = PRETRAINED) -> None:
    """Write ``ablations.json`` and ``ABLATIONS.md`` from the runs in ``folder``."""
    figures = figures_of(read_runs(folder))
    text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    (target / "ablations.json").write_text(text, encoding="utf-8")
    (target / "ABLATIONS.md").write_text(report(figures), encoding="utf-8")


def figures_of(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the figures of all tables: the effect of each variant, and the verdict on each finding."""
    clips = len(runs[PLAIN][0]["without"]["damaged"])
    drawn = np.random.default_rng(0).integers(clips, size=(RESAMPLES, clips))
    shares = {name: [_shares(run, drawn) for run in found] for name, found in runs.items()}
    nothing = np.zeros(RESAMPLES + 1)
    means = {NONE: nothing} | {
        name: np.mean([_together(share) for share in found], axis=0) for name, found in shares.items()
    }
    return {
        "clips": clips,
        "seeds": max(len(found) for found in runs.values()),
        "steps": STEPS,
        "variants": {
            name: {
                "title": VARIANTS[name].title,
                "parameters": found[0]["parameters"],
                "seconds": round(float(np.mean([run["seconds"] for run in found]))),
                "share": _interval(means[name]),
                "by_seed": [round(float(_together(share)[0]), 1) for share in shares[name]],
                "versions": {
                    version: _interval(np.mean([share[version] for share in shares[name]], axis=0))
                    for version in JUDGED
                },
                "clean_kl": round(float(np.mean([np.nanmean(run["with"]["clean"]) for run in found])), 4),
            }
            for name, found in runs.items()
        },
        "tables": [_table(table, means) for table in TABLES],
    }


def _shares(run: dict[str, Any], drawn: np.ndarray) -> dict[str, np.ndarray]:
    """Return the part of the lost answer that comes back, in percent, for all clips, then for each resampling of them.

    100 (1 - KL with / KL without), of sums over clips, for every version.
    """
    found = {}
    for version in JUDGED:
        before, after = (np.nan_to_num(np.array(run[which][version], float)) for which in ("without", "with"))
        every = np.concatenate([np.arange(len(before))[None], drawn])
        found[version] = 100 * (1 - np.array([after[rows].sum() / before[rows].sum() for rows in every]))
    return found


def _together(shares: dict[str, np.ndarray]) -> np.ndarray:
    mean: np.ndarray = np.mean(list(shares.values()), axis=0)
    return mean


def _interval(values: np.ndarray) -> list[float]:
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return [round(float(value), 1) for value in (values[0], low, high)]


def _table(table: Table, means: dict[str, np.ndarray]) -> dict[str, Any]:
    difference = _interval(means[table.better] - means[table.worse])
    return {
        "id": table.id,
        "number": table.number,
        "title": table.title,
        "finding": table.finding,
        "rows": [asdict(row) for row in table.rows],
        "difference": difference,
        "verdict": _verdict(table, difference),
    }


def _verdict(table: Table, difference: Sequence[float]) -> str:
    first, second = _title(table.better), _title(table.worse)
    if table.alike:
        if difference[1] <= 0 <= difference[2]:
            return "holds here, as far as can be told"
        best, other = (first, second) if difference[0] > 0 else (second, first)
        return f"does not hold here: {best} is better than {other}"
    if difference[1] > 0:
        return "holds here"
    return "does not hold here: the other way round" if difference[2] < 0 else "not told apart here"


def _title(variant: str) -> str:
    return "no block" if variant == NONE else VARIANTS[variant].title


def report(figures: dict[str, Any]) -> str:
    """Return the text of ABLATIONS.md."""
    changes = "; ".join(VERSION_WORDS[version] for version in JUDGED)
    lines = [
        "# The paper's tables in small",
        "",
        "Written by `python -m pretrained.recipe tables` from the files of the runs (`ablations`). The app shows the",
        "same under Findings.",
        "",
        "Wang et al. measured what a non-local block is worth on Kinetics, in days on eight GPUs. Here every variant",
        f"is put into a frozen ImageNet classifier and trained for {figures['steps']} steps on one thread of a CPU, to",
        "bring the classifier's answer for changed frames of a composed clip back to that for the clean ones. It is",
        "another task and another network, so what can be compared is the order within a table, not a figure.",
        "",
        "**Brought back**: 100 (1 - KL with / KL without), in percent: the KL divergence to the clean answer on",
        f"changed frames of {figures['clips']} held-out clips, mean over three kinds of change ({changes}).",
        f"Mean of {figures['seeds']} seeds, with the 95 % interval over resampled clips; every seed behind it.",
        "**Clean KL**: in nats, on clips of which nothing was changed; less is better.",
        "",
        f"All variants: {STEP_CLIPS} clips a step, {STEP_FRAMES} frames of each through the rest of the network,",
        f"AdamW, rates {RATE:g} (theta, phi), {BIAS_RATE:g} (their biases), {OUTPUT_RATE:g} (g, W_z, the convolution),",
        f"unchanged frames counting {KEEP_WEIGHT:g} times, theta and phi starting as the identity. Nothing but the",
        "answer is taught, so rows are not those of the shipped networks. The two Gaussians start with rows that stay",
        "on the position itself, and the answer alone moves them slowly: how fast one learns is part of its figure.",
    ]
    for table in figures["tables"]:
        lines += ["", f"## {table['title']}" + (f" (table {table['number']})" if table["number"] else "")]
        lines += ["", f"The paper: {table['finding']}", ""]
        lines += ["| | brought back, % | each seed | clean KL | parameters | the paper |", "|---|---|---|---|---|---|"]
        lines += [_line(row, figures["variants"]) for row in table["rows"]]
        low, high = table["difference"][1:]
        lines += ["", f"**{table['verdict']}** (difference {table['difference'][0]:+.1f} [{low:+.1f}, {high:+.1f}])."]
    return "\n".join([*lines, ""])


def _line(row: dict[str, Any], variants: dict[str, Any]) -> str:
    paper = " ".join(
        part for part in ("" if row["paper"] is None else f"{row['paper']:.1f}", row["paper_words"]) if part
    )
    if row["variant"] == NONE:
        return f"| no block | 0 | | 0 | 0 | {paper} |"
    found = variants[row["variant"]]
    mean, low, high = found["share"]
    seeds = ", ".join(f"{value:.1f}" for value in found["by_seed"])
    return (
        f"| {row['title'] or found['title']} | {mean:.1f} [{low:.1f}, {high:.1f}] | {seeds} | "
        f"{found['clean_kl']:.3f} | {found['parameters']:,} | {paper} |"
    )
