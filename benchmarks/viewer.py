"""Measure the viewer in Chromium: what one hover costs on the main thread, with and without pooled keys, alone, over
four panes side by side, and beside two pins of which one is a brush of 40 cells.

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
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from serving import CHROMIUM, FLAGS

from nonlocal_core.bundle import ModelLabel, View, encode_bundle
from nonlocal_core.capture.record import BlockCapture, Capture
from nonlocal_core.geometry import QueryGrid
from nonlocal_core.media import Frames, MediaInfo
from nonlocal_core.pin import Point
from nonlocal_core.viewer import export_html, viewer_css, viewer_js

FRAMES, SIDE, CHANNELS, PIXELS = 8, 28, 256, 448
HOVERS = 100
CASES = {"pooled 1x2x2": (1, 2, 2), "all": (1, 1, 1)}
PANES = 4
BRUSH = tuple(
    (frame, (x + 0.5) / SIDE, (y + 0.5) / SIDE) for frame in (1, 4) for y in range(8, 12) for x in range(5, 10)
)
"""40 cells, of two frames."""
PATH = [((x if y % 2 else 20 - x) / SIDE, (y + 0.5) / SIDE) for y in range(15, 20) for x in range(6, 14)]
"""40 neighbours, one after the other."""
SITE = "http://viewer.test"
SIDE_BY_SIDE = """<!doctype html><div id="mount"></div><script type="module">
import component from "/viewer.js";
const parentElement = document.getElementById("mount");
const panes = Array.from({ length: PANES }, (_, i) => (
  { url: "/bundle", id: "a", clip: "a", block: `block${i}`, title: `Block ${i}` }));
component({ data: { mode: "compare", panes }, parentElement, setStateValue: () => {} });
</script>"""


def main() -> None:
    hovers = int(sys.argv[1]) if len(sys.argv) > 1 else HOVERS
    print(
        f"{FRAMES} frames of {SIDE}x{SIDE} queries, {CHANNELS} channels, embedded Gaussian, 16 arrows; {hovers} hovers."
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        print(f"Chromium {browser.version}, {platform.machine()}, {os.cpu_count()} cores, {date.today()}.\n")
        print("| keys | bundle | script p50 / p95 per hover | main thread p50 / p95 |")
        print("|---|---|---|---|")
        for title, kernel in CASES.items():
            keys = FRAMES * (SIDE // kernel[1]) * (SIDE // kernel[2])
            for panes, show in ((1, _show_alone), (PANES, _show_side_by_side)):
                bundle = _bundle(kernel, panes)
                page = browser.new_page(viewport={"width": 1280, "height": 860})
                show(page, bundle)
                page.wait_for_selector("[data-ready]")
                script, task = _measure(page, _anywhere(hovers))
                what = f"{keys} ({title})" if panes == 1 else f"{panes} panes of {keys}"
                print(f"| {what} | {len(bundle) / 1e6:.1f} MB | {_spread(script)} | {_spread(task)} |", flush=True)
                page.close()
        _measure_pins(browser, hovers)
        browser.close()


def _measure_pins(browser: Browser, hovers: int) -> None:
    """Print what a hover as pin C costs beside A, a brush, and B; and what each new cell of a brush costs there."""
    bundle = _bundle((1, 1, 1), 1, beside=(BRUSH, ((2, 0.3, 0.7),)))
    for tool, what in (("Point", "hovering as pin C"), ("Brush", "painting 40 cells as pin C")):
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        _show_alone(page, bundle)
        page.wait_for_selector("[data-ready]")
        page.get_by_role("button", name=tool, exact=True).click()
        page.locator(".nlv-field").press("Escape")
        if tool == "Brush":
            page.locator(".nlv-asks .nlv-picture").hover()
            page.mouse.down()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        script, task = _measure(page, PATH if tool == "Brush" else _anywhere(hovers))
        title = f"{FRAMES * SIDE * SIDE} (all), {what}"
        print(f"| {title} | {len(bundle) / 1e6:.1f} MB | {_spread(script)} | {_spread(task)} |", flush=True)
        assert not asked, f"a hover asked the server: {asked}"
        page.close()


def _show_alone(page: Page, bundle: bytes) -> None:
    """Open the exported page, from a disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "viewer.html"
        path.write_text(export_html(bundle, title="Benchmark"), encoding="utf-8")
        page.goto(path.as_uri())


def _show_side_by_side(page: Page, bundle: bytes) -> None:
    """Open the comparison of the bundle's blocks, as the app mounts it."""
    page.route(
        f"{SITE}/",
        lambda route: route.fulfill(body=SIDE_BY_SIDE.replace("PANES", str(PANES)), content_type="text/html"),
    )
    page.route(f"{SITE}/viewer.js", lambda route: route.fulfill(body=viewer_js(), content_type="text/javascript"))
    page.route(f"{SITE}/bundle", lambda route: route.fulfill(body=bundle))
    page.goto(f"{SITE}/")
    page.add_style_tag(content=viewer_css())


def _bundle(kernel: tuple[int, int, int], blocks: int, beside: tuple[tuple[Point, ...], ...] = ()) -> bytes:
    """Return a clip of noise and ``blocks`` blocks, each with tables of its own, and pins to begin with."""
    rng = np.random.default_rng(0)
    grid = QueryGrid.over_clip(clip_frames=FRAMES, steps=FRAMES, rows=SIDE, cols=SIDE)
    keys = grid.pooled(kernel)
    captured = []
    for number in range(blocks):
        theta, phi = (rng.normal(size=(n, CHANNELS)).astype(np.float32) for n in (grid.size, keys.size))
        block = BlockCapture(
            name=f"block{number}",
            title=f"Block {number}",
            pairwise="embedded_gaussian",
            scale=CHANNELS**-0.5,
            theta=theta,
            phi=phi,
            query_grid=grid,
            key_grid=keys,
            subsample=kernel,
        )
        captured.append(block)
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
        frames,
        Capture(blocks=tuple(captured)),
        model=ModelLabel(id="noise", title="Noise", status="trained"),
        view=View(beside=beside),
    )


def _anywhere(hovers: int) -> list[tuple[float, float]]:
    rng = np.random.default_rng(1)
    return [(float(x), float(y)) for x, y in rng.uniform(0.02, 0.98, (hovers, 2))]


def _measure(page: Page, points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return milliseconds of script and of main thread for each hover over a new cell of the large picture."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    box = page.locator(".nlv-asks .nlv-picture").bounding_box()
    assert box is not None
    script, task = [], []
    for x, y in points:
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
