"""Cards of the models that can be opened by name, with the claims that their measurements allow."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from nonlocal_core.errors import UnknownNameError
from nonlocal_core.installed import folder_of
from nonlocal_core.vocabulary import Pairwise, WeightStatus
from nonlocal_core.weights.locations import ShippedFile, WheelFile

DEFAULT = "default"
"""Alias of the first model of the catalog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """Entry of pretrained/catalog.json for a model."""

    id: str
    title: str
    description: str
    """One paragraph on the meaning of the maps and the claims that they allow."""
    network: Literal["lite0_parameter_free", "lite0_trained", "lite0_mark"]
    """Name of the function that builds it."""
    pairwise: Pairwise
    blocks: tuple[str, ...]
    """Names of the blocks, in the order in which they run."""
    status: WeightStatus
    parameters: int
    """Number of parameters of the whole network, with batch normalisation folded."""
    weights: WheelFile
    """Weights of the trunk."""
    block: ShippedFile | None = None
    """Weights of the blocks, or None if they have none."""
    samples: tuple[str, ...] = ()
    """Ids of the samples that the model was made for; empty for any clip."""


def list_models() -> tuple[ModelCard, ...]:
    """Return the cards of all models that open on any clip, the default first.

    Models for a single task, which were made for some samples, are found only by their ids.

    >>> [(card.id, card.status) for card in list_models()][:2]
    [('lite0-embedded-gaussian', 'trained'), ('lite0-parameter-free', 'parameter_free')]
    """
    return tuple(_cards().values())


def find_card(name: str = DEFAULT) -> ModelCard:
    """Return the card of a model. Raises UnknownNameError, listing the ids."""
    cards = _cards()
    if name == DEFAULT:
        return next(iter(cards.values()))
    known = cards | _cards("tasks")
    if name not in known:
        raise UnknownNameError("model", name, [DEFAULT, *known])
    return known[name]


def models_for(sample_id: str) -> tuple[ModelCard, ...]:
    """Return the cards of the models that were made for a sample, the one to open first; empty for most.

    >>> [card.id for card in models_for("marked")], models_for("bunny")
    (['lite0-mark', 'lite0-mark-film'], ())
    """
    return tuple(card for card in _cards("tasks").values() if sample_id in card.samples)


def shipped_ids() -> frozenset[str]:
    """Return every id that ``find_card`` knows."""
    return frozenset({DEFAULT, *_cards(), *_cards("tasks")})


@cache
def _cards(part: Literal["models", "tasks"] = "models") -> dict[str, ModelCard]:
    catalog = json.loads((folder_of("pretrained") / "catalog.json").read_text(encoding="utf-8"))
    sources = {name: WheelFile(**source) for name, source in catalog["weights"].items()}
    cards = [_card(entry, sources) for entry in catalog[part]]
    return {card.id: card for card in cards}


def _card(entry: dict[str, Any], sources: dict[str, WheelFile]) -> ModelCard:
    block = ShippedFile(**entry["block"]) if "block" in entry else None
    known = {"blocks": tuple(entry["blocks"]), "weights": sources[entry["weights"]], "block": block}
    known["samples"] = tuple(entry.get("samples", ()))
    return ModelCard(**(entry | known))
