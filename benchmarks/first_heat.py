"""Measure the app as a visitor meets it: from the start of the server to the first heat on screen.

    python benchmarks/first_heat.py [starts]

Each start is a new server and a new browser profile. Prints a Markdown table.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from serving import app_server

STARTS = 3
CHROMIUM = os.environ.get("NONLOCAL_CHROMIUM", "/usr/bin/chromium")


def main() -> None:
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else STARTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        measured = [_one_start(browser) for _ in range(starts)]
        print(f"Chromium {browser.version}, {platform.machine()}, {os.cpu_count()} cores, {date.today()}.\n")
        browser.close()
    print("| from | to | median of", starts, "|")
    print("|---|---|---|")
    for (start, end), seconds in zip(
        (("start of the server", "server answers"), ("start of the server", "first heat"), ("second visit", "heat")),
        zip(*measured, strict=True),
        strict=True,
    ):
        print(f"| {start} | {end} | {statistics.median(seconds):.1f} s |")


def _one_start(browser: Browser) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with app_server(Path(folder) / "log.txt") as address:
            answering = time.perf_counter() - started
            first = _visit(browser, address) - started
            again = time.perf_counter()
            return answering, first, _visit(browser, address) - again


def _visit(browser: Browser, address: str) -> float:
    """Return the moment at which the viewer had drawn its first answer."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("[data-q]", timeout=120_000)
    drawn = time.perf_counter()
    context.close()
    return drawn


if __name__ == "__main__":
    main()
