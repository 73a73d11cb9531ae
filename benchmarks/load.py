"""Visit one server as many people do at once, and print what they saw of it; nothing is asserted.

    python benchmarks/load.py --visitors 50 --uploading 10 --minutes 10
    python benchmarks/load.py --visitors 3 --uploading 1 --minutes 0.5   # a smoke run

Each visitor has a browser profile of its own, opens links with clips, networks and frames drawn by a seed, points at
places and pins one. Those who upload bring a picture of their own, and look whether they see its name and no other's.
All share one Chromium, which takes far more of the machine than the server does: few cores measure the browser.
"""

import argparse
import asyncio
import io
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.async_api import Browser, Error, Page, async_playwright
from serving import CHROMIUM, FLAGS, HOVER, app_server

CLIPS = ("sample:bunny", "sample:composed", "sample:bikes", "sample:coins", "sample:chelsea")
NETWORKS = ("default", "lite0-parameter-free", "lite0-gaussian", "lite0-dot-product")
POINTS = 12
PATIENCE_MS = 180_000
LOOK_SECONDS = 2.0
"""Seconds between two measurements of the server's memory."""
SETTLE_SECONDS = 40.0
"""Wait after the first picture, while a server draws its gallery and starts its readers of uploads: 70 MB each."""
AFTER_SECONDS = 60.0
"""Seconds after the last visitor at which its memory is measured once more."""


@dataclass
class Seen:
    """Figures and faults that the visitors met, all together."""

    heat_seconds: list[float] = field(default_factory=list)
    upload_seconds: list[float] = field(default_factory=list)
    hover_ms: list[float] = field(default_factory=list)
    places: int = 0
    """Visits during which a place in a line was shown."""
    faults: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


async def visit(page: Page, address: str, chance: random.Random, seen: Seen) -> None:
    """Open one link, point and pin."""
    link = f"clip={chance.choice(CLIPS)}&model={chance.choice(NETWORKS)}&frames={chance.choice((2, 4, 8))}"
    began = time.monotonic()
    await page.goto(f"{address}/?{link}&short_side={chance.choice((128, 160, 224))}")
    await _answer(page, seen)
    seen.heat_seconds.append(time.monotonic() - began)
    picture = page.locator(".nlv-asks .nlv-picture").first
    for _ in range(POINTS):
        seen.hover_ms.append(await picture.evaluate(HOVER, [chance.random(), chance.random()]))
        await asyncio.sleep(chance.uniform(0.1, 0.6))
    await picture.click(position={"x": 20, "y": 20})


async def upload(page: Page, number: int, visitors: int, seen: Seen) -> None:
    """Open a picture of one's own and look for its name."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (240, 320, 3), dtype=np.uint8)).save(file, "PNG")
    name = f"visitor-{number}.png"
    await page.get_by_role("button", name="Open image or video").click()
    uploader = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    began = time.monotonic()
    await uploader.set_input_files({"name": name, "mimeType": "image/png", "buffer": file.getvalue()})
    await page.get_by_text(f"{name} · 320 × 240").first.wait_for()
    await _answer(page, seen)
    seen.upload_seconds.append(time.monotonic() - began)
    text = await page.locator("body").inner_text()
    seen.faults += [
        f"visitor {number} sees the name of {other}"
        for other in range(visitors)
        if other != number and f"visitor-{other}.png" in text
    ]


async def _answer(page: Page, seen: Seen) -> None:
    """Wait for the first answer, and note whether a place was shown meanwhile."""
    ready = asyncio.ensure_future(page.wait_for_selector(".nlv[data-q]"))
    waited = False
    while not ready.done():
        waited = waited or await page.get_by_text("Waiting for").count() > 0
        await asyncio.wait([ready], timeout=0.5)
    await ready
    seen.places += waited


async def stay(browser: Browser, address: str, number: int, options: argparse.Namespace, seen: Seen) -> None:
    """Act as one visitor until the time is over."""
    chance = random.Random(f"{options.seed} {number}")
    until = time.monotonic() + 60 * options.minutes
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: seen.faults.append(f"visitor {number}: {error}"))
    await asyncio.sleep(chance.uniform(0, 5))
    try:
        while time.monotonic() < until:
            await visit(page, address, chance, seen)
            if number < options.uploading:
                await upload(page, number, options.visitors, seen)
            if await page.get_by_role("alert").filter(visible=True).count():
                seen.faults.append(f"visitor {number}: {await page.get_by_role('alert').first.inner_text()}")
    except Error as error:
        seen.faults.append(f"visitor {number}: {str(error).splitlines()[0]}")
    await context.close()


def memory_of(server: psutil.Process) -> float:
    """Return the MB that the server takes, with the processes that decode for it."""
    total = 0
    for process in (server, *server.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.Error:  # it has ended meanwhile
            continue
    return total / 1e6


async def watch(server: psutil.Process, seen: Seen) -> None:
    """Record the server's memory at regular intervals."""
    while True:
        seen.memory.append(memory_of(server))
        await asyncio.sleep(LOOK_SECONDS)


