"""Measure whether the gallery of a large survey stays usable: its page, opened from a disk in Chromium.

    python benchmarks/gallery.py [clips]

The rows are made up, one for each clip (10,000): figures by chance, one small picture, no viewers. Prints a Markdown
table of the page's size and of seconds until the first cards are drawn, and of how long the page is busy with a
filter, another figure, another order and a jump to the end, each until the next frame is drawn; medians of five.
"""

import statistics
import sys
import tempfile
import time
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from serving import CHROMIUM, FLAGS

from nonlocal_core.survey import ResultFolder
from nonlocal_core.survey.gallery import gallery
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import FIGURES, Row, Score, as_bytes

CLIPS = 10_000
TIMES = 5
STEPS = {
    "a filter by name": ("input", "words", ["99", "7", ""]),
    "another figure": ("change", "figure", ["entropy", "places", "distance"]),
    "another order": ("change", "order", ["up", "list", "down"]),
}
"""Steps on the page: the event, the control, and the values in turn."""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CLIPS
    with tempfile.TemporaryDirectory() as name:
        index = gallery(made_up(Path(name) / "result", count), Path(name) / "site", viewers=0)
        print(f"{date.today()}, {count:,} rows, {index.stat().st_size / 1e6:.1f} MB of index\n")
        print("| step | median | slowest |")
        print("|---|---|---|")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            report("opening, until cards are drawn", [opened(page, index) for _ in range(TIMES)])
            for title, (event, control, values) in STEPS.items():
                report(title, [changed(page, event, control, values[n % len(values)]) for n in range(TIMES)])
            report("a jump to the end and back", [jumped(page) for _ in range(TIMES)])
            print(f"\nCards in the page at once: {page.locator('#field > *').count()}")
            browser.close()


def made_up(path: Path, count: int) -> Path:
    """A survey of clips that are not files."""
    rng, picture = np.random.default_rng(2018), BytesIO()
    Image.radial_gradient("L").resize((160, 90)).convert("RGB").save(picture, "JPEG")
    folder = ResultFolder.begin(path, Plan(models=("m",)), [f"/clips/{place}.mp4" for place in range(count)])
    for place, clip in enumerate(folder.clips()):
        facts = {"place": place, "clip": clip, "name": f"{place}.mp4", "model": "m", "block": "b", "sha256": "0"}
        figures = dict(zip(FIGURES, rng.random(len(FIGURES)).tolist(), strict=True))
        row = Row(
            **facts,
            **figures,
            is_shown_first=True,
            answer=(Score(name=f"class {place % 1000}", score=0.5),),
            picture=picture.getvalue(),
        )
        folder.keep(Job(place, clip), as_bytes([row]))
    return path


def opened(page: Page, index: Path) -> float:
    """Seconds until the first cards stand in the page."""
    started = time.perf_counter()
    page.goto(index.as_uri())
    page.wait_for_selector("#field img")
    return time.perf_counter() - started


def changed(page: Page, event: str, control: str, value: str) -> float:
    """Seconds that a change of a control takes, until the next frame is drawn."""
    return float(
        page.evaluate(
            """([event, id, value]) => new Promise((done) => {
                const box = document.getElementById(id), started = performance.now();
                box.value = value;
                box.dispatchEvent(new Event(event));
                requestAnimationFrame(() => setTimeout(() => done((performance.now() - started) / 1000)));
            })""",
            [event, control, value],
        )
    )


def jumped(page: Page) -> float:
    """Seconds until the last card is drawn and the first one again."""
    started = time.perf_counter()
    for end in ("document.body.scrollHeight", "0"):
        page.evaluate(f"scrollTo(0, {end})")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return time.perf_counter() - started


def report(title: str, seconds: list[float]) -> None:
    """Print a line of the table."""
    print(f"| {title} | {1000 * statistics.median(seconds):.0f} ms | {1000 * max(seconds):.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
