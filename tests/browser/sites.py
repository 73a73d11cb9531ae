"""Pages without a server: their clips, and a host of static files with the headers that a test names."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from patience import PATIENCE_MS
from PIL import Image
from playwright.sync_api import Locator, Page, expect

MODELS = ("lite0-embedded-gaussian", "lite0-gaussian", "pixels-nl-means")
SHORT_SIDE = 64
"""Of the input of networks on the small page: WebGPU in software takes a minute for the usual one."""
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
"""Headers of a host that lets a page have threads."""


class _Quiet(SimpleHTTPRequestHandler):
    headers_sent: Mapping[str, str] = {}

    def end_headers(self) -> None:
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hosted(folder: Path, headers: Mapping[str, str] | None = None) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    """Yield the address of a folder of static files, and its server."""
    handler = type("_Handler", (_Quiet,), {"headers_sent": headers or {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def small_inputs(folder: Path) -> None:
    """Have the networks of a written page fed smaller frames."""
    (facts,) = folder.glob("site-*.json")
    told = json.loads(facts.read_text())
    for spec in [told["input"], *(network["input"] for network in told["networks"] if "input" in network)]:
        spec["short_side"] = SHORT_SIDE
    facts.write_text(json.dumps(told))


def picture(path: Path, *, seed: int) -> None:
    """Write a picture of plain patches, larger than the network's input, so that the page has to scale it."""
    patches = np.random.default_rng(seed).integers(0, 256, (10, 14, 3), dtype=np.uint8)
    Image.fromarray(patches.repeat(31, axis=0).repeat(37, axis=1)).save(path)


def opened(viewer: Locator, before: str | None = None) -> str:
    """Wait for another bundle, and return its id."""
    if before is not None:
        expect(viewer).not_to_have_attribute("data-ready", before, timeout=PATIENCE_MS)
    expect(viewer).to_have_attribute("data-ready", "page-" + str(1 if before is None else int(before[5:]) + 1))
    return str(viewer.get_attribute("data-ready"))


def taken(page: Page, name: str, folder: Path) -> Path:
    """Return the file of that name in the menu of what can be kept, as it was downloaded."""
    page.get_by_text("Keep", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path
