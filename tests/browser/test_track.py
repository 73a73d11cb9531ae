"""Track in a real Chromium: the scores on the page are those of the Python API, also of a box drawn by hand."""

import re

import numpy as np
import pytest
from patience import PATIENCE_MS, settled
from playwright.sync_api import expect

from nonlocal_core import Session
from nonlocal_core.tracking import box_mask, carry, known_masks, pointing_hits, region_similarity

pytestmark = pytest.mark.browser


SMALL = {"frames": 3, "short_side": 128}
QUERY = "clip=sample:composed&frames=3&short_side=128"


@pytest.fixture(scope="module")
def session():
    return Session.open("sample:composed", **SMALL)


def metric(page, title):
    return page.locator("[data-testid=stMetric]").filter(has_text=title).locator("[data-testid=stMetricValue]")


def slider_values(page):
    """The box that the two sliders say, in units of the frame."""
    sliders = [
        page.locator("[data-testid=stSlider]").filter(has_text=title).get_by_role("slider")
        for title in ("From left to right", "From top to bottom")
    ]
    return tuple(
        tuple(float(thumb.evaluate("thumb => thumb.ariaValueNow ?? thumb.value")) / 100 for thumb in slider.all())
        for slider in sliders
    )


def score(session, mask, frame, truth):
    """What the page should say of a mask in one frame: J over the other frames, and the pointing hits in them."""
    carried = carry(session.block(), mask, frame=frame)
    others = np.arange(len(truth)) != frame
    similarity = region_similarity(carried.masks(truth.shape[1:]), truth)[others].mean()
    hits = pointing_hits(carried, truth)[others]
    return f"{similarity:.3f}", f"{int(np.nansum(hits))} of {int(np.isfinite(hits).sum())}"


def test_the_score_of_an_object_of_the_composed_sample_is_the_apis(page, address, session):
    page.goto(f"{address}/track?{QUERY}")
    truths = known_masks(session.sample, session.frames.frame_indices)
    frame = session.first_question().frame
    for name in ("cat", "cup"):
        page.get_by_role("radio", name=name).click()
        similarity, hits = score(session, truths[name][frame], frame, truths[name])
        expect(metric(page, "Region similarity J")).to_have_text(similarity)
        expect(metric(page, "Pointing hits")).to_have_text(hits)
    settled(page)
    expect(page.get_by_text(f"frame {frame + 1} · marked")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^frame \d · J \d\.\d\d$"))).to_have_count(2)


def test_a_drawn_box_is_tracked_and_scored(page, address, session):
    page.goto(f"{address}/track?{QUERY}")
    page.get_by_role("radio", name="A box").click()
    page.get_by_role("combobox", name="Score against").click()
    page.get_by_role("option", name="cat").click()
    expect(metric(page, "Region similarity J")).to_be_visible()
    settled(page)  # what is drawn while the page still runs is drawn over
    before = slider_values(page)
    picture = page.locator(".stPlotlyChart .nsewdrag").first
    picture.scroll_into_view_if_needed()
    frame = picture.bounding_box()
    page.mouse.move(frame["x"] + 0.30 * frame["width"], frame["y"] + 0.35 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.5 * frame["width"], frame["y"] + 0.6 * frame["height"], steps=4)
    page.mouse.move(frame["x"] + 0.62 * frame["width"], frame["y"] + 0.85 * frame["height"], steps=4)
    page.mouse.up()
    for _ in range(PATIENCE_MS // 200):
        if slider_values(page) != before:
            break
        page.wait_for_timeout(200)
    (x0, x1), (y0, y1) = slider_values(page)
    assert ((x0, x1), (y0, y1)) != before
    assert 0 < x0 < x1 < 1
    truth = known_masks(session.sample, session.frames.frame_indices)["cat"]
    marked = session.first_question().frame
    similarity, hits = score(session, box_mask((x0, y0, x1, y1), truth.shape[1:]), marked, truth)
    expect(metric(page, "Region similarity J")).to_have_text(similarity)
    expect(metric(page, "Pointing hits")).to_have_text(hits)
    page.reload()
    expect(page.locator("[data-testid=stSlider]").filter(has_text="From top to bottom")).to_be_visible()
    assert slider_values(page) == ((x0, x1), (y0, y1))


def test_one_picture_has_nowhere_to_look(page, address):
    page.goto(f"{address}/track?clip=sample:coins&short_side=64")
    expect(page.get_by_text("One picture has no other frames")).to_be_visible()
