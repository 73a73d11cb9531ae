"""Model cards: data, training, measures and permitted claims of a model, written from the logs of its runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pretrained.recipe.damage import JUDGED
from pretrained.recipe.evaluate import PROPAGATION, ROW_VERSIONS
from pretrained.recipe.losses import TERMS
from pretrained.recipe.measures import MEASURES
from pretrained.recipe.runs import BASELINE, RIVALS
from pretrained.recipe.train import OUTPUT_SHARES, STILLS, VERSION_SHARES

VERSION_WORDS = {
    "clean": "as composed",
    "damaged": "two frames in five damaged",
    "blur_cue": "one frame sharp, the others blurred",
    "grey_cue": "one frame in colour, the others grey",
}
CONTROL_WORDS = {
    "identity": "a row that stays on the position",
    "uniform": "a uniform row",
    "wrong": "another position's row",
}


FINER = ("fine_rows", "pooled_rows")
"""Parts of an evaluation that judge the block on the finer grid."""

Aim = tuple[str, str, float, float]
"""Clips, measure, and the minimum and maximum aimed for."""
MOST = float("inf")
AIMS: dict[str, tuple[Aim, ...]] = {
    "embedded_gaussian": (
        ("clean", "own_cell", 0, 0.20),
        ("clean", "places", 40, 300),
        ("clean", "covered", 0.88, MOST),
        ("clean", "on_object", 0.85, MOST),
        ("clean", "average_precision", 0.82, MOST),
        ("clean", "auc", 0.985, MOST),
        ("clean", "auc_object", 0.91, MOST),
        ("damaged", "average_precision", 0.68, MOST),
        ("damaged", "auc_object", 0.82, MOST),
    ),
    "gaussian": (("clean", "own_cell", 0, 0.35), ("clean", "average_precision", 0.74, MOST)),
}
"""Aims set before these blocks were trained, after a trial on cells of 16 pixels."""


def card_text(
    entry: dict[str, Any],
    runs: Sequence[dict[str, Any]],
    data: dict[str, Any],
    repeated: tuple[float, float] | None = None,
) -> str:
    """Return the card of a model with its data, its training, and every measure of every seed.

    ``repeated``: the largest difference of a weight and the training time, if the first run was repeated elsewhere.
    """
    first = runs[0]
    settings = first["logs"][0]["settings"]
    lines = [
        f"# {entry['title']}",
        "",
        entry["description"],
        "",
        "Written by `python -m pretrained.recipe ship` from the logs of the runs.",
        "",
        "## Made of",
        f"- Weights: `{entry['block']['file']}`, sha256 `{entry['block']['sha256']}`, of seed {settings['seed']}.",
        *_made_lines(settings["pairwise"], [log["settings"]["task"] for log in first["logs"]]),
        *(_split_line(split, data) for split in ("train", "choose", "test")),
        "- Cut-outs and photographs: Debian packages, split by file after near-duplicates were removed; none of them "
        "is in this repository.",
        "",
        "## Trained",
        *(line for log in first["logs"] for line in _training_lines(log)),
        "- One thread of a shared two-core machine.",
        *_repeated_line(repeated),
        "",
        f"## Where it looks: {data['clips']['test']} test clips, {len(runs)} seed{'s' if len(runs) > 1 else ''}",
        "All of a row's weight counts, that on its own cell too: `nonlocal_core/measures/objects.py` says what each "
        "figure means, `recipe/measures.py` the four last. Rankings, and what is `elsewhere`, are of keys in other "
        "frames. Mean, 95 % interval over clips of the shipped seed, and the difference to the parameter-free Gaussian "
        "of the same features on the same clips, with its interval. `query_dependence` is 1 - cosine, twice what the "
        "Inspect page shows.",
        "",
        "`stride8+16`, the block that is shown first:",
        "",
        *_row_table(runs, "fine_rows"),
        "",
        "The same rows with their weights added up over cells of 16 pixels, as a block at stride 16 has them:",
        "",
        *_row_table(runs, "pooled_rows"),
        "",
        "`stride16`, the block that the answer rests on:",
        "",
        *_row_table(runs, "rows"),
        *_later_rows(runs),
        *_aims(settings["pairwise"], first["evaluation"]),
        "",
        "## What its output does",
        "KL divergence in nats to the answer for the clean frame, on changed frames (`clean`: on all). The controls "
        "keep the trained g and W_z and exchange the rows: all weight on the position itself (which then gathers "
        "nothing), the same weight everywhere, another query's row. The difference is that of the shipped seed.",
        "",
        *_answer_table(first),
        *_answer_seeds(runs),
        *_control_lines(first),
        "",
        "## Real clips and pictures",
        "One query each on one object, which was boxed or outlined by hand. These clips were looked at while the "
        "recipe was chosen. `stride8+16` against the parameter-free Gaussian of both layers.",
        "",
        *_real_tables(first),
        *_real_seeds(runs),
        "",
        "## What may be claimed",
        *_claims(first),
        "",
    ]
    return "\n".join(lines)


def _listed(shares: Mapping[Any, float]) -> str:
    return ", ".join(f"{name} {weight:g}" for name, weight in shares.items())


def _seeds(values: Sequence[float], form: str) -> str:
    """Return the values of all seeds and, in bold, their mean."""
    return f"{', '.join(format(one, form) for one in values)}, **{np.mean(values):{form}}**"


def _split_line(split: str, data: dict[str, Any]) -> str:
    made = data[split]
    return (
        f"- {split}: {data['clips'][split]} clips of 8 frames, composed of {made['stamps']} cut-outs and "
        f"{made['photos']} photographs (names: {made['names']})."
    )


def _made_lines(pairwise: str, tasks: Sequence[str]) -> list[str]:
    after = "`stride16`" if "mend" not in tasks else "`stride16` and `mend`, one behind the other,"
    return [
        f"- {after} after block 10 (stride 16): `{pairwise}`, all positions as keys, C' = C, no norm after W_z. Not "
        "in the paper (`nonlocal_core/models/normalised.py`): each channel is standardised over the clip and each "
        "position scaled to one length before theta and phi; and y sums g_j - g_i, what the others have and the "
        "position has not (Tao et al., NeurIPS 2018), where the paper sums g_j.",
        f"- `stride8+16`: `{pairwise}` at stride 8, over the features of blocks 4 and 10 and what the rows of "
        "`stride16` sum up: a second hop, whose rows find the rest of an object by what the first found of it. It adds "
        "nothing to the features, so no answer rests on it.",
    ]


def _training_lines(log: dict[str, Any]) -> list[str]:
    settings, seconds = log["settings"], log["seconds"]
    task = settings["task"]
    sharper = (
        f" Clean rows at a temperature of {settings['temperature']:g}. The logits were then multiplied by "
        f"{settings['sharper']:g}, which changes the order of no key."
        if task == "mend"
        else f" One frame alone in {STILLS:.0%} of the clips. Nothing was sharpened afterwards."
    )
    affinity = (
        f"Affinity: {settings['affinity_steps']} steps of {settings['affinity_clips']} clips "
        f"({_listed(VERSION_SHARES[task])}), {seconds['affinity']} s; "
        f"terms (`recipe/losses.py`): {_listed(TERMS[task])}."
    )
    lines = [affinity + sharper]
    if "output" in seconds:
        lines.append(
            f"Output, theta and phi standing still: {settings['output_steps']} steps "
            f"({_listed(OUTPUT_SHARES[task])}), {seconds['output']} s; "
            f"KL to the clean answer, unchanged frames counting {settings['keep_weight']:g} times."
        )
    if "note" in log:
        lines.append(log["note"])
    name = {"find": "stride16", "mend": "mend", "refine": "stride8+16"}[task]
    return [f"- `{name}`. {line}" for line in lines]


def _repeated_line(repeated: tuple[float, float] | None) -> list[str]:
    if repeated is None:
        return []
    difference, seconds = repeated
    alike = "the same to the bit" if difference == 0 else f"within {difference:.1e} of these"
    return [
        f"- Done once more in a fresh clone, with one command, from the download of the pictures on: {seconds:.0f} s "
        f"of training, weights {alike}."
    ]


def _aims(pairwise: str, found: Mapping[str, Any]) -> list[str]:
    """Return the lines that set the aims beside the figures reached, and state the trade-off made."""
    if pairwise not in AIMS:
        return []
    trades = any(name == "on_object" for _, name, _, _ in AIMS[pairwise])
    lines = ["", "## What was wanted, and what was traded" if trades else "## What was wanted"]
    lines += ["What was to be reached was set on cells of 16 pixels. Figures that fall short are in bold.", ""]
    lines += ["| clips | measure | wanted | cells of 16 pixels | cells of 8 pixels |", "|---|---|---|---|---|"]
    for version, name, least, most in AIMS[pairwise]:
        cells = []
        for part in reversed(FINER):
            value = found[part][version][name]["mean"][0]
            shown = f"{value:.3f}"
            cells.append(shown if least <= value <= most else f"**{shown}**")
        lines.append(f"| {VERSION_WORDS[version]} | `{name}` | {_bounds(least, most)} | {' | '.join(cells)} |")
    if not trades:
        return lines
    clips = stills_and_clips(found["real"])[1]
    covered, weight = (mean_of(clips, "trained", name) for name in ("covered", "on_object"))
    return [
        *lines,
        "",
        f"Weight on the object was given up for covering it. On the real clips {weight:.2f} of the weight lies on the "
        f"object but only {covered:.2f} of the object is covered: large things are filled in part. Sharper rows raise "
        "the first figure and lower the second, which is the one that is seen: `pretrained/README.md` has the figures.",
    ]


def _bounds(least: float, most: float) -> str:
    if most == MOST:
        return f"at least {least:g}"
    return f"{least:g} to {most:g}" if least else f"at most {most:g}"


def _later_rows(runs: Sequence[dict[str, Any]]) -> list[str]:
    if "later_rows" not in runs[0]["evaluation"]:
        return []
    return [
        "",
        "`mend`, on what the first leaves behind, against the parameter-free Gaussian there. It is made to "
        "fetch what a frame has lost, not to tell objects apart.",
        "",
        *_row_table(runs, "later_rows"),
    ]


def _row_table(runs: Sequence[dict[str, Any]], part: str) -> list[str]:
    lines = ["| clips | measure | shipped seed | against parameter-free | all seeds |", "|---|---|---|---|---|"]
    for version in ROW_VERSIONS:
        for name in (*MEASURES, *([PROPAGATION] if version == "clean" and part not in FINER else [])):
            found = runs[0]["evaluation"][part][version][name]
            seeds = ", ".join(f"{run['evaluation'][part][version][name]['mean'][0]:.3f}" for run in runs)
            lines.append(
                f"| {VERSION_WORDS[version]} | `{name}` | {_interval(found['mean'])} | "
                f"{_interval(found['gain'], signed=True)} | {seeds} |"
            )
    return lines


def _answer_table(run: dict[str, Any]) -> list[str]:
    answers, gains = run["evaluation"]["answers"], run["evaluation"]["answer_gains"]
    lines = [
        "| clips | no block | learned | identity | uniform | wrong row | identity minus learned | best class kept |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for version in JUDGED:
        kl = [
            f"{answers[version][f'kl.{name}']['mean'][0]:.3f}"
            for name in ("none", "learned", "identity", "uniform", "wrong")
        ]
        gain = _interval(gains[version]["kl.identity-learned"]["mean"], signed=True)
        top1 = [answers[version][f"top1_kept.{name}"]["mean"][0] for name in ("learned", "none")]
        kept = f"{top1[0]:.2f} ({top1[1]:.2f} without)"
        lines.append(f"| {VERSION_WORDS[version]} | {' | '.join(kl)} | {gain} | {kept} |")
    return lines


def _answer_seeds(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Return the reduction of the KL divergence by the learned rows, for every seed and as their mean."""
    controls = ("none", "identity", "uniform", "wrong")
    lines = [
        "",
        "The learned rows' KL against that of each control, per seed and, in bold, as the mean of the seeds:",
        "",
    ]
    lines += ["| clips | no block | identity | uniform | wrong row |", "|---|---|---|---|---|"]
    for version in JUDGED[1:]:
        cells = []
        for control in controls:
            lower = [_lower(run["evaluation"]["answers"][version], control) for run in runs]
            cells.append(_seeds(lower, "+.0%"))
        lines.append(f"| {VERSION_WORDS[version]} | {' | '.join(cells)} |")
    return lines


