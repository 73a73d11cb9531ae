"""Networks of a page are those that the default trunk carries."""

from nonlocal_core.models import Lite0Network
from nonlocal_core.running.prepared import prepare_model
from nonlocal_core.site.networks import page_networks
from nonlocal_core.weights import list_models


def test_they_are_the_networks_whose_graphs_can_be_exported():
    on_trunk = [card.id for card in list_models() if isinstance(prepare_model(card.id, "cpu").network, Lite0Network)]
    assert list(page_networks()) == on_trunk
