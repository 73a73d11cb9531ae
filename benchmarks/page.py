"""Measure the page without a server in Chromium: bytes on their way to the first heat, times, and memory.

    python benchmarks/page.py [folder]

Needs the engine (`make tools`). A page of the default network and one sample is written and served from this computer,
so that no network is in the times. For each video of the folder, or of the samples, what the network is fed by the
browser's own decoding and by Python's is compared, and the strongest frame and cell of the same question. Prints
Markdown.
"""

import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from fed import FED, frames_fed
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from serving import CHROMIUM, ENGINE, FLAGS, ROOT, WITH_CAMERA

from nonlocal_core.errors import NonlocalError
from nonlocal_core.media import list_samples
from nonlocal_core.media.network_input import network_pixels
from nonlocal_core.models.lite0_networks import INPUT
from nonlocal_core.session import Session
from nonlocal_core.site.contents import PageClip
from nonlocal_core.site.writing import write_site

MODEL, SAMPLE = "lite0-embedded-gaussian", "sample:bunny"
PATIENCE_MS = 120_000
REPEATS = 5
CLIP_SECONDS, CLIP_RATE, CLIP_HW = 10, 25, (360, 640)
CAMERA_SECONDS = 8
WARM_ANSWERS = 10
"""Answers after which the camera's clip has all of its frames."""
MANY_FRAMES = 16
LOOK_MS = 50
HOVERS = 100
DRAWN_AT = """new MutationObserver(() => {
    const ready = document.querySelector(".nlv")?.dataset.ready;
    if (ready && ready !== window.drawn?.at(-1)?.[0]) (window.drawn ??= []).push([ready, performance.now()]);
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-ready"] });"""
"""Script that keeps the id of each drawn bundle, and when it was drawn, in milliseconds of the page."""
HOVER = """(moves) => {
    const picture = document.querySelector(".nlv-asks .nlv-picture");
    const { left, top, width, height } = picture.getBoundingClientRect();
    const asked = (at) => new Promise((resolve) => {
        let began;
        requestAnimationFrame(() => { began = performance.now(); });
        const before = performance.now();
        picture.dispatchEvent(new PointerEvent("pointermove", { ...at, bubbles: true, pointerType: "mouse" }));
        const heard = performance.now() - before;
        requestAnimationFrame(() => {
            const scripts = heard + performance.now() - began;
            setTimeout(() => resolve([scripts, heard + performance.now() - began]));
        });
    });
    return (async () => {
        const took = [];
        for (let move = 0; move < moves; move++) {
            const [x, y] = [37, 61].map((step) => ((move * step) % moves) / moves);
            took.push(await asked({ clientX: left + width * x, clientY: top + height * y }));
        }
        return took;
    })();
}"""
"""Script that times, in ms, the scripts that each move of the pointer sets off, and these with layout and painting:
callbacks of a screen frame run in the order in which they were asked for, so the viewer's lies between the two here."""
OWN_STAGES = ("Running the network…", "Comparing all positions…")
"""Sentences of the page under which the trunk and the blocks run."""
STAGES = """() => {
    window.stages = {};
    window.watching?.disconnect();
    const status = document.querySelector(".site-working [role=status]");
    window.watching = new MutationObserver(() => { window.stages[status.textContent] ??= performance.now(); });
    window.watching.observe(status, { subtree: true, childList: true, characterData: true });
}"""
"""Script that keeps when each sentence of the page's progress appeared first."""


