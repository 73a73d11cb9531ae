"""The models that can be opened by name, and what may be claimed about each."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from nonlocal_core.errors import UnknownNameError, WeightsError
from nonlocal_core.models.lite0_networks import Lite0Network, parameter_free_network, trained_network
from nonlocal_core.vocabulary import Pairwise, WeightStatus
from nonlocal_core.weights.lite0 import WheelFile, load_lite0
from nonlocal_core.weights.loading import fill
from nonlocal_core.weights.shipped import ShippedFile, read_shipped

DEFAULT = "default"
"""Another name of the first model of the catalog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What pretrained/catalog.json says about a model."""

    id: str
    title: str
    description: str
    """One paragraph: what the maps show, and what may be claimed from them."""
    network: Literal["lite0_parameter_free", "lite0_trained"]
    """Which function builds it."""
    pairwise: Pairwise
    blocks: tuple[str, ...]
    """Names of the blocks, in the order in which they run."""
    status: WeightStatus
    parameters: int
    """All of the network, batch normalisation folded."""
    weights: WheelFile
    """Of the trunk."""
    block: ShippedFile | None = None
    """Of the blocks, where they have weights."""


def list_models() -> tuple[ModelCard, ...]:
    """Return the cards of all models; the first is the default."""
    return tuple(_cards().values())


def find_card(name: str = DEFAULT) -> ModelCard:
    """Return the card of a model. Raises UnknownNameError that lists the ids."""
    cards = _cards()
    if name == DEFAULT:
        return next(iter(cards.values()))
    if name not in cards:
        raise UnknownNameError("model", name, [DEFAULT, *cards])
    return cards[name]


def build_model(name: str = DEFAULT) -> tuple[Lite0Network, ModelCard]:
    """Return the network, frozen and in eval mode, and its card.

    Raises UnknownNameError that lists the ids, and WeightsError when the weights are missing or not the pinned ones.
    """
    card = find_card(name)
    trunk = load_lite0(card.weights)
    match card.network:
        case "lite0_parameter_free":
            network = parameter_free_network(trunk)
        case "lite0_trained":
            network = trained_network(trunk, card.pairwise)
            fill(network.blocks(), read_shipped(_block_of(card)))
    return network.eval().requires_grad_(requires_grad=False), card


def _block_of(card: ModelCard) -> ShippedFile:
    if card.block is None:
        raise WeightsError(f"The catalog names no weights for the blocks of {card.id}. Install this package again.")
    return card.block


@cache
def _cards() -> dict[str, ModelCard]:
    catalog = json.loads((files("pretrained") / "catalog.json").read_text(encoding="utf-8"))
    sources = {name: WheelFile(**source) for name, source in catalog["weights"].items()}
    cards = [_card(entry, sources) for entry in catalog["models"]]
    return {card.id: card for card in cards}


def _card(entry: dict[str, Any], sources: dict[str, WheelFile]) -> ModelCard:
    block = ShippedFile(**entry["block"]) if "block" in entry else None
    known = {"blocks": tuple(entry["blocks"]), "weights": sources[entry["weights"]], "block": block}
    return ModelCard(**(entry | known))