def _lower(answers: dict[str, Any], control: str) -> float:
    return float(answers["kl.learned"]["mean"][0] / answers[f"kl.{control}"]["mean"][0] - 1)


def _control_lines(run: dict[str, Any]) -> list[str]:
    if "controls" not in run:
        return []
    lines = ["", "Trained again for rows that do not look at what is there, the fairer rivals:", ""]
    lines += ["| clips | learned | g of itself, retrained | same place of all frames, retrained |", "|---|---|---|---|"]
    for version in JUDGED:
        learned = run["evaluation"]["answers"][version]["kl.learned"]["mean"][0]
        rivals = [run["controls"][row][version][f"kl.{row}"]["mean"][0] for row in RIVALS]
        lines.append(f"| {VERSION_WORDS[version]} | {learned:.3f} | {rivals[0]:.3f} | {rivals[1]:.3f} |")
    return lines


REAL_MEASURES = ("own_cell", "places", "covered", "on_object", "average_precision", "auc", "hit_rate")
REAL_NAMES = {
    "blob": "blob, never looks",
    "colour": "mean colour",
    BASELINE: "parameter-free",
    "trained": "this network",
}


def stills_and_clips(real: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the entries of pictures and those of clips; only clips have a hit rate."""
    stills = {clip: found for clip, found in real.items() if "hit_rate" not in found["trained"]}
    return stills, {clip: found for clip, found in real.items() if clip not in stills}


def _real_tables(run: dict[str, Any]) -> list[str]:
    stills, clips = stills_and_clips(run["evaluation"]["real"])
    lines = [f"| clip | {' | '.join(f'`{name}`' for name in REAL_MEASURES)} | best class kept |"]
    lines += ["|" + "---|" * (len(REAL_MEASURES) + 2)]
    for clip, found in (clips | stills).items():
        lines.append(f"| {clip} | {_real_cells(found['trained'])} | {found['network']['top1_kept']:.2f} |")
    for words, group in (("clips", clips), ("pictures", stills)):
        for name, title in REAL_NAMES.items():
            means = {measure: mean_of(group, name, measure) for measure in _measured(group, name)}
            kept = f"{mean_of(group, 'network', 'top1_kept'):.2f}" if name == "trained" else ""
            lines.append(f"| mean of {len(group)} {words}: {title} | {_real_cells(means)} | {kept} |")
    return lines


def _measured(group: dict[str, Any], name: str) -> list[str]:
    return [measure for measure in REAL_MEASURES if any(measure in found[name] for found in group.values())]


def _real_cells(found: Mapping[str, float]) -> str:
    forms = {"places": ".0f"}
    cells = [format(found[name], forms.get(name, ".2f")) if name in found else "" for name in REAL_MEASURES]
    return " | ".join(cells)


def _real_seeds(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Return the means over the real clips for every seed."""
    if len(runs) < 2:
        return []
    found = []
    for measure in REAL_MEASURES:
        seeds = [mean_of(stills_and_clips(run["evaluation"]["real"])[1], "trained", measure) for run in runs]
        found.append(f"`{measure}` {_seeds(seeds, '.2f')}")
    return ["", f"Clips, per seed and, in bold, as the mean of the seeds: {'; '.join(found)}."]


def _claims(run: dict[str, Any]) -> list[str]:
    """Return one sentence per claim that the figures allow."""
    found = run["evaluation"]
    lines = ["- It matches appearance: two equal things are one to it."]
    for version in ("clean", "damaged"):
        for name in ("whole", "on_object", "average_precision", "auc", "auc_object"):
            words = _beside(found["fine_rows"][version][name]["gain"])
            lines.append(f"- `{name}`, {VERSION_WORDS[version]}: {words} the parameter-free Gaussian.")
    carried = _beside(found["rows"]["clean"][PROPAGATION]["gain"])
    lines.append(
        f"- `{PROPAGATION}` by `stride16`: {carried} the parameter-free Gaussian; wide rows carry labels badly."
    )
    for words, group in zip(("pictures", "clips"), stills_and_clips(found["real"]), strict=True):
        difference = mean_of(group, "trained", "whole") - mean_of(group, BASELINE, "whole")
        verdict = "no ground to prefer it there" if difference <= 0 else "too few to generalise from"
        lines.append(
            f"- Real {words}: `whole` {difference:+.3f} against parameter-free, {len(group)} of them: {verdict}."
        )
    for version in ("damaged", "blur_cue", "grey_cue"):
        lines.append(f"- Output, {VERSION_WORDS[version]}: {_verdict(run, version)}.")
    return [*lines, "- Nothing about action recognition, and nothing about the weights of the paper."]


def _beside(gain: Sequence[float]) -> str:
    return "better than" if gain[1] > 0 else "worse than" if gain[2] < 0 else "not told apart from"


def _verdict(run: dict[str, Any], version: str) -> str:
    """Return the verdict on the attended places as cause of a better answer; only a retrained rival can show it."""
    gains = run["evaluation"]["answer_gains"][version]
    as_good = [words for control, words in CONTROL_WORDS.items() if gains[f"kl.{control}-learned"]["mean"][1] <= 0]
    if as_good:
        return f"not shown to come from the attended places; not told apart from {' and '.join(as_good)}"
    if "controls" not in run:
        return "better than with exchanged rows; no rival was trained again, so do not claim where it comes from"
    learned = run["evaluation"]["answers"][version]["kl.learned"]["mean"][0]
    rivals = [run["controls"][row][version][f"kl.{row}"]["mean"][0] for row in RIVALS]
    if learned >= min(rivals):
        return "not shown to come from the attended places; a rival trained for a row that does not look does as well"
    return "better than a rival trained for a row that does not look"


def _interval(values: Sequence[float], *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return f"{values[0]:{sign}.3f} [{values[1]:{sign}.3f}, {values[2]:{sign}.3f}]"


def mean_of(real: dict[str, Any], name: str, measure: str) -> float:
    """Return the mean of a measure over the real clips that have it; a row without any weight has no shares."""
    return float(np.mean([found[name][measure] for found in real.values() if measure in found[name]]))
