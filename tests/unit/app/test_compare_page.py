"""What the page of comparisons decides without a browser: names, first choices, links."""

import pytest

from nonlocal_core.app.server.known_networks import filter_titles, in_menu, menu
from nonlocal_core.app.views.compare import Comparison, apart, from_link, spread, to_link


@pytest.mark.parametrize(
    ("titles", "shortened"),
    [
        (["Net, parameter-free", "Net with a block, gaussian"], ["Parameter-free", "With a block, gaussian"]),
        (["Net with a block, one", "Net with a block, two"], ["One", "Two"]),
        (["Net", "Net again"], ["Net", "Net again"]),  # something is left of each
        (["Other", "Net"], ["Other", "Net"]),
        (["Net", "Net"], ["Net", "Net"]),
        ([], []),
    ],
)
def test_titles_lose_the_words_that_they_share(titles, shortened):
    assert apart(titles) == shortened


@pytest.mark.parametrize(
    ("count", "positions"), [(0, []), (1, [0]), (3, [0, 1, 2]), (4, [0, 1, 2, 3]), (10, [0, 2, 5, 7])]
)
def test_a_few_blocks_stand_for_many(count, positions):
    names = [f"block{number}" for number in range(count)]
    assert spread(names) == [names[position] for position in positions]


@pytest.mark.parametrize(
    "compared",
    [
        Comparison(blocks=("res3.1", "res4.5")),
        Comparison(subject="networks", block="stride16", models=("one", "two")),
        Comparison(subject="networks", block="patches", models=("pixels-nl-means:h=0.2:patch=7", "pixels-crf")),
        Comparison(subject="clips", block="stride16", other="sample:bunny"),
    ],
)
def test_a_link_restores_what_is_compared(compared):
    assert from_link(to_link(compared)) == compared


def test_what_a_link_says_wrongly_is_left_out():
    assert from_link({"compare": "everything", "blocks": ",,", "with": "sample:bunny"}) == Comparison()


def test_filters_are_compared_by_their_settings():
    models = ("pixels-nl-means:h=0.2:patch=7", "pixels-crf", "lite0-gaussian", "pixels-crf:near=9", "pixels-crf:h")
    assert filter_titles(models) == {
        "pixels-nl-means:h=0.2:patch=7": "Pixels, non-local means · h 0.2, patch 7",
        "pixels-crf": "Pixels, dense CRF",
    }
    assert {in_menu(model) for model in models[:3]} <= menu().keys()
