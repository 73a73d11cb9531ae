"""Shipping of trained runs: weights, catalog entries, cards, and the figures that the app shows."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from nonlocal_core.models.lite0_networks import trained_network
from nonlocal_core.vocabulary import PAIRWISE, RULE_TITLES, Pairwise
from pretrained.recipe.card import REAL_MEASURES, card_text, mean_of, stills_and_clips
from pretrained.recipe.runs import BASELINE, TASKS, Workshop, trunk

PRETRAINED = Path(__file__).parents[1]

DEFAULT_MODEL = "lite0-embedded-gaussian"
"""First model of the catalog: the best on real clips by average precision, as a test checks."""

ROW_FIGURES = ("own_cell", "places", "covered", "on_object", "average_precision", "auc", "auc_object")
DAMAGED_FIGURES = ("covered", "average_precision", "auc_object")
"""Measures on damaged clips that the app shows."""

DESCRIPTIONS: dict[Pairwise, str] = {
    "gaussian": "The affinity is the Gaussian of the classifier's own features, of which a gain for each channel and "
    "the temperature were learned.",
    "embedded_gaussian": "Theta and phi were learned on top of the classifier's features. Another block of the same "
    "kind behind the first mends: positions of damaged frames look for the same thing in whole ones.",
    "dot_product": "Theta and phi were learned so that the positive weights of a row find the same object. Negative "
    "weights enter the output as well.",
    "concatenation": "Whatever its weights, this function ranks the keys alike for every query: its maps show what "
    "stands out, and no correspondence.",
}
COMMON = (
    "The same frozen classifier with {title} non-local blocks, trained on clips composed of photographs whose objects "
    "are known to the pixel. {own} The first block looks at stride 16; the one that is shown looks at stride 8, and is "
    "told what the first found. The maps show which positions of the clip look like parts of the same thing; they "
    "follow appearance, not identity. What was measured is on the card."
)


def ship(workshop: Workshop, names: Sequence[Pairwise], seeds: Sequence[int], again: Workshop | None = None) -> None:
    """Copy the weights of each function's first seed into ``pretrained`` and write catalog entries and cards.

    ``again``: workshop of another clone in which the first seed was trained once more. The cards then state the largest
    difference.
    """
    catalog = json.loads((PRETRAINED / "catalog.json").read_text(encoding="utf-8"))
    (PRETRAINED / "cards").mkdir(exist_ok=True)
    for pairwise in names:
        model = _model_id(pairwise)
        weights = PRETRAINED / f"{model}.safetensors"
        save_file(_blocks(workshop, pairwise, seeds[0]), weights)
        entry = _entry(model, pairwise, hashlib.sha256(weights.read_bytes()).hexdigest())
        known = {kept["id"]: kept for kept in catalog["models"]} | {model: entry}  # an old entry keeps its place
        catalog["models"] = sorted(known.values(), key=lambda entry: entry["id"] != DEFAULT_MODEL)
        runs = [_load(workshop, pairwise, seed) for seed in seeds]
        repeated = _repeated(workshop, again, pairwise, seeds[0]) if again else None
        card = card_text(entry, runs, _json(workshop.folder / "data.json"), repeated)
        (PRETRAINED / entry["block"]["card"]).write_text(card, encoding="utf-8")
        workshop.tell(f"shipped {model}")
    _write(PRETRAINED / "catalog.json", catalog)
    if not set(PAIRWISE) - set(names):
        titles = {entry["id"]: entry["title"] for entry in catalog["models"]}
        _write(PRETRAINED / "measured.json", _measured(workshop, titles, seeds[0]))


def _blocks(workshop: Workshop, pairwise: Pairwise, seed: int) -> dict[str, torch.Tensor]:
    """Return the weights of a network's blocks under the names of the network's parameters."""
    names = trained_network(trunk(), pairwise).blocks()
    folders = [workshop.run(pairwise, seed, task) for task in TASKS[pairwise]]
    return {
        f"{name}.{key}": tensor
        for name, folder in zip(names, folders, strict=True)
        for key, tensor in load_file(folder / "block.safetensors").items()
    }


def _repeated(workshop: Workshop, again: Workshop, pairwise: Pairwise, seed: int) -> tuple[float, float] | None:
    """Return the largest difference of a weight and the training time of the repetition, or None without one."""
    if not all((again.run(pairwise, seed, task) / "block.safetensors").exists() for task in TASKS[pairwise]):
        return None
    ours, theirs = (_blocks(folder, pairwise, seed) for folder in (workshop, again))
    logs = [_json(again.run(pairwise, seed, task) / "log.json") for task in TASKS[pairwise]]
    differences = [float((tensor - theirs[name]).abs().max()) for name, tensor in ours.items()]
    return max(differences), sum(sum(log["seconds"].values()) for log in logs)


def _model_id(pairwise: Pairwise) -> str:
    return f"lite0-{pairwise.replace('_', '-')}"


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _measured(workshop: Workshop, titles: dict[str, str], seed: int) -> list[dict[str, Any]]:
    """Return the figures of every network's rows for the app, those of the parameter-free network first."""
    baseline = _json(workshop.folder / "baseline.json")
    judged = {_model_id(p): _json(workshop.evaluation(p, seed)) for p in PAIRWISE}
    free = "lite0-parameter-free"
    beside = next(iter(judged.values()))["real"]  # each evaluation holds the baseline on the same clips
    found = [
        (free, titles[free], _figures(baseline["fine_rows"], beside, BASELINE)),
        *((model, titles[model], _trained_figures(found)) for model, found in judged.items()),
    ]
    return [{"id": model, "title": title, "figures": figures} for model, title, figures in found]


def _figures(rows: dict[str, Any], real: dict[str, Any], name: str) -> dict[str, float]:
    figures = {measure: rows["clean"][measure]["mean"][0] for measure in ROW_FIGURES}
    figures |= {f"damaged_{measure}": rows["damaged"][measure]["mean"][0] for measure in DAMAGED_FIGURES}
    stills, clips = stills_and_clips(real)
    figures |= {f"real_{measure}": round(mean_of(clips, name, measure), 4) for measure in ("whole", *REAL_MEASURES)}
    return figures | {"stills_own_cell": round(mean_of(stills, name, "own_cell"), 4)}


def _trained_figures(found: dict[str, Any]) -> dict[str, float]:
    kept = round(mean_of(found["real"], "network", "top1_kept"), 4)
    return _figures(found["fine_rows"], found["real"], "trained") | {"top1_kept": kept}


def _entry(model: str, pairwise: Pairwise, sha256: str) -> dict[str, Any]:
    network = trained_network(trunk(), pairwise)
    title = RULE_TITLES[pairwise]
    words = title if pairwise == "gaussian" else title[0].lower() + title[1:]
    return {
        "id": model,
        "title": f"EfficientNet-Lite0, trained {words}",
        "description": COMMON.format(title=words, own=DESCRIPTIONS[pairwise]),
        "network": "lite0_trained",
        "pairwise": pairwise,
        "blocks": list(network.blocks()),
        "status": "trained",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "weights": "lite0",
        "block": {"file": f"{model}.safetensors", "sha256": sha256, "card": f"cards/{model}.md"},
    }


def _load(workshop: Workshop, pairwise: Pairwise, seed: int) -> dict[str, Any]:
    evaluation = workshop.evaluation(pairwise, seed)
    logs = [_json(workshop.run(pairwise, seed, task) / "log.json") for task in TASKS[pairwise]]
    controls = evaluation.with_name("controls.json")
    found = {"logs": logs, "evaluation": _json(evaluation)}
    return found | ({"controls": _json(controls)} if controls.exists() else {})


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
