"""Networks that run in a page. Nothing here waits for torch."""

from nonlocal_core.weights import list_models


def page_networks() -> tuple[str, ...]:
    """Return the ids of the networks that can run in a page: those on the shared trunk.

    >>> page_networks()[0]
    'lite0-embedded-gaussian'
    """
    return tuple(card.id for card in list_models() if card.network in ("lite0_trained", "lite0_parameter_free"))