async def run(address: str, server: psutil.Process, options: argparse.Namespace) -> None:
    seen = Seen()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        first = await (await browser.new_context()).new_page()
        await first.goto(address)
        await first.wait_for_selector(".nlv[data-q]", timeout=PATIENCE_MS)
        await first.close()
        await asyncio.sleep(SETTLE_SECONDS)
        before = memory_of(server)
        watching = asyncio.ensure_future(watch(server, seen))
        await asyncio.gather(*(stay(browser, address, number, options, seen) for number in range(options.visitors)))
        watching.cancel()
        await browser.close()
    await asyncio.sleep(AFTER_SECONDS)
    report(options, seen, before, memory_of(server))


def report(options: argparse.Namespace, seen: Seen, before: float, after: float) -> None:
    """Print what was seen; ``before``, ``after``: MB of the server before the first and after the last visitor."""
    print(f"{options.visitors} visitors, {options.uploading} of them uploading, {options.minutes:g} min\n")
    print("| | count | p50 | p95 | worst |\n|---|---|---|---|---|")
    print(_line("link to heat, s", seen.heat_seconds, 1))
    print(_line("upload to heat, s", seen.upload_seconds, 1))
    if seen.hover_ms:
        print(_line("hover to paint, ms", seen.hover_ms, 0))
    print(
        f"\nMemory of the server: {before:.0f} MB before, at most {max(seen.memory, default=before):.0f} MB, "
        f"{after:.0f} MB {AFTER_SECONDS:.0f} s after the last had left.\n"
        f"A place in a line was shown in {seen.places} visits. Faults: {len(seen.faults)}"
    )
    print("\n".join(f"- {fault}" for fault in dict.fromkeys(seen.faults)))


def _line(title: str, values: Iterable[float], digits: int) -> str:
    ordered = sorted(values)
    if not ordered:
        return f"| {title} | 0 | | | |"
    high = ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]
    figures = (statistics.median(ordered), high, ordered[-1])
    return f"| {title} | {len(ordered)} | {' | '.join(f'{figure:.{digits}f}' for figure in figures)} |"


def options_of(described: str) -> argparse.Namespace:
    """Return the options given in the shell."""
    parser = argparse.ArgumentParser(description=described.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--uploading", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


Run = Callable[[str, psutil.Process, argparse.Namespace], Coroutine[None, None, None]]


def drive(run: Run, described: str) -> None:
    """Start a server and let visitors come to it. ``described``: for the shell."""
    options = options_of(described)
    command = [Path(sys.executable).with_name("nonlocal-viewer")]
    with tempfile.TemporaryDirectory() as folder, app_server(Path(folder) / "log.txt", command=command) as address:
        (server,) = psutil.Process().children()
        asyncio.run(run(address, server, options))


if __name__ == "__main__":
    drive(run, __doc__)
