"""Measure the viewer in Chromium: what one hover costs on the main thread, with and without pooled keys.

    python benchmarks/viewer.py [hovers]

Prints a Markdown table. Both figures are processor time of the page's main thread as the browser counts it (DevTools
protocol, threadTicks), so that other programs on the machine do not enter: script is JavaScript alone (ScriptDuration),
main thread adds style, layout and paint (TaskDuration). Chromium runs without a GPU.
"""

import os
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, Page, sync_playwright

from nonlocal_core.bundle import ModelLabel, encode_bundle
from nonlocal_core.capture.record import BlockCapture, Capture
from nonlocal_core.geometry import QueryGrid
from nonlocal_core.media import Frames, MediaInfo
from nonlocal_core.viewer import export_html

FRAMES, SIDE, CHANNELS, PIXELS = 8, 28, 256, 448
HOVERS = 200
CHROMIUM = os.environ.get("NONLOCAL_CHROMIUM", "/usr/bin/chromium")
CASES = {"pooled 1x2x2": (1, 2, 2), "all": (1, 1, 1)}


def main() -> None:
    hovers = int(sys.argv[1]) if len(sys.argv) > 1 else HOVERS
    print(
        f"{FRAMES} frames of {SIDE}x{SIDE} queries, {CHANNELS} channels, embedded Gaussian, 16 arrows; {hovers} hovers."
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        print(f"Chromium {browser.version}, {platform.machine()}, {os.cpu_count()} cores, {date.today()}.\n")
        print("| keys | bundle | script p50 / p95 per hover | main thread p50 / p95 |")
        print("|---|---|---|---|")
        for title, kernel in CASES.items():
            bundle = _bundle(kernel)
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "viewer.html"
                path.write_text(export_html(bundle, title="Benchmark"), encoding="utf-8")
                page.goto(path.as_uri())
                page.wait_for_selector("[data-ready]")
            script, task = _measure(page, hovers)
            keys = FRAMES * (SIDE // kernel[1]) * (SIDE // kernel[2])
            print(f"| {keys} ({title}) | {len(bundle) / 1e6:.1f} MB | {_spread(script)} | {_spread(task)} |")
            page.close()
        browser.close()


def _bundle(kernel: tuple[int, int, int]) -> bytes:
    rng = np.random.default_rng(0)
    grid = QueryGrid.over_clip(clip_frames=FRAMES, frames=FRAMES, rows=SIDE, cols=SIDE)
    keys = grid.pooled(kernel)
    theta, phi = (rng.normal(size=(n, CHANNELS)).astype(np.float32) for n in (grid.size, keys.size))
    block = BlockCapture(
        name="block",
        title="Block",
        pairwise="embedded_gaussian",
        scale=CHANNELS**-0.5,
        theta=theta,
        phi=phi,
        query_grid=grid,
        key_grid=keys,
        subsample=kernel,
    )
    rgb = rng.integers(0, 255, (FRAMES, PIXELS, PIXELS, 3), np.uint8)
    info = MediaInfo(
        name="noise",
        kind="video",
        byte_count=rgb.nbytes,
        sha256="0" * 64,
        shown_hw=(PIXELS, PIXELS),
        frame_count=FRAMES,
        rate=None,
        duration_seconds=None,
        codec="none",
    )
    frames = Frames(rgb=rgb, pts_seconds=np.arange(FRAMES) / 8, frame_indices=np.arange(FRAMES), info=info)
    return encode_bundle(
        frames, Capture(blocks=(block,)), model=ModelLabel(id="noise", title="Noise", status="trained")
    )


def _measure(page: Page, hovers: int) -> tuple[list[float], list[float]]:
    """Return milliseconds of script and of main thread for each hover over a new cell of the large picture."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    box = page.locator(".nlv-asks .nlv-picture").bounding_box()
    assert box is not None
    rng = np.random.default_rng(1)
    script, task = [], []
    for _ in range(hovers):
        x, y = rng.uniform(0.02, 0.98, 2)
        before = _durations(devtools)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        _after_paint(page)
        after = _durations(devtools)
        script.append(1000 * (after[0] - before[0]))
        task.append(1000 * (after[1] - before[1]))
    return script, task


def _after_paint(page: Page) -> None:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _durations(devtools: CDPSession) -> tuple[float, float]:
    metrics = {metric["name"]: metric["value"] for metric in devtools.send("Performance.getMetrics")["metrics"]}
    return metrics["ScriptDuration"], metrics["TaskDuration"]


def _spread(milliseconds: list[float]) -> str:
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return f"{p50:.1f} / {p95:.1f} ms"


if __name__ == "__main__":
    main()
