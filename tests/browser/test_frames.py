"""The choice of frames in a real Chromium: which are read, that they can be seen before, and what a picture offers."""

import io

import numpy as np
import pytest
from patience import PATIENCE_MS, settled
from PIL import Image
from playwright.sync_api import expect

from nonlocal_core import Selection, find_sample, read_frames
from nonlocal_core.bundle import decode_bundle

pytestmark = pytest.mark.browser

QUERY = "clip=sample:composed&model=lite0-parameter-free&frames=3&short_side=128"


def opened(page, address, query=QUERY):
    page.goto(f"{address}/?{query}")
    page.wait_for_selector("[data-ready]")
    settled(page)
    page.locator(".st-key-frames-open button").first.click()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    settled(page)


def read_by_the_viewer(page):
    """The frames of the bundle that the viewer fetched last."""
    address = page.bundles[-1]
    return decode_bundle(page.request.get(address).body()).media.frame_indices


@pytest.fixture
def page(page):
    page.bundles = []
    page.on("request", lambda asked: page.bundles.append(asked.url) if "/api/bundle/" in asked.url else None)
    return page


def apply(page):
    before = page.locator("[data-ready]").get_attribute("data-ready")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(f'[data-ready]:not([data-ready="{before}"])')).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_have_count(0)


def test_exactly_these_frames_are_seen_and_read_and_the_popover_closes(page, address):
    opened(page, address)
    page.get_by_role("radio", name="Exactly these").click()
    box = page.get_by_role("textbox", name="Frames of the clip, from 1 to 24")
    expect(box).to_have_value("1, 12, 24")
    box.fill("2, 25")
    box.press("Enter")
    expect(page.get_by_text("The clip has the frames 1 to 24; there is no frame 25.")).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    box.fill("9, 2, 5-6")
    box.press("Enter")
    expect(page.get_by_text("4 of 24 frames: 2, 5, 6, 9.")).to_be_visible()
    page.get_by_text("Look at them first").click()
    strip = page.get_by_alt_text("Frames 2, 5, 6, 9 of the clip")
    expect(strip).to_be_visible()
    shown = Image.open(io.BytesIO(page.request.get(strip.get_attribute("src")).body()))
    small = read_frames(find_sample("composed").open(), Selection(frame_indices=(1, 4, 5, 8)), max_side=120).rgb
    height, width = small.shape[1:3]
    last = np.asarray(shown.convert("RGB"), float)[:, 3 * (width + 4) :]
    assert last.shape[:2] == (height, width)
    assert np.abs(last - small[3]).mean() < 6, "JPEG of the very frame that is read"
    apply(page)
    assert read_by_the_viewer(page) == (1, 4, 5, 8)
    page.wait_for_url("**exactly=1%2C4%2C5%2C8*")


def test_every_nth_frame_of_the_whole_clip(page, address):
    opened(page, address)
    page.get_by_role("radio", name="Every n-th").click()
    expect(page.get_by_text("3 of 24 frames: 1, 9, 17.")).to_be_visible()
    apply(page)
    assert read_by_the_viewer(page) == (0, 8, 16)


def test_a_range_is_kept_to(page, address):
    opened(page, address)
    ends = page.get_by_role("slider", name="From frame to frame")
    ends.first.press("PageUp")
    settled(page)
    expect(page.get_by_text("3 of 24 frames: 1, ")).to_have_count(0)
    apply(page)
    read = read_by_the_viewer(page)
    assert len(read) == 3
    assert read[0] > 0
    assert read[-1] == 23


def test_a_picture_offers_no_frames(page, address):
    opened(page, address, "clip=sample:coins&model=lite0-parameter-free&short_side=128")
    expect(page.get_by_role("radio", name="Every n-th")).to_have_count(0)
    expect(page.get_by_text("Short side of the network's input, pixels")).to_be_visible()


def test_a_start_past_the_end_is_answered_by_a_sentence_about_the_clip(page, address):
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?{QUERY}&start_seconds=900")
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("The clip ends at")
    expect(refusal).not_to_contain_text("start_seconds")
    page.get_by_role("button", name="Show the whole clip").click()
    page.wait_for_selector("[data-ready]")