class _Recorder(SimpleHTTPRequestHandler):
    """Server of static files that notes what it sent."""

    sent: dict[str, int] = {}  # noqa: RUF012 -- one server in this program

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if path.is_file():
            self.sent[path.name] = len(gzip.compress(path.read_bytes(), 6))
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def main() -> None:
    if not ENGINE.is_dir():
        raise SystemExit(f"No engine at {ENGINE}: make tools fetches it.")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        many = Session.open(SAMPLE, MODEL, frames=MANY_FRAMES, device="cpu")
        with _served(folder / "site", many) as address:
            print(f"{platform.machine()}, {os.cpu_count()} cores, {date.today()}.\n")
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            print(f"Chromium {browser.version}.\n\n| figure | measured |\n|---|---|")
            _times(browser, address, folder)
            _memory_of_many(browser, address, many)
            _agreement(browser, address, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
            browser.close()
            if WITH_CAMERA.exists():
                browser = playwright.chromium.launch(executable_path=WITH_CAMERA, args=FLAGS)
                _camera(browser, address)
                browser.close()


@contextmanager
def _served(site: Path, many: Session) -> Iterator[str]:
    """Yield the address of a page of two clips, the first as a reader meets it and one of many frames."""
    renamed = replace(many, sample=None)
    clips = [SAMPLE, PageClip(session=renamed)]
    write_site(site, models=[MODEL], clips=clips, runtime=ENGINE, progress=lambda stage, done, total: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Recorder, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def _times(browser: Browser, address: str, folder: Path) -> None:
    page = _opened(browser, address, service_workers="block")
    size = sum(_Recorder.sent.values())
    print(f"| bytes to the first heat, each file by gzip -6 | {size / 1e6:.2f} MB in {len(_Recorder.sent)} files |")
    print(f"| first heat, empty cache | {_drawn(page)[-1][1] / 1000:.2f} s |")
    warm = []
    for _ in range(REPEATS):
        page.reload()
        _wait(page, 1)
        warm.append(_drawn(page)[0][1] / 1000)
    print(f"| first heat, files in the browser's cache, median of {REPEATS} | {statistics.median(warm):.2f} s |")
    timed = "processor time of scripts; scripts; and painting"
    print(f"| a question under the pointer, p50 and p95 of {HOVERS}: {timed} | {_hovers(page)} |")
    clip = _clip(folder / "own.mp4")
    own = []
    for index in range(REPEATS):
        page.evaluate(STAGES)
        start = page.evaluate("performance.now()")
        page.locator("input[type=file]").set_input_files(clip)
        _wait(page, 2 + index)
        stages = page.evaluate("window.stages")
        moments = [start, *(stages[name] for name in OWN_STAGES), _drawn(page)[-1][1]]
        own.append([(then - now) / 1000 for now, then in pairwise(moments)])
    medians = [statistics.median(part) for part in zip(*own, strict=True)]
    print(
        f"| own clip of {CLIP_SECONDS} s to heat, median of {REPEATS}: all; opened and decoded, trunk, blocks and "
        f"drawing | {statistics.median(map(sum, own)):.2f}; {', '.join(f'{part:.2f}' for part in medians)} s |"
    )
    print(f"| memory of the page's process with it, its own | {_memory() / 1e6:.0f} MB |")
    page.context.close()


def _forecast(session: Session) -> float:
    """Return the bytes that the page forecasts for a clip of its default network."""
    frames, height, width, _ = session.frames.rgb.shape
    fed = list(network_pixels(session.frames, INPUT, session.view).shape[-2:])
    adds = len(session.capture.blocks)
    run = f"runBytes([{{ frames: {frames}, inputHw: {fed}, adds: {adds} }}], {frames * height * width})"
    module = (ROOT / "nonlocal_core/viewer/model/memory.js").as_uri()
    script = f'import {{ runBytes }} from "{module}"; console.log({run})'
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60, check=True
    )
    return float(done.stdout)


def _memory_of_many(browser: Browser, address: str, many: Session) -> None:
    """Print what a clip of many frames takes: the largest moment that was seen, and what stays."""
    page = _opened(browser, address)
    before = len(_drawn(page))
    page.get_by_label("Clip", exact=True).select_option(index=1)
    peak = 0
    while len(_drawn(page)) == before:
        peak = max(peak, _memory())
        page.wait_for_timeout(LOOK_MS)
    shown = page.locator(".nlv-film .nlv-picture").count()
    print(
        f"| memory of the page's process with {shown} frames, its own: while they run, and with the answer; forecast | "
        f"{max(peak, _memory()) / 1e6:.0f}, {_memory() / 1e6:.0f}; {_forecast(many) / 1e6:.0f} MB |"
    )
    page.context.close()


def _agreement(browser: Browser, address: str, clips: Path | None) -> None:
    """Print, for each clip that both decode, how far the decoders differ and whether the answers agree."""
    page = _opened(browser, address, init=FED)
    paths = _sample_videos() if clips is None else sorted(path for path in clips.iterdir() if path.is_file())
    same_frame = same_cell = compared = 0
    for path in paths:
        try:
            session = Session.open(path, MODEL, device="cpu")
        except NonlocalError:
            continue
        if session.frames.info.kind != "video":
            continue
        before = len(_drawn(page))
        page.locator("input[type=file]").set_input_files(path)
        page.wait_for_function(
            "(count) => (window.drawn ?? []).length > count || document.querySelector('.site-fault:not([hidden])')",
            arg=before,
            timeout=PATIENCE_MS,
        )
        if len(_drawn(page)) == before:
            print(f"| {path.name} | {page.locator('.site-fault').inner_text()} |")
            continue
        levels = _levels_apart(page, session)
        shown, cell = _asked(page)
        first = session.query(frame=len(session.frames.rgb) // 2, x=0.5, y=0.5)
        shares = np.where(first.own_cells.any(axis=(1, 2)), 0, first.cell_share.sum(axis=(1, 2)))
        top = first.top(1)[0].cell
        strongest, true = int(shares.argmax()) + 1, [top.t + 1, top.y + 1, top.x + 1]
        compared, same_frame, same_cell = compared + 1, same_frame + (shown == strongest), same_cell + (cell == true)
        print(
            f"| {path.name}: levels of 255 by which what is fed differs, mean, worst frame's mean, worst; strongest "
            f"other frame in the browser and in Python; strongest cell (frame, row, column) | "
            f"{', '.join(f'{level:.2f}' for level in levels)}; {shown}, {strongest}; {cell} and {true} |",
            flush=True,
        )
    print(f"| same strongest other frame; same strongest cell | {same_frame}; {same_cell} of {compared} clips |")
    page.context.close()


def _sample_videos() -> list[Path]:
    return [path for sample in list_samples() if isinstance(path := sample.open(), Path)]


def _levels_apart(page: Page, session: Session) -> tuple[float, float, float]:
    """Return the mean difference of the pixels that the network is fed, that of the worst frame, and the largest."""
    fed = network_pixels(session.frames, INPUT, session.view)[0] * INPUT.std[0] + INPUT.mean[0]
    true = np.rint(255 * fed).astype(np.int16).transpose(1, 2, 3, 0)
    seen = frames_fed(page)
    if len(seen) != len(true):
        return (float("nan"),) * 3
    size = (true.shape[2], true.shape[1])
    scaled = [np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC), np.int16) for frame in seen]
    apart = np.abs(np.stack(scaled) - true)
    return float(apart.mean()), float(apart.mean(axis=(1, 2, 3)).max()), float(apart.max())


