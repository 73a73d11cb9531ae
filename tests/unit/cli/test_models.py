"""``models`` lists every card, once and whole."""

import json

from nonlocal_core import list_models
from nonlocal_core.ancestors.filters import FILTERS
from nonlocal_core.cli import OK, main
from nonlocal_core.weights.cards import list_published


def test_models_lists_every_card(capsys):
    assert main(["models", "--json"]) == OK
    cards = json.loads(capsys.readouterr().out)
    shipped, published = ([card.id for card in cards] for cards in (list_models(), list_published()))
    assert [card["id"] for card in cards] == [*shipped, *(kind.name for kind in FILTERS), *published]
