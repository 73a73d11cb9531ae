"""A network of the catalog, built: its parameters are the shipped ones, and nothing of it learns on."""

from dataclasses import replace

import pytest
import torch

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights import building
from nonlocal_core.weights.building import build_model
from nonlocal_core.weights.catalog import find_card
from nonlocal_core.weights.shipped import read_shipped


@pytest.mark.parametrize("name", ["lite0-dot-product", "lite0-mark-film"])
def test_blocks_hold_the_shipped_tensors_in_float32_and_are_frozen(name):
    network, card = build_model(name)
    assert card is find_card(name)
    found, stored = network.blocks().state_dict(), read_shipped(card.block)
    assert found.keys() == stored.keys()
    for key, tensor in stored.items():
        assert torch.equal(found[key].double(), tensor.double())
        assert found[key].dtype == (torch.float32 if tensor.is_floating_point() else tensor.dtype)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(module.training for module in network.modules())


def test_a_card_of_trained_blocks_without_their_file_is_refused(monkeypatch):
    card = replace(find_card("lite0-gaussian"), block=None)
    monkeypatch.setattr(building, "find_card", lambda _: card)
    with pytest.raises(WeightsError, match="The catalog names no weights for the blocks of lite0-gaussian"):
        build_model("lite0-gaussian")
