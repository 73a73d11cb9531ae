"""Shipping of the network that tells who wore the mark: weights, catalog entry, card."""

import hashlib
import json
import textwrap
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from nonlocal_core.models.mark import MARK_CHANNELS, MarkNetwork
from pretrained.recipe.mark.film import STEPS
from pretrained.recipe.mark.report import WIDTH
from pretrained.recipe.mark.variants import PLAIN, parameter_count
from pretrained.recipe.runs import trunk
from pretrained.recipe.ship import PRETRAINED

MODEL, SEED = "lite0-mark", 1
SAMPLES = ["marked", "alike"]
"""Samples that the networks are made for."""
TITLE = "EfficientNet-Lite0, who wore the mark?"
DESCRIPTION = (
    "A frozen ImageNet classifier, and one embedded Gaussian block behind its block 10, trained to say at every "
    "position which mark the object there wears in another frame. Marks reach it as three channels more, beside the "
    "features. Nothing at a position tells the answer, so it rests on where the block looks. It measures fetching by "
    "likeness on composed clips, not video recognition."
)
FILM_TITLE = "Who wore the mark? While it learns"
FILM_DESCRIPTION = (
    "Snapshots of two networks while they learn who wore the mark. One begins with theta and phi as the identity over "
    "features of unit length: it knows where to look within a hundred steps. The other begins as in the paper, from "
    "N(0, .01) with no norm before and a batch norm of zero behind: for a thousand steps it answers by chance. "
    "Every snapshot looks and answers for itself."
)
STARTS = {"embedded_gaussian": "identity", "paper_start": "paper"}


def ship(runs_folder: Path, film_folder: Path, target: Path = PRETRAINED) -> None:
    """Write the network of the first seed, the film of its training, their catalog entries and their card.

    The card quotes ``ablations.json``, which `pretrained.recipe.mark.report.write_report` must have written before.
    """
    plain = _as(load_file(runs_folder / f"{PLAIN}-{SEED}.safetensors"), "mark")
    entries = [_entry(target, MODEL, TITLE, DESCRIPTION, plain)]
    entries.append(_entry(target, f"{MODEL}-film", FILM_TITLE, FILM_DESCRIPTION, _snapshots(film_folder)))
    catalog = json.loads((target / "catalog.json").read_text(encoding="utf-8"))
    catalog["tasks"] = entries
    (target / "catalog.json").write_text(json.dumps(catalog, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    figures = json.loads((target / "ablations.json").read_text(encoding="utf-8"))
    card = _card(entries[0], entries[1], figures)
    (target / "cards" / f"{MODEL}.md").write_text(card, encoding="utf-8")


def _entry(target: Path, model: str, title: str, description: str, tensors: dict[str, Any]) -> dict[str, Any]:
    """Write the weights of a network and return its catalog entry."""
    weights = target / f"{model}.safetensors"
    save_file(tensors, weights)
    weights.chmod(0o644)
    names = list(dict.fromkeys(key.split(".")[1] for key in tensors))
    return {
        "id": model,
        "title": title,
        "description": description,
        "network": "lite0_mark",
        "pairwise": "embedded_gaussian",
        "blocks": names,
        "status": "trained",
        "parameters": parameter_count(MarkNetwork(trunk(), names)),
        "weights": "lite0",
        "samples": SAMPLES,
        "block": {
            "file": weights.name,
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
            "card": f"cards/{MODEL}.md",
        },
    }


def _snapshots(folder: Path) -> dict[str, Any]:
    """Return the tensors of all snapshots in float16, in the order in which they are shown."""
    found: dict[str, Any] = {}
    for variant, steps in STEPS.items():
        last = int((folder / f"{variant}.txt").read_text(encoding="utf-8"))
        for step, file in [*((step, step) for step in steps), (last, "end")]:
            stored = load_file(folder / f"{variant}-{file}.safetensors")
            halved = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in stored.items()}
            found |= _as(halved, f"{STARTS[variant]}-{step}")
    return found


def _as(stored: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the tensors of an `Answerer` under the names of a snapshot of a `MarkNetwork`."""
    return {
        key.replace("bodies.0.block.", "bodies.0.")
        .replace("bodies.0.", f"looks.{name}.")
        .replace("head.", f"heads.{name}."): tensor
        for key, tensor in stored.items()
    }


def _card(entry: dict[str, Any], film: dict[str, Any], figures: dict[str, Any]) -> str:
    found = figures["variants"][PLAIN]
    mean, low, high = found["won"]
    looks = found["looks"]
    facts = (
        f"Weights: `{entry['block']['file']}`, sha256 `{entry['block']['sha256']}`, of seed {SEED} of "
        f"{len(found['by_seed'])}.",
        f"Block: embedded Gaussian over {MARK_CHANNELS} channels, of which three are marks; all positions as keys, "
        "C' = C, no norm behind W_z. Not in the paper (`nonlocal_core/models/mark.py`): features standardised over the "
        "clip, unit length with a learned gain and length before theta and phi.",
        "Trained on 800 composed clips of 4 frames until it stood still, and judged on clips of pictures that were "
        "not seen before; how, and against what, is in [ABLATIONS](../ABLATIONS.md).",
        f"Won, of what can be won: {mean:.1f} % [{low:.1f}, {high:.1f}] over seeds and {figures['clips']} clips; this "
        f"seed {found['by_seed'][SEED - 1]:.1f} %. Without a block {_won(figures, 'none')}, with an even row "
        f"{_won(figures, 'uniform')}, with the row of another position {_won(figures, 'wrong')}.",
        f"Of a row's weight {100 * looks['marked']:.0f} % lie on the object in the frame of marks, "
        f"{100 * looks['others']:.0f} % on the others there, {100 * looks['own_cell']:.0f} % on the cell itself; "
        f"{looks['places']:.0f} places.",
        "The clips to show it on are `sample:marked` and `sample:alike`, composed of pictures that come with "
        "scikit-image, none of which it learned from. On them marks are drawn as coloured lines, which its trunk sees "
        "as well; in training there were none.",
        f"`{film['id']}` (`{film['block']['file']}`, sha256 `{film['block']['sha256']}`) holds snapshots of the same "
        f"training and of one from the paper's start, in float16, of seed {SEED}. From the paper's start the seeds won "
        f"{_by_seed(figures, 'paper_start')} until the rule stopped them.",
        "It measures fetching by likeness on composed clips, not video recognition.",
    )
    body = "\n".join(_item(fact) for fact in facts)
    return (
        f"# {entry['title']}\n\n{entry['description']}\n\n"
        f"Written by `python -m pretrained.recipe mark ship` from the figures of `mark tables`.\n\n{body}\n"
    )


def _item(fact: str) -> str:
    return textwrap.fill(
        fact, WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _won(figures: dict[str, Any], name: str) -> str:
    return f"{round(figures['variants'][name]['won'][0])} %" if name in figures["variants"] else "(not run)"


def _by_seed(figures: dict[str, Any], name: str) -> str:
    return ", ".join(f"{round(won)} %" for won in figures["variants"][name]["by_seed"])
