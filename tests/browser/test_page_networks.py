"""Every network of a page without a server answers in the browser as in Python, on a clip of several frames."""

import numpy as np
import pytest
from page_rows import RECORD, ROW_TOLERANCE, rows_differ
from PIL import Image
from playwright.sync_api import expect
from serving import ENGINE
from sites import SHORT_SIDE, hosted, opened, small_inputs

from nonlocal_core.site.networks import page_networks
from nonlocal_core.site.writing import write_site

pytestmark = pytest.mark.browser

LEVELS = (0, 96, 160, 255)
"""Of each channel, so that a GIF has all colours."""


def moving(path):
    """Three frames of plain patches as GIF, which both decoders read bit for bit."""
    patches = np.random.default_rng(5).choice(np.array(LEVELS, np.uint8), (3, 5, 7, 3))
    first, *rest = (Image.fromarray(frame.repeat(24, axis=0).repeat(24, axis=1)) for frame in patches)
    first.save(path, save_all=True, append_images=rest, duration=200, loop=0, dither=Image.Dither.NONE)


def test_rows_of_every_network_are_those_of_python(page, tmp_path):
    if not ENGINE.is_dir():
        pytest.skip(f"No engine at {ENGINE}: make tools fetches it, or set NONLOCAL_ENGINE to its folder.")
    clip = tmp_path / "moving.gif"
    moving(clip)
    site = tmp_path / "site"
    write_site(site, clips=[str(clip)], runtime=ENGINE, progress=lambda stage, done, total: None)
    small_inputs(site)
    page.add_init_script(RECORD)
    with hosted(site) as (address, _):
        page.goto(address)
        shown = opened(page.locator(".nlv"))
        page.locator("input[type=file]").set_input_files(clip)
        shown = opened(page.locator(".nlv"), shown)
        expect(page.locator(".nlv-film .nlv-picture")).to_have_count(3)
        worst = {}
        for index, model in enumerate(page_networks()):
            if index:
                page.get_by_label("Network", exact=True).select_option(index=index)
                shown = opened(page.locator(".nlv"), shown)
            worst[model] = rows_differ(page, clip, model, short_side=SHORT_SIDE)
    assert max(worst.values()) <= ROW_TOLERANCE, worst
    assert len(worst) == 8
