"""The text of ABLATIONS.md and the file that the app reads, from the logs of the runs."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pretrained.recipe.mark.figures import figures_of
from pretrained.recipe.mark.records import merged, read_logs, read_records, write_records
from pretrained.recipe.mark.scenes import FRAMES, OBJECTS
from pretrained.recipe.mark.training import COOL, GROWN, LONG_PATIENCE, LOOK_EVERY, MOST, PATIENCE, STARTED, STEP_CLIPS
from pretrained.recipe.mark.variants import PATIENT, PLAIN
from pretrained.recipe.ship import PRETRAINED

WIDTH = 118
RECORDS = "mark_runs.jsonl"
"""File with the records of every run."""
PREFACE = (
    "Written by `python -m pretrained.recipe mark tables` from the logs of `mark train`. The app shows the same under "
    "Findings.",
    f"**Who wore the mark?** {OBJECTS} objects move over {FRAMES} frames of a composed clip. In one "
    "frame each wears one "
    f"of {OBJECTS} marks, drawn anew every time; asked at the object in another frame: which mark did "
    "it wear? A linear "
    "layer answers from what the variant makes of the features of a frozen ImageNet classifier at that position. Two "
    "hops: A and its partner wear the same tag in one frame, the partner wears one of two marks in "
    "another; asked at A: "
    "the partner's mark.",
    "**Won**: (accuracy - chance) / (1 - chance), in percent: of what can be won, chance being 1/3 (two hops: 1/2). "
    "Mean of all seeds on {clips} test clips of pictures that were not seen before, with the 95 % interval over seeds "
    "*and* clips, both resampled; of one seed alone, over clips. The clips share a few dozen objects "
    "and five photographs, which "
    "the interval does not "
    "count.",
    f"**Plateau**: {STEP_CLIPS} clips a step, AdamW; every {LOOK_EVERY} steps questions on clips of "
    "other pictures. Once "
    f"the share won has not grown by {100 * GROWN:.0f} point for {PATIENCE} steps ({LONG_PATIENCE:,} while it is below "
    f"{100 * STARTED:.0f} %), the rates fall to zero in {COOL} steps, and the run is judged. "
    "**Seconds**: of a training of the mean length at the pace of its fastest seed, on one thread of a CPU that others "
    "used as well.",
    "It measures fetching by likeness on composed clips, not video recognition.",
)


def write_report(runs_folder: Path, longer: Path, target: Path = PRETRAINED) -> None:
    """Add the logs of a folder to the records of former runs, and write all figures from both.

    ``longer``: answers about longer clips, which may be missing. Writes `RECORDS`; ``ablations.json``, the figures
    that the app shows; and ``ABLATIONS.md``.
    """
    runs = merged(read_records(target / RECORDS), read_logs(runs_folder, longer))
    write_records(target / RECORDS, runs)
    shown = target / "ablations.json"
    former = json.loads(shown.read_text(encoding="utf-8")) if shown.exists() else None
    figures = figures_of(runs, former)
    shown.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (target / "ABLATIONS.md").write_text(report(figures), encoding="utf-8")


def report(figures: dict[str, Any]) -> str:
    """Return the text of ABLATIONS.md."""
    lines = ["# The paper's findings, measured by a task that takes a look elsewhere"]
    for paragraph in PREFACE:
        lines += ["", _wrapped(paragraph.format(clips=figures["clips"]))]
    for chart in figures["charts"]:
        lines += _chart(chart, figures["variants"])
    lines += _controls(figures)
    lines += _distance(figures)
    lines += _longer(figures)
    return "\n".join([*lines, ""])


def _chart(chart: dict[str, Any], variants: dict[str, Any]) -> list[str]:
    lines = ["", f"## {chart['title']} (table {chart['number']})", ""]
    lines += [
        "| | won, % | each seed | steps | seconds | parameters | the paper, top-1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for bar in chart["bars"]:
        paper = " ".join(part for part in (str(bar["paper"] or ""), bar["paper_words"]) if part) or "-"
        lines.append(_line(bar["title"], variants[bar["variant"]], paper))
    lines.append("")
    for claim in chart["claims"]:
        reason = f" {claim['reason']}" if claim["reason"] else ""
        lines.append(f"- {claim['words']} **{_capital(claim['verdict'])}** ({signed(claim['difference'])}).{reason}")
    return [*lines, "", _wrapped(chart["says"])]


def _controls(figures: dict[str, Any]) -> list[str]:
    variants = figures["variants"]
    lines = ["", "## Controls, and beyond the paper", ""]
    lines += ["| | won, % | each seed | steps | seconds | parameters |", "|---|---|---|---|---|---|"]
    lines += [_line(variants[name]["title"], variants[name]) for name in figures["controls"]]
    looking = {name: variant for name, variant in variants.items() if variant["looks"]}
    lines += [
        "",
        _wrapped(
            "Where the rows look, in shares of a row's weight: on the object that is asked for in "
            "the frame of marks, on "
            "the two others there, on the object in all frames, on the position itself; and over how many places it is "
            "spread."
        ),
        "",
        "| | object, marked frame | others there | object, all frames | own cell | places |",
        "|---|---|---|---|---|---|",
    ]
    for variant in looking.values():
        at = variant["looks"]
        shares = " | ".join(f"{at[key]:.2f}" for key in ("marked", "others", "object", "own_cell"))
        lines.append(f"| {variant['title']} | {shares} | {at['places']:.0f} |")
    return [*lines, *_paper_start(variants)]


def _paper_start(variants: dict[str, Any]) -> list[str]:
    """Return the lines on the time that each seed of the paper's start sat at chance, and on the rule's effect."""
    found = [variants[name] for name in ("paper_start", "paper_start-patient") if name in variants]
    if not found:
        return []
    lines = [
        "",
        _wrapped(
            "The paper's start (N(0, .01), half the channels, no norm before, batch norm with a scale of zero behind) "
            f"sits at chance for long and then learns. Step from which on a seed won {100 * STARTED:.0f} % of the "
            "choosing clips, the steps of the whole run, and percent won on the test clips:"
        ),
        "",
        "| | of each seed: started, stopped, won |",
        "|---|---|",
    ]
    for one in found:
        seeds = [
            f"{f'{started:,}' if started else 'never'}, {steps:,}, {won:.0f}"
            for started, steps, won in zip(one["started"], one["steps"], one["by_seed"], strict=True)
        ]
        lines.append(f"| {one['title']} | {'; '.join(seeds)} |")
    words = (
        "So seeds differ by what the rule does to them: one that is stopped while it sits at chance wins nothing, and "
        f"one that still grows at {MOST:,} steps is cut short."
    )
    if "paper_start-patient" in variants:
        patient = variants["paper_start-patient"]
        never, cut = patient["started"].count(None), sum(steps > PATIENT * MOST for steps in patient["steps"])
        words += (
            f" A rule {PATIENT} times as patient cuts {cut or 'none'} short, and {never or 'none'} of its "
            f"{len(patient['started'])} seeds never leaves chance."
        )
    words += f" From the identity every seed starts within {max(variants[PLAIN]['started']):,} steps."
    return [*lines, "", _wrapped(words)]


def _distance(figures: dict[str, Any]) -> list[str]:
    lines = ["", "## How far apart", "", "Won, %, by the frames between question and mark.", ""]
    lines += ["| | 1 | 2 | 3 |", "|---|---|---|---|"]
    for variant in figures["variants"].values():
        found = variant["by_frames_apart"]
        words = f"{variant['title']}, two hops" if variant["hops"] > 1 else variant["title"]
        lines.append(f"| {words} | " + " | ".join(f"{found[key]:.0f}" for key in ("1", "2", "3")) + " |")
    return lines


def _longer(figures: dict[str, Any]) -> list[str]:
    if "longer" not in figures:
        return []
    found, variants = figures["longer"], figures["variants"]
    apart = [str(frames) for frames in range(1, found["frames"])]
    lines = ["", "## More frames", ""]
    lines += [
        _wrapped(
            f"The same networks, which learned from clips of {FRAMES} frames, asked about {found['clips']} clips of "
            f"{found['frames']} without learning anything new. Won, %: on clips of {FRAMES} frames, on these, and on "
            "these by the frames between question and mark."
        ),
        "",
        f"| | {FRAMES} frames | {found['frames']} frames | {' | '.join(apart)} |",
        "|---" * (3 + len(apart)) + "|",
    ]
    for name, one in found["variants"].items():
        mean, low, high = one["won"]
        cells = " | ".join(f"{one['by_frames_apart'][key]:.0f}" for key in apart)
        before = variants[name]["won"][0]
        lines.append(f"| {variants[name]['title']} | {before:.1f} | {mean:.1f} [{low:.1f}, {high:.1f}] | {cells} |")
    return lines


def _line(title: str, found: dict[str, Any], *more: str) -> str:
    mean, low, high = found["won"]
    seeds = ", ".join(f"{value:.1f}" for value in found["by_seed"])
    steps = " to ".join(f"{count:,}" for count in sorted({min(found["steps"]), max(found["steps"])}))
    cells = [title, f"{mean:.1f} [{low:.1f}, {high:.1f}]", seeds, steps, f"{found['seconds']}"]
    return "| " + " | ".join([*cells, f"{found['parameters']:,}", *more]) + " |"


def signed(difference: Sequence[float]) -> str:
    """Return a difference with its interval, in percentage points."""
    mean, low, high = difference
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}] points"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
