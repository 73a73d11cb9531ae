"""Construction of a catalog card's network, filled with its weights."""

from torch import Tensor

from nonlocal_core.errors import WeightsError
from nonlocal_core.models.lite0_networks import Lite0Network, parameter_free_network, trained_network
from nonlocal_core.models.mark import MarkNetwork
from nonlocal_core.weights.catalog import DEFAULT, ModelCard, find_card
from nonlocal_core.weights.lite0 import load_lite0
from nonlocal_core.weights.loading import fill
from nonlocal_core.weights.locations import ShippedFile
from nonlocal_core.weights.shipped import read_shipped


def build_model(name: str = DEFAULT) -> tuple[Lite0Network | MarkNetwork, ModelCard]:
    """Return the network, frozen and in eval mode, and its card.

    Raises UnknownNameError, listing the ids, and WeightsError if the weights are missing or differ from the pinned
    ones.
    """
    card = find_card(name)
    trunk = load_lite0(card.weights)
    network: Lite0Network | MarkNetwork
    match card.network:
        case "lite0_parameter_free":
            network = parameter_free_network(trunk)
        case "lite0_trained":
            network = trained_network(trunk, card.pairwise)
            fill(network.blocks(), read_shipped(_block_of(card)))
        case "lite0_mark":
            network = MarkNetwork(trunk, card.blocks)
            fill(network.blocks(), _widened(read_shipped(_block_of(card))))
    return network.eval().requires_grad_(requires_grad=False), card


def _block_of(card: ModelCard) -> ShippedFile:
    if card.block is None:
        raise WeightsError(f"The catalog names no weights for the blocks of {card.id}. Install this package again.")
    return card.block


def _widened(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors in float32, in which snapshots run, although they are stored in float16."""
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
