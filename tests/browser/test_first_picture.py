"""The second start of the server shows the first picture before there is a network, or without any."""

import pytest
from playwright.sync_api import expect
from serving import app_server

pytestmark = pytest.mark.browser

ANSWERED = "[data-ready]"
MOST = ".nlv-most, .nlv-peak"


def heat(page):
    """Return what the answered viewer says in words."""
    page.wait_for_selector(ANSWERED)
    return page.locator(ANSWERED).inner_text()


def test_the_picture_of_an_earlier_start_needs_no_network(page, tmp_path):
    cache = {"NONLOCAL_CACHE": str(tmp_path / "cache")}
    with app_server(tmp_path / "first.txt", **cache) as address:
        page.goto(address)
        made = heat(page)
    broken = tmp_path / "broken" / "torch"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no torch on this start')\n")
    with app_server(tmp_path / "second.txt", PYTHONPATH=str(broken.parent), **cache) as address:
        page.goto(address)
        assert heat(page) == made


def test_pins_and_columns_follow_once_the_network_is_there(page, tmp_path):
    cache = {"NONLOCAL_CACHE": str(tmp_path / "cache")}
    for start in range(2):
        with app_server(tmp_path / f"{start}.txt", **cache) as address:
            page.goto(address)
            page.wait_for_selector(ANSWERED)
            page.locator(".nlv-asks .nlv-picture").first.click()
            expect(page.get_by_role("heading", name="Where it looks")).to_be_visible()
            page.get_by_role("button", name="Who looks here").click()
            expect(page.get_by_role("heading", name="Who looks at it")).to_be_visible()
