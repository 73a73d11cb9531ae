"""Clips for the tests of the recipe: four small ones, composed of installed pictures, and the trunk that saw them."""

import pytest

from nonlocal_core.weights import find_card
from nonlocal_core.weights.lite0 import load_lite0
from pretrained.recipe.damage import TAUGHT
from pretrained.recipe.features import make_clips
from pretrained.recipe.sources import installed_sources


@pytest.fixture(scope="module")
def trunk():
    return load_lite0(find_card().weights)


@pytest.fixture(scope="module")
def clips(trunk):
    return make_clips(installed_sources(), trunk, "train", range(4), versions=TAUGHT, frames=4, side=96)
