"""Recipes of the guide for other people's networks, run as they stand where the library is installed."""

import re
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from lock import ROOT

from nonlocal_core import ModelSpec, Session

PAGE = (ROOT / "docs" / "your-model.md").read_text()
RECIPES = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## )[^\n]*\n)*?```py\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
UNREADABLE = {
    "DETR, whose object queries ask": {"decoder.layers.0.self_attn"},  # queries that look at each other have no place
    "V-JEPA 2, with rotary embeddings over space and time": {"predictor.layer.0.attention"},
}
WORKING_PRECISION = 1e-4  # rebuild error of a true reading in float32; worst seen 5e-6


def test_the_page_has_its_recipes():
    assert len(RECIPES) == PAGE.count("```py\n") == 13


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_opens_its_network_and_reads_all_of_it(title):
    for library in ("transformers", "diffusers"):
        if f"from {library}" in RECIPES[title] and find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    clip = np.random.default_rng(0).integers(0, 256, (16, 80, 112, 3), np.uint8)
    names = {"Session": Session, "ModelSpec": ModelSpec, "clip": clip, "untrained": ModelSpec(status="untrained")}
    torch.manual_seed(0)  # a U-Net's random weights may spread a change further than it can be placed
    exec(RECIPES[title], names)
    session = names["session"]
    assert {name for name, _ in session.unreadable} == UNREADABLE.get(title, set())
    assert session.capture.blocks
    assert max(block.rebuild_error for block in session.capture.blocks) < WORKING_PRECISION
