"""Measure an upload to its first heat, and another network on the same clip, each beside its parts.

    python benchmarks/upload.py [times]

The whole is measured in Chromium, on a server that has started. The parts are measured alone, one after the other: what
is left is the browser's and Streamlit's. Each upload has other bytes, so that nothing is answered from memory. Prints
a Markdown table of medians.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from figures import timed
from playwright.sync_api import Page, sync_playwright
from serving import CHROMIUM, FLAGS, app_server

from nonlocal_core import Frames, Limits, Selection, Session, find_sample, list_models, prepare_model
from nonlocal_core.media.apart import ApartReader

TIMES = 5
PATIENCE_MS = 300_000
SETTLED_SECONDS = 30.0
"""Wait after the first picture, while a server draws its gallery and starts its readers."""
REST_SECONDS = 3.0
"""Wait between the dialog and the file: what the page before was still drawing is not the upload's."""
OTHERS = [card.id for card in list_models()[1:]]


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    clip = find_sample("bunny").open()
    assert isinstance(clip, Path)
    content = clip.read_bytes()
    uploads, switches = _in_the_browser(content, times)
    parts = _parts(content, times)
    print("### Upload to heat, and another network\n\n| from | to | seconds |\n|---|---|---|")
    print(f"| file is dropped | heat | {statistics.median(uploads):.2f} |")
    print(f"| another network is chosen | heat | {statistics.median(switches):.2f} |")
    for title, seconds in parts.items():
        print(f"| part | {title} | {statistics.median(seconds):.2f} |")


def _in_the_browser(content: bytes, times: int) -> tuple[list[float], list[float]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        app_server(Path(folder) / "log.txt") as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.wait_for_selector(".nlv[data-q]")
        page.wait_for_timeout(1000 * SETTLED_SECONDS)
        uploads = [_upload(page, Path(folder), content, number) for number in range(times)]
        switches = [_switch(page, name) for name in OTHERS[:times]]
        browser.close()
    return uploads, switches


def _upload(page: Page, folder: Path, content: bytes, number: int) -> float:
    """Return the seconds from the file to the answer about it.

    The browser reads it from the disk, as a visitor's does. Bytes that are handed to it cross over as text: of five
    megabytes that took longer than all the rest on a busy machine.
    """
    page.get_by_role("button", name="Open image or video").click()
    chosen = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    chosen.wait_for(state="attached")
    before, path = _shown(page), folder / f"clip-{number}.mp4"
    path.write_bytes(content + bytes(8 + number))  # behind the end, which no frame needs: another file
    page.wait_for_timeout(1000 * REST_SECONDS)
    began = time.perf_counter()
    chosen.set_input_files(path)
    _wait_for_other(page, before)
    return time.perf_counter() - began


def _switch(page: Page, model: str) -> float:
    """Return the seconds from a network's name in the menu to its answer."""
    address, before = page.url, _shown(page)
    menu = page.get_by_role("combobox", name="Network")
    menu.click()
    title = next(card.title for card in list_models() if card.id == model)
    began = time.perf_counter()
    page.get_by_role("option", name=title).first.click()
    _wait_for_other(page, before)
    assert page.url != address
    return time.perf_counter() - began


def _shown(page: Page) -> str:
    return str(page.locator(".nlv[data-ready]").first.get_attribute("data-ready"))


def _wait_for_other(page: Page, before: str) -> None:
    """Wait for an answer of another bundle."""
    selector = f".nlv[data-q][data-ready]:not([data-ready={before!r}])"
    page.wait_for_selector(selector)


def _parts(content: bytes, times: int) -> dict[str, list[float]]:
    """Return the seconds of what the server does for an upload, and for another network."""
    reader = ApartReader(2)
    reader.start_ahead()
    limits, selection = Limits(), Selection(frames=8)
    measured: dict[str, list[float]] = {}

    def note(title: str, run: Callable[[], object]) -> object:
        results: list[object] = []
        measured.setdefault(title, []).append(timed(lambda: results.append(run())))
        return results[0]

    try:
        for _ in range(times):
            time.sleep(2.0)  # until readers wait again
            frames = note(
                "reading 8 frames, apart",
                lambda: reader.read_frames(content, selection, limits=limits, tell=_nobody),
            )
            assert isinstance(frames, Frames)
            session = note("network, recorded and proved", lambda: Session.open(frames, prepare_model()))  # noqa: B023
            assert isinstance(session, Session)
            note("first question", session.first_question)
            note("bundle", lambda: session.bundle(columns=False))  # noqa: B023
    finally:
        reader.close()
    for name in OTHERS:
        note("loading another network", lambda: prepare_model(name))  # noqa: B023
    return measured


def _nobody(_done: int, _total: int) -> None:
    """Tell nobody."""


if __name__ == "__main__":
    main()
