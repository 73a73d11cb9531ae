"""Filters in the page against the tables and rows that torch leaves behind on the same pixels."""

import json
import shutil
import subprocess
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nonlocal_core import Session
from nonlocal_core.ancestors.filters import filter_id, parse_filter
from nonlocal_core.ancestors.network import INPUT, MOST_POSITIONS, grid_of
from nonlocal_core.capture.rows import many_row_weights
from nonlocal_core.errors import SiteError
from nonlocal_core.media.network_input import network_pixels
from nonlocal_core.site.networks import FILTERS
from nonlocal_core.site.pixels import page_filter

SCRIPT, NODE = Path(__file__).parents[1] / "viewer" / "pixel_tables.mjs", shutil.which("node")
TOLERANCE = 1e-5
"""Of a table's largest value, and of a row's largest weight: single precision, summed in another order."""
ASKED = [*map(filter_id, FILTERS), "pixels-nl-means:h=0.3:patch=1", "pixels-bilateral:space=0.5:steps=1"]


def made_in_the_page(folder, frames, hw, chosen):
    if NODE is None:
        pytest.skip("node is not installed; it runs the viewer's modules")
    coded = [b64encode(frame.tobytes()).decode() for frame in frames]
    path = folder / "asked.json"
    path.write_text(json.dumps({"frames": coded, "inputHw": hw, "filter": page_filter(chosen)}), encoding="utf-8")
    done = subprocess.run([NODE, SCRIPT, path], capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


@pytest.mark.parametrize("model", ASKED)
def test_tables_and_rows_of_the_page_are_those_of_python(tmp_path, model):
    clip = np.random.default_rng(3).integers(0, 256, (2, 30, 52, 3), np.uint8)
    session = Session.open(clip.repeat(3, axis=1).repeat(3, axis=2), model, short_side=78, device="cpu")
    fed = network_pixels(session.frames, INPUT, session.view)[0]
    frames = np.rint(fed * 255).astype(np.uint8).transpose(1, 2, 3, 0)
    found = made_in_the_page(tmp_path, frames, list(session.view.input_hw), parse_filter(model))
    assert {block.name for block in session.capture.blocks} == found["tables"].keys()
    for block in session.capture.blocks:
        made = found["tables"][block.name]
        assert block.query_grid.shape == (2, *found["hw"])
        assert made["hw"] == found["hw"]
        theta, phi = (np.float32(made[name]).reshape(made["rows"], -1) for name in ("theta", "phi"))
        for table, expected in ((theta, block.theta), (phi, block.phi)):
            assert np.abs(table - expected).max() < TOLERANCE * np.abs(expected).max()
        queries = np.arange(0, block.query_grid.size, 97)
        rows = many_row_weights(block, queries)
        again = many_row_weights(replace(block, theta=theta, phi=phi), queries)
        assert (np.abs(again - rows).max(axis=1) < 1e-3 * rows.max(axis=1)).all()


@pytest.mark.parametrize("frames_hw", [(1, 40, 60), (9, 224, 398), (64, 224, 224), (2, 3, 4000)])
def test_the_grid_of_a_long_or_large_clip_is_that_of_python(tmp_path, frames_hw):
    count, *hw = frames_hw
    blank = np.zeros((*hw, 3), np.uint8)
    chosen = parse_filter("pixels-nl-means:patch=1")
    assert made_in_the_page(tmp_path, [blank] * count, hw, chosen)["hw"] == list(grid_of(*frames_hw))


def test_the_page_is_told_the_largest_grid():
    assert page_filter(FILTERS[0])["most"] == MOST_POSITIONS


@pytest.mark.parametrize(("model", "reason"), [("pixels-nl-means:noise=0.1", "no noise"), ("pixels-bm3d", "no search")])
def test_what_a_page_cannot_compute_is_refused_with_a_reason(model, reason):
    with pytest.raises(SiteError, match=reason):
        page_filter(parse_filter(model))
