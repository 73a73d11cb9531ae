"""The first picture is shown before there is a network, or without any; pins and columns follow with it."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from serving import ROOT, app_server

pytestmark = pytest.mark.browser

ANSWERED = "[data-ready]"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where the picture was made before any start."""
    cache = {"NONLOCAL_CACHE": str(tmp_path_factory.mktemp("cache"))}
    subprocess.run(
        [sys.executable, "-m", "nonlocal_core.app.server.prepare"], cwd=ROOT, env=os.environ | cache, check=True
    )
    return cache


def heat(page, address):
    """Open the page and return what the answered viewer says in words; the sentence read aloud comes last."""
    page.goto(address)
    expect(page.locator(".nlv-spoken")).to_contain_text("the most elsewhere")
    return page.locator(ANSWERED).inner_text()


def test_the_first_picture_needs_no_network_and_pins_follow_with_it(page, tmp_path, cache):
    broken = tmp_path / "broken" / "torch"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no torch on this start')\n")
    with app_server(tmp_path / "broken.txt", PYTHONPATH=str(broken.parent), **cache) as address:
        early = heat(page, address)
    assert "stays on the spot itself" in early
    with app_server(tmp_path / "log.txt", **cache) as address:
        assert heat(page, address) == early
        page.locator(".nlv-asks .nlv-picture").first.click()
        expect(page.get_by_role("heading", name="Where it looks")).to_be_visible()
        page.get_by_role("button", name="Who looks here").click()
        expect(page.get_by_role("heading", name="Who looks at it")).to_be_visible()
