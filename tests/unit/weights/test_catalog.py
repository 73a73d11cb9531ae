"""The catalog of models: each id once, the default first, those of one task found by their ids alone."""

import json

import pytest

from nonlocal_core.errors import UnknownNameError
from nonlocal_core.installed import folder_of
from nonlocal_core.weights.catalog import DEFAULT, find_card, list_models, models_for, shipped_ids

WRITTEN = json.loads((folder_of("pretrained") / "catalog.json").read_text())


def test_cards_are_those_of_the_file_in_its_order():
    assert [card.id for card in list_models()] == [entry["id"] for entry in WRITTEN["models"]]
    for entry in (*WRITTEN["models"], *WRITTEN["tasks"]):
        card = find_card(entry["id"])
        assert (card.title, list(card.blocks), card.parameters) == (
            entry["title"],
            entry["blocks"],
            entry["parameters"],
        )
        assert card.weights.sha256 == WRITTEN["weights"][entry["weights"]]["sha256"]
        assert (card.block and card.block.sha256) == entry.get("block", {}).get("sha256")


def test_the_default_is_the_first():
    assert find_card() is find_card(DEFAULT) is list_models()[0]


def test_a_model_of_one_task_belongs_to_its_samples_and_to_no_list():
    listed = {card.id for card in list_models()}
    for entry in WRITTEN["tasks"]:
        assert entry["id"] not in listed
        assert all(find_card(entry["id"]) in models_for(sample) for sample in entry["samples"])
    assert models_for("no-such-sample") == ()


def test_an_unknown_id_is_refused_with_all_that_are_known():
    assert shipped_ids() == {DEFAULT, *(entry["id"] for part in ("models", "tasks") for entry in WRITTEN[part])}
    with pytest.raises(UnknownNameError) as caught:
        find_card("lite1")
    assert all(name in str(caught.value) for name in shipped_ids())
