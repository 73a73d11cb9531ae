"""Filters in a real Chromium: their sliders, what they make of the pixels, the heat under the pointer, the files."""

import io
import json
import re
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from patience import PATIENCE_MS, settled
from playwright.sync_api import expect

from nonlocal_core import Bm3d, NlMeans, Session
from nonlocal_core.measures.filtered import filtered, psnr, relative_estimate

pytestmark = pytest.mark.browser

SIDE = 40


def test_a_slider_opens_the_filter_anew_under_the_same_pin(chromium, address):
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?clip=sample:coins&short_side={SIDE}&model=pixels-nl-means:noise=0.1&at=0,0.2600,0.1900")
    viewer, captions = page.locator("[data-ready]"), page.locator(".nlv-filtered figcaption")

    def expect_answer(chosen):
        session = Session.open("sample:coins", chosen, short_side=SIDE)
        found, relative = filtered(session, frame=0), relative_estimate(session, Bm3d(), frame=0)
        expect(captions.first).to_have_text(f"With noise, PSNR {found.psnr_before:.1f} dB")
        expect(captions.nth(1)).to_have_text(f"Filtered, PSNR {found.psnr_after:.1f} dB")
        expect(captions.nth(2)).to_have_text(f"BM3D, its first step, PSNR {psnr(relative, found.clean):.1f} dB")
        settled(page)
        expect(viewer).to_have_count(1)  # that of the settings before has left
        expect(viewer).to_have_attribute("data-pinned", "true")
        expect(page.locator(".nlv")).to_contain_text(f"h {chosen.h:g}. Noise of deviation 0.1 was added")

    expect_answer(NlMeans(noise=0.1))
    slider = page.locator(".st-key-pixels-nl-means-h input[type=range]")
    slider.focus()
    slider.press("ArrowRight")
    expect_answer(NlMeans(h=0.11, noise=0.1))
    expect(slider).to_be_focused()  # so that arrows go on
    page.wait_for_url("**h%3D0.11**")
    link = parse_qs(urlparse(page.url).query)
    assert link["model"] == ["pixels-nl-means:h=0.11:noise=0.1"]
    assert link["at"] == ["0,0.2600,0.1900"]

    session = Session.open("sample:coins", link["model"][0], short_side=SIDE)
    page.get_by_role("application").press("Escape")
    expect(viewer).to_have_attribute("data-pinned", "false")
    box = page.locator(".nlv-asks .nlv-picture").first.bounding_box()
    page.mouse.move(box["x"] + 0.62 * box["width"], box["y"] + 0.41 * box["height"], steps=3)
    hovered = session.query(frame=0, x=0.62, y=0.41)
    expect(viewer).to_have_attribute("data-cell", ",".join(map(str, hovered.query)))
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_text("Where it looks: row")).to_be_visible()

    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_role("combobox", name="Keep this answer as").click()
    page.get_by_role("option", name="Numbers (NPZ)").click()
    page.get_by_role("button", name="Make the file").click()
    ready = page.get_by_role("button", name=re.compile("^Download, "))
    expect(ready).to_be_visible()
    settled(page)
    with page.expect_download() as download:
        ready.click()
    with np.load(io.BytesIO(download.value.path().read_bytes())) as kept:
        np.testing.assert_allclose(kept["heat"], hovered.heat, atol=1e-6)
        assert json.loads(str(kept["provenance"]))["model"] == link["model"][0]
        assert str(kept["note"]).startswith("No weights")

    matching = "pixels-bm3d:threshold=3:noise=0.1"
    page.goto(f"{address}/?clip=sample:coins&short_side={SIDE}&model={matching}&at=0,0.2600,0.1900")
    session = Session.open("sample:coins", matching, short_side=SIDE)
    found = filtered(session, frame=0)
    means = relative_estimate(session, NlMeans(h=0.08), frame=0)
    expect(captions.nth(1)).to_have_text(f"Filtered, PSNR {found.psnr_after:.1f} dB")
    expect(captions.nth(2)).to_have_text(f"Non-local means, h 0.08, PSNR {psnr(means, found.clean):.1f} dB")
    expect(page.locator(".st-key-pixels-bm3d-threshold input[type=range]")).to_have_value("3")
    spread = page.locator(".nlv").get_by_text("spread over about 16 of all")
    expect(spread.first).to_be_visible()
    page.context.close()
