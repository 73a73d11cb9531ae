"""The browser that all browser tests share."""

import os
import shutil
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from patience import PATIENCE_MS
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import CHROMIUM, ENGINE, FLAGS, app_server
from sites import MODELS, hosted, picture, small_inputs

from nonlocal_core.site.writing import write_site

expect.set_options(timeout=PATIENCE_MS)

RERUNS = int(os.environ.get("NONLOCAL_RERUNS", "1"))
"""A busy machine loses a click now and then; what fails twice is a fault. 0 shows every failure."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a failed browser test once more."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return one running Chromium; each test opens its own context, so that nothing leaks between tests."""
    if not CHROMIUM.exists():
        pytest.skip(f"No Chromium at {CHROMIUM}: install it, or set NONLOCAL_CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def closed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test has opened and left, also one that failed: open pages keep running beside all later tests."""
    if "chromium" not in request.fixturenames:
        yield
        return
    chromium: Browser = request.getfixturevalue("chromium")
    before = chromium.contexts  # of fixtures that several tests share
    yield
    for context in chromium.contexts:
        if context not in before:
            context.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the running app, one for all tests: visitors do not share what they choose."""
    with app_server(tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Return an empty page in a browser profile of its own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a written page without a server, of one picture and three networks."""
    if not ENGINE.is_dir():
        pytest.skip(f"No engine at {ENGINE}: make tools fetches it, or set NONLOCAL_ENGINE to its folder.")
    folder = tmp_path_factory.mktemp("site")
    picture(folder / "first.png", seed=3)
    clips = [str(folder / "first.png")]
    write_site(folder / "site", models=MODELS, clips=clips, runtime=ENGINE, progress=lambda stage, done, total: None)
    return folder / "site"


@pytest.fixture(scope="session")
def small(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the same page with a small input of its networks, for what takes long."""
    folder: Path = shutil.copytree(site, tmp_path_factory.mktemp("small") / "site")
    small_inputs(folder)
    return folder


@pytest.fixture
def served(site: Path) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    """Return the address of that page, and its server."""
    with hosted(site) as found:
        yield found
