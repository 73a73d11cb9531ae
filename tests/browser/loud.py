"""Blocks that matter: whatever weights are shipped, what they add is drawn anew and large, alike in every process."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nonlocal_core import PreparedModel, list_models, prepare_model
from nonlocal_core.models import NonlocalBlock

MODEL = next(
    card.id for card in list_models() if card.status != "parameter_free" and card.pairwise == "embedded_gaussian"
)


def loud_model() -> PreparedModel:
    """Return a network of the catalog whose answer rests on its blocks."""
    prepared = prepare_model(MODEL)
    torch.manual_seed(6)
    for inserted in prepared.network.inserted:
        block = inserted.module
        if not isinstance(block, NonlocalBlock):
            continue  # a probe adds nothing
        for layer, std in ((block.theta, 0.5), (block.phi, 0.5), (block.g, 0.3), (block.norm or block.out, 0.5)):
            torch.nn.init.normal_(layer.weight, std=std)
    return prepared


@contextmanager
def loud_for_a_while() -> Iterator[PreparedModel]:
    """Give the loud network, and make it what it was afterwards: a process has one of each id."""
    network = prepare_model(MODEL).network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    try:
        yield loud_model()
    finally:
        network.load_state_dict(before)
