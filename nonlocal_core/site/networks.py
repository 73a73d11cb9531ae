"""Networks and filters that run in a page. Nothing here imports torch."""

from nonlocal_core.ancestors.filters import AnyFilter, Bilateral, DenseCrf, NlMeans, filter_id, is_filter, parse_filter
from nonlocal_core.weights import list_models

FILTERS: tuple[AnyFilter, ...] = (NlMeans(), Bilateral(), DenseCrf())
"""Filters over pixels that a page can run. BM3D is not one of them: its search runs on the server."""


def page_networks() -> tuple[str, ...]:
    """Return the ids that can run in a page: the networks on the shared trunk, and filters over pixels.

    >>> page_networks()[0]
    'lite0-embedded-gaussian'
    """
    on_trunk = (card.id for card in list_models() if card.network in ("lite0_trained", "lite0_parameter_free"))
    return (*on_trunk, *map(filter_id, FILTERS))


def runs_in_page(model: str) -> bool:
    """Return whether a page can run that network, or that filter with its settings.

    >>> runs_in_page("pixels-nl-means:h=0.2"), runs_in_page("pixels-nl-means:noise=0.1"), runs_in_page("pixels-bm3d")
    (True, False, False)
    """
    if not is_filter(model):
        return model in page_networks()
    chosen = parse_filter(model)
    return type(chosen) in map(type, FILTERS) and not chosen.noise