def _asked(page: Page) -> tuple[int, list[int]]:
    """Return the strongest other frame and the strongest cell (frame, row, column) of the answer, counted from 1."""
    page.locator("summary", has_text="Numbers").evaluate("(summary) => summary.parentElement.open = true")
    row = page.locator(".nlv-numbers tbody tr").first
    row.locator("td").first.wait_for(timeout=PATIENCE_MS)
    shown = int(page.locator(".nlv").get_attribute("data-shown") or 0) + 1
    return shown, [int(text) for text in row.locator("td").all_inner_texts()[:3]]


def _camera(browser: Browser, address: str) -> None:
    """Print answers a second while the camera films, alone and under a pointer that asks all the while."""
    page = _opened(browser, address, permissions=["camera"])
    page.get_by_role("button", name="Camera").click()
    _wait(page, WARM_ANSWERS)
    before = len(_drawn(page))
    page.wait_for_timeout(1000 * CAMERA_SECONDS)
    print(f"| camera, answers a second over {CAMERA_SECONDS} s | {_pace(_drawn(page)[before:]):.1f} |")
    before = len(_drawn(page))
    took = _hovers(page)
    print(
        f"| the same while the camera films; answers a second meanwhile | {took}; {_pace(_drawn(page)[before:]):.1f} |"
    )
    page.context.close()


def _hovers(page: Page) -> str:
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    took = page.evaluate(HOVER, HOVERS)
    busy = _script_times(json.loads(browser.stop_tracing())["traceEvents"])
    parts = [sorted(part) for part in (busy, *zip(*took, strict=True))]
    return "; ".join(f"{part[len(part) // 2]:.1f}, {part[int(0.95 * len(part))]:.1f} ms" for part in parts)


def _script_times(events: list[dict[str, Any]]) -> list[float]:
    """Return the processor time in ms of the scripts from each move of the pointer to the next, as the browser traced
    them."""
    moves: list[float] = []
    for event in sorted(events, key=itemgetter("ts")):
        is_move = event.get("args", {}).get("data", {}).get("type") == "pointermove"
        if event["name"] == "EventDispatch" and is_move:
            moves.append(event["tdur"] / 1000)
        elif event["name"] == "FireAnimationFrame" and moves:
            moves[-1] += event["tdur"] / 1000
    return moves


def _pace(drawn: list[tuple[str, float]]) -> float:
    """Answers per second of some that were drawn one after another; 0 of fewer than two."""
    return 1000 * (len(drawn) - 1) / (drawn[-1][1] - drawn[0][1]) if len(drawn) > 1 else 0.0


def _opened(browser: Browser, address: str, init: str = "", **context: Any) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, **context).new_page()
    page.add_init_script(DRAWN_AT)
    if init:
        page.add_init_script(init)
    page.goto(address)
    _wait(page, 1)
    return page


def _wait(page: Page, count: int) -> None:
    page.wait_for_function("(count) => (window.drawn ?? []).length >= count", arg=count, timeout=PATIENCE_MS)


def _drawn(page: Page) -> list[tuple[str, float]]:
    drawn: list[tuple[str, float]] = page.evaluate("window.drawn")
    return drawn


def _clip(path: Path) -> Path:
    """A film of plain patches that drift, as H.264."""
    height, width = CLIP_HW
    patches = np.random.default_rng(1).integers(0, 256, (9, 20, 3), np.uint8).repeat(40, axis=0).repeat(40, axis=1)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=CLIP_RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(CLIP_SECONDS * CLIP_RATE):
            picture = np.ascontiguousarray(np.roll(patches, index, axis=1)[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _memory() -> int:
    """Bytes that the largest process of a page holds for itself."""
    mine = psutil.Process().children(recursive=True)
    return max(child.memory_full_info().uss for child in mine if "--type=renderer" in child.cmdline())


if __name__ == "__main__":
    main()
