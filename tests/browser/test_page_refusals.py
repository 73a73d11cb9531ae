"""What the page without a server cannot do, in one sentence each; what can be done goes on."""

import shutil

import pytest
from media_files import stamps
from page_rows import RECORD
from playwright.sync_api import expect
from sites import hosted, opened, picture

pytestmark = pytest.mark.browser

NO_MEMORY = """{
    WebAssembly.Memory = function () { throw new RangeError("WebAssembly.Memory(): could not allocate memory"); };
}
"""
"""Stands before the worker's script."""
SMALL_COMPUTER = "Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 1 });"
"""Of one gigabyte."""
WIDE_HW = (96, 480)
OLD = {
    "no pictures beside the page": "delete window.OffscreenCanvas",
    "no WebAssembly": "delete window.WebAssembly",
    "no SIMD": "WebAssembly.validate = () => false",
    "no modules in workers": """{
        const Real = window.Worker;
        window.Worker = class extends Real { constructor(script) { super(script); } };
    }""",
}


@pytest.mark.parametrize("lacks", OLD)
def test_an_old_browser_is_told_so(page, small, lacks):
    page.add_init_script(OLD[lacks])
    with hosted(small) as (address, _):
        page.goto(address)
        expect(page.get_by_role("alert")).to_contain_text("This browser is too old for it: it needs WebAssembly")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("NotAllowedError", "The camera was refused. Allow it for this page in the browser's address bar, or open a"),
        ("NotFoundError", "This computer has no camera that the browser can see."),
        ("NotReadableError", "The camera could not be opened. It is in use."),
    ],
)
def test_a_camera_that_is_not_given_leaves_the_answer_on_screen(page, small, fault, sentence):
    page.add_init_script(
        f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('It is in use.', '{fault}'); }}"
    )
    with hosted(small) as (address, _):
        page.goto(address)
        shown = opened(page.locator(".nlv"))
        page.get_by_role("button", name="Camera").click()
        expect(page.get_by_role("alert")).to_contain_text(sentence)
        assert page.locator(".nlv").get_attribute("data-ready") == shown
        page.locator(".nlv-field").press("Enter")
        expect(page.locator(".nlv")).to_have_attribute("data-pinned", "true")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("broken.mp4", "broken.mp4 cannot be decoded by this browser. Save it as H.264 (MP4) or VP9 (WebM)."),
        ("broken.png", "broken.png is not a picture or a video that this browser can open."),
        ("notes.txt", "notes.txt is not a picture or a video that this browser can open."),
    ],
)
def test_a_broken_file_is_refused_and_the_next_one_opens(page, small, tmp_path, name, sentence):
    (tmp_path / name).write_bytes(b"no picture, and no film either")
    picture(tmp_path / "own.png", seed=4)
    with hosted(small) as (address, _):
        page.goto(address)
        shown = opened(page.locator(".nlv"))
        page.locator("input[type=file]").set_input_files(tmp_path / name)
        expect(page.get_by_role("alert")).to_contain_text(sentence)
        assert page.locator(".nlv").get_attribute("data-ready") == shown
        page.locator("input[type=file]").set_input_files(tmp_path / "own.png")
        opened(page.locator(".nlv"), shown)
        expect(page.locator(".site-fault")).to_be_hidden()


def test_where_memory_does_not_suffice_filters_still_run(page, small, tmp_path):
    folder = shutil.copytree(small, tmp_path / "site")
    (worker,) = folder.glob("worker-*.js")
    worker.write_text(NO_MEMORY + worker.read_text())
    with hosted(folder) as (address, _):
        page.goto(address)
        told = "The memory of this browser does not suffice. Take fewer frames, or close other pages."
        expect(page.get_by_role("alert")).to_have_text(told)
        page.get_by_label("Network", exact=True).select_option(index=2)  # which needs no engine
        opened(page.locator(".nlv"))
        expect(page.locator(".site-fault")).to_be_hidden()


def test_a_run_that_needs_more_memory_than_there_is_is_not_begun(page, site, tmp_path):
    page.add_init_script(SMALL_COMPUTER)
    page.add_init_script(RECORD)
    wide = tmp_path / "wide.mp4"
    wide.write_bytes(stamps(12, hw=WIDE_HW))
    picture(tmp_path / "own.png", seed=4)
    with hosted(site) as (address, _):
        page.goto(address)
        shown = opened(page.locator(".nlv"))
        runs = page.evaluate("window.seen.length")
        page.locator("input[type=file]").set_input_files(wide)
        told = page.get_by_role("alert")
        expect(told).to_contain_text("This run needs about")
        expect(told).to_contain_text("this browser has 0.5 GiB for the page. Open a picture or a clip of fewer frames")
        assert page.evaluate("window.seen.length") == runs, "it was begun"
        assert page.locator(".nlv").get_attribute("data-ready") == shown
        page.locator("input[type=file]").set_input_files(tmp_path / "own.png")
        opened(page.locator(".nlv"), shown)
        expect(told).to_be_hidden()
