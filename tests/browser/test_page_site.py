"""The page without a server, in a real browser: its rows are Python's, it asks nobody, and it opens again offline."""

import hashlib
import json
from zipfile import ZipFile

import numpy as np
import pytest
from page_rows import RECORD, ROW_TOLERANCE, rows_differ
from PIL import Image
from playwright.sync_api import expect
from serving import ENGINE
from sites import MODELS, hosted, opened, picture, taken

from nonlocal_core import Pin
from nonlocal_core.render.layout import UNITS
from nonlocal_core.session import Session
from nonlocal_core.site import packing
from nonlocal_core.site.contents import PageClip

pytestmark = pytest.mark.browser

NO_CAMERA = (
    "() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }; }"
)


def test_a_reader_opens_asks_switches_films_and_comes_back_offline(page, served, tmp_path):
    address, server = served
    requests, faults = [], []
    page.context.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda said: said.type == "error" and faults.append(said.text))
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.add_init_script(RECORD)
    page.goto(address)
    viewer = page.locator(".nlv")
    first = opened(viewer)
    assert page.get_by_text("Nothing leaves this computer.").is_visible()

    # a file of one's own, and each network on it
    own = tmp_path / "own.png"
    picture(own, seed=4)
    page.locator("input[type=file]").set_input_files(own)
    second = opened(viewer, first)
    assert page.get_by_label("Clip", exact=True).locator("option:checked").inner_text() == "Yours: own.png"
    assert rows_differ(page, own, MODELS[0]) <= ROW_TOLERANCE
    page.get_by_label("Network", exact=True).select_option(index=1)
    third = opened(viewer, second)
    assert rows_differ(page, own, MODELS[1]) <= ROW_TOLERANCE
    expect(viewer).to_have_attribute("data-columns", third)  # who looks here can be asked

    # a filter over pixels, without the trunk, and back to the network, whose features are still there
    page.get_by_label("Network", exact=True).select_option(index=2)
    fourth = opened(viewer, third)
    assert rows_differ(page, own, MODELS[2]) <= ROW_TOLERANCE
    expect(viewer).to_have_attribute("data-columns", fourth)
    page.get_by_label("Network", exact=True).select_option(index=1)
    third = opened(viewer, fourth)

    # all networks side by side, under one question, on the features of the trunk that ran before
    compare = page.get_by_role("button", name="Compare networks")
    compare.click()
    expect(viewer).to_have_attribute("data-ready", "page-6 page-7")
    expect(page.locator(".nlv-pane[data-block]")).to_have_count(2)
    assert [pane.get_attribute("data-block") for pane in page.locator(".nlv-pane[data-block]").all()] == [
        "stride8+16",
        "stride8+16",
    ]
    expect(viewer).to_have_attribute("data-columns", "page-7")
    compare.click()
    third = opened(viewer, "page-7")
    assert page.evaluate("window.seen") == [1, 1, 0, 1, 0, 0, 0, 0]

    # what is on screen is kept: the live page, which opens from a disk, and the figure
    kept = {name: taken(page, name, tmp_path) for name in ("Live page", "Figure", "animated PNG", "Numbers")}
    with np.load(kept["Numbers"]) as numbers:
        assert json.loads(str(numbers["provenance"]))["clip_sha256"] == hashlib.sha256(own.read_bytes()).hexdigest()
        assert numbers["heat"].sum() == pytest.approx(1, abs=1e-4)
    with Image.open(kept["Figure"]) as figure, Image.open(kept["animated PNG"]) as film:
        assert figure.size[0] == UNITS
        assert (figure.text["provenance"], film.n_frames) == (film.text["provenance"], 1)
    again = page.context.new_page()
    again.goto(kept["Live page"].as_uri())
    assert again.locator(".nlv").get_attribute("data-cell") == viewer.get_attribute("data-cell")
    assert again.locator(".nlv-sentences").inner_text() == page.locator(".nlv-sentences").inner_text()
    again.close()

    # the same file once more, which may have changed meanwhile
    page.locator("input[type=file]").set_input_files(own)
    third = opened(viewer, third)

    # what is no picture is refused in a sentence, and the answer on screen stays
    (tmp_path / "broken.png").write_bytes(b"no picture")
    page.locator("input[type=file]").set_input_files(tmp_path / "broken.png")
    expect(page.get_by_role("alert")).to_contain_text("is not a picture or a video that this browser can open")
    assert viewer.get_attribute("data-ready") == third

    # no camera: a sentence, and the answer on screen stays
    page.evaluate(NO_CAMERA)
    page.get_by_role("button", name="Camera").click()
    expect(page.get_by_role("alert")).to_contain_text("no camera that the browser can see")
    assert viewer.get_attribute("data-ready") == third

    # an old browser: a sentence
    old = page.context.new_page()
    old.add_init_script("delete window.OffscreenCanvas")
    old.goto(address)
    expect(old.get_by_role("alert")).to_contain_text("This browser is too old for it")
    old.close()

    # nobody was asked, and nobody is needed any more
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    strange = {url for url in requests if not url.startswith((address, f"blob:{address}"))}
    assert strange == {kept["Live page"].as_uri()}
    assert faults == []
    server.shutdown()
    server.socket.close()
    page.goto(address)
    opened(viewer)


def test_a_page_in_a_zip_file_opens_with_its_clip_and_pin(page, tmp_path, monkeypatch):
    if not ENGINE.is_dir():
        pytest.skip(f"No engine at {ENGINE}: make tools fetches it, or set NONLOCAL_ENGINE to its folder.")
    monkeypatch.setattr(packing, "page_networks", lambda: ("lite0-gaussian",))
    pixels = np.random.default_rng(2).integers(0, 256, (3, 8, 12, 3), dtype=np.uint8).repeat(16, 1).repeat(16, 2)
    session = Session.open(pixels, "lite0-gaussian", device="cpu")
    pin = Pin(frame=2, x=0.25, y=0.5, block="stride16")
    clip = PageClip(session=session, pin=pin)
    path = packing.zip_site(tmp_path / "page.zip", clip, runtime=ENGINE, progress=lambda *_: None)
    with ZipFile(path) as archive:
        archive.extractall(tmp_path)
    with hosted(tmp_path / "site") as (address, _):
        page.goto(address)
        viewer = page.locator(".nlv")
        opened(viewer)
        expect(viewer).to_have_attribute("data-pinned", "true")
        cell = session.query(frame=2, x=0.25, y=0.5, block="stride16").query
        assert viewer.get_attribute("data-cell") == f"{cell.t},{cell.y},{cell.x}"
        expect(page.locator(".nlv-film .nlv-picture")).to_have_count(3)
        sentence = page.locator(".nlv-sentences").inner_text()
        kept = taken(page, "Live page", tmp_path)
    page.goto(kept.as_uri())
    expect(page.locator(".nlv-sentences")).to_have_text(sentence)
    expect(page.locator(".nlv-film .nlv-picture")).to_have_count(3)
