"""What runs in a page: the networks that the default trunk carries, and filters that a page can compute."""

from nonlocal_core.ancestors.network import PixelNetwork
from nonlocal_core.models import Lite0Network
from nonlocal_core.running.prepared import prepare_model
from nonlocal_core.site.networks import FILTERS, page_networks
from nonlocal_core.site.pixels import page_filter
from nonlocal_core.weights import list_models


def test_they_are_the_networks_whose_graphs_can_be_exported_and_the_filters():
    on_trunk = [card.id for card in list_models() if isinstance(prepare_model(card.id, "cpu").network, Lite0Network)]
    *named, first, second, third = page_networks()
    assert named == on_trunk
    for model, chosen in zip((first, second, third), FILTERS, strict=True):
        network = prepare_model(model, "cpu").network
        assert isinstance(network, PixelNetwork)
        assert network.filter == chosen
        assert page_filter(network.filter)["vectors"].keys() == dict(network.filter.blocks).keys()
