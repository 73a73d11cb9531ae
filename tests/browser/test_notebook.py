"""A session in the cell of a notebook: hover computes what Python computes, within what the page states."""

import html
import re

import numpy as np
import pytest
from kept_files import bundle_in
from patience import PATIENCE_MS
from playwright.sync_api import expect

from nonlocal_core import Session
from nonlocal_core.bundle import decode_bundle

pytestmark = pytest.mark.browser

POINTS = [(0.52, 0.31), (0.35, 0.62), (0.9, 0.12)]
ROUNDED = 0.51  # of the last digit that a share is written with


@pytest.fixture(scope="module")
def session():
    return Session.open("sample:bunny")


@pytest.mark.parametrize("where", ["live", "exported"])
def test_hovering_in_a_cell_asks_there_and_is_as_exact_as_stated(chromium, tmp_path, session, where):
    """JupyterLab puts the cell into its page; an exported notebook is a file that holds it."""
    cell = session._repr_html_()
    (kept,) = decode_bundle(bundle_in(html.unescape(cell))).blocks
    context = chromium.new_context(viewport={"width": 1000, "height": 950})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints, requests = [], []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: requests.append(request.url))
    if where == "live":
        page.set_content(f"<main>{cell}</main>")
    else:
        (tmp_path / "notebook.html").write_text(f"<!doctype html><meta charset=utf-8><main>{cell}</main>", "utf-8")
        page.goto((tmp_path / "notebook.html").as_uri())
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    inside = page.frame_locator("iframe")
    viewer = inside.locator("[data-ready]")
    expect(viewer).to_be_visible()
    expect(inside.locator("body > header")).to_contain_text("these blocks are not in it: stride8+16")
    picture = inside.locator(".nlv-asks .nlv-picture").first
    frame = session.first_question().frame
    box = picture.bounding_box()
    for x, y in POINTS:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
        row = session.query(frame=frame, x=x, y=y, block=kept.capture.name)
        expect(viewer).to_have_attribute("data-cell", ",".join(map(str, row.query)))
        expect(viewer).to_have_attribute("data-block", "stride16")
        texts = inside.locator(".nlv-share").all_inner_texts()
        # "<0.1 %" is anything from 0 to that.
        shown = np.array([float(text.rstrip(" %").lstrip("<")) / (200 if "<" in text else 100) for text in texts])
        unit = np.array([10.0 ** -len(re.sub(r"[^.]*\.?", "", text.rstrip(" %"), count=1)) / 100 for text in texts])
        # Each of a step's weights may be off by what the page states of the row's largest.
        largest = kept.row_error * row.values.max() * row.heat[0].size
        assert (np.abs(shown - row.per_step_share) <= ROUNDED * unit + largest).all()
        assert np.abs(shown - row.per_step_share).max() < 0.02
    photograph = inside.locator(".nlv-asks canvas.nlv-photo").first
    spread = photograph.evaluate(
        """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let [least, most] = [255, 0];
            for (let i = 0; i < data.length; i += 4) {
                [least, most] = [Math.min(least, data[i]), Math.max(most, data[i])];
            }
            return most - least;
        }"""
    )
    assert spread > 100  # the WebP was decoded and drawn
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "about:", "data:", "blob:"))] == []
    context.close()
