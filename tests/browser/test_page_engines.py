"""Engines of the page without a server: threads where the host allows them, WebGPU where its rows are the same."""

import json

import numpy as np
import pytest
from patience import PATIENCE_MS
from playwright.sync_api import expect
from serving import CHROMIUM, FLAGS
from sites import ISOLATED, MODELS, SHORT_SIDE, hosted, opened, picture

from nonlocal_core.session import Session
from nonlocal_core.site.runtime import GPU_WASM

pytestmark = pytest.mark.browser

WITH_WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
"""WebGPU of Chromium's own software, which the page takes for what it is."""
TAKEN_FOR_REAL = "Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false });"
ROW_TOLERANCE = 1e-3
"""Of a row's largest weight."""
KEPT = """async (name) => {
    for (;;) {
        for (const edition of await caches.keys()) {
            const files = await (await caches.open(edition)).keys();
            if (files.some(({ url }) => url.endsWith(name))) return;
        }
        await new Promise(requestAnimationFrame);
    }
}"""
"""Waits until the page has kept a file for reading offline."""
FAILS_WHEN_TOLD = """{
    const Real = window.Worker;
    window.Worker = class extends Real {
        postMessage(message, ...rest) {
            if (message.provider === "webgpu") this.graphics = true;
            if (!window.failing || !this.graphics || message.kind !== "run") return super.postMessage(message, ...rest);
            setTimeout(() => this.onmessage({ data: { job: message.job, failed: "The device was lost." } }));
        }
    };
}"""
OTHER_ROWS = """{
    const Real = window.Worker;
    window.Worker = class extends Real {
        postMessage(message, ...rest) {
            if (message.provider === "wasm") window.engine = message.runtime;
            this.graphics ||= message.provider === "webgpu";
            const other = message.provider === "webgpu" ? { provider: "wasm", runtime: window.engine } : {};
            super.postMessage({ ...message, ...other }, ...rest);
        }
        set onmessage(heard) {
            super.onmessage = (event) => {
                const tables = this.graphics && event.data.tables ? event.data.tables.values() : [];
                for (const { values } of tables) values.fill(1, 0, values.length / 2);
                heard(event);
            };
        }
    };
}"""
"""In the place of WebGPU, the other engine with half of its tables overwritten."""


@pytest.fixture
def page_with_webgpu(chromium, small):
    """An empty page of a Chromium that has WebGPU, and the address of the small page."""
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *WITH_WEBGPU])
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    with hosted(small) as (address, _):
        page.goto(f"{address}NOTICE.txt")
        if not page.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
            browser.close()
            pytest.skip("This Chromium has no WebGPU, not even in software.")
        yield page, address
        browser.close()


def test_webgpu_runs_what_comes_after_the_same_rows_and_webassembly_what_comes_after_its_fault(
    page_with_webgpu, tmp_path
):
    page, address = page_with_webgpu
    for script in (TAKEN_FOR_REAL, FAILS_WHEN_TOLD):
        page.add_init_script(script)
    page.goto(address)
    viewer, engine = page.locator(".nlv"), page.locator("#engine")
    shown = opened(viewer)
    page.evaluate(KEPT, f".{GPU_WASM.partition('.')[2]}")  # asked for once the rows were found to be the same
    expect(engine).to_have_text("The network runs on WebAssembly, one thread.")
    own = tmp_path / "own.png"
    picture(own, seed=4)
    page.locator("input[type=file]").set_input_files(own)
    shown = opened(viewer, shown)
    expect(engine).to_have_text("The network runs on WebGPU.")
    assert kept_apart(page, own) <= ROW_TOLERANCE

    page.evaluate("window.failing = true")
    page.locator("input[type=file]").set_input_files(own)
    opened(viewer, shown)
    failed = "The network runs on WebAssembly, one thread. WebGPU is not used: it failed. The device was lost."
    expect(engine).to_have_text(failed)
    expect(page.locator(".site-fault")).to_be_hidden()


def test_webgpu_with_other_rows_is_not_taken(page_with_webgpu, tmp_path):
    page, address = page_with_webgpu
    for script in (TAKEN_FOR_REAL, OTHER_ROWS):
        page.add_init_script(script)
    page.goto(address)
    shown = opened(page.locator(".nlv"))
    told = "The network runs on WebAssembly, one thread. WebGPU is not used: its weights differ by up to"
    expect(page.locator("#engine")).to_contain_text(told)
    picture(tmp_path / "own.png", seed=4)
    page.locator("input[type=file]").set_input_files(tmp_path / "own.png")
    opened(page.locator(".nlv"), shown)
    expect(page.locator("#engine")).to_contain_text(told)


def test_webgpu_in_software_and_none_at_all_are_told(page_with_webgpu, page):
    with_software, address = page_with_webgpu
    page.add_init_script("delete Navigator.prototype.gpu")
    for shown, why in ((with_software, "this computer has it in software alone"), (page, "this browser has none")):
        shown.goto(address)
        opened(shown.locator(".nlv"))
        told = f"The network runs on WebAssembly, one thread. WebGPU is not used: {why}."
        expect(shown.locator("#engine")).to_have_text(told)


def test_a_host_that_isolates_the_page_gives_it_threads(page, small, tmp_path):
    with hosted(small, ISOLATED) as (address, _):
        page.goto(address)
        shown = opened(page.locator(".nlv"))
        threads = page.evaluate("Math.min(navigator.hardwareConcurrency, 4)")
        if threads == 1:
            pytest.skip("This machine has one core.")
        expect(page.locator("#engine")).to_contain_text(f"The network runs on WebAssembly, {threads} threads.")
        own = tmp_path / "own.png"
        picture(own, seed=4)
        page.locator("input[type=file]").set_input_files(own)
        opened(page.locator(".nlv"), shown)
        assert kept_apart(page, own) <= ROW_TOLERANCE


def kept_apart(page, path):
    """The largest difference of the weights that the page keeps from Python's, as a part of the largest weight."""
    page.get_by_text("Keep", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Numbers").click()
    kept = path.with_suffix(".npz")
    download.value.save_as(kept)
    true = Session.open(path, MODELS[0], short_side=SHORT_SIDE, device="cpu").query(frame=0, x=0.5, y=0.5).heat
    with np.load(kept) as numbers:
        engine = json.loads(str(numbers["provenance"]))["device"]
        assert engine.partition("(")[2] in page.locator("#engine").inner_text().replace(".", ")")
        return float(np.abs(numbers["heat"] - true).max() / true.max())
