"""Track in a real Chromium: the scores on the page are those of the Python API, of a drawn box and of a click too."""

import re

import numpy as np
import pytest
from patience import PATIENCE_MS, settled
from playwright.sync_api import expect

from nonlocal_core import Session
from nonlocal_core.geometry import box_mask, cells_mask
from nonlocal_core.measures.region import CHANCE, region_around
from nonlocal_core.measures.tracking import carry, known_masks, pointing_hits, region_similarity

pytestmark = pytest.mark.browser


SMALL = {"frames": 3, "short_side": 128}
QUERY = "clip=sample:composed&frames=3&short_side=128"


@pytest.fixture(scope="module")
def session():
    return Session.open("sample:composed", **SMALL)


def metric(page, title):
    """The newest of that title: while the page runs, that of the run before may still stand below it."""
    return page.locator("[data-testid=stMetric]").filter(has_text=title).locator("[data-testid=stMetricValue]").first


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
        settled(page)  # until then the score of the object before may stand beside the new one
        expect(metric(page, "Overlap with the truth, J")).to_have_text(similarity)
        expect(metric(page, "Pointing hits")).to_have_text(hits)
    settled(page)
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("combobox", name="Keep this answer as")).to_have_value("Frames with the outline (PNG)")
    expect(page.get_by_role("button", name="Make the file")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text(f"frame {frame + 1} · marked")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^frame \d · J \d\.\d\d$"))).to_have_count(2)


def test_a_drawn_box_is_tracked_and_scored(page, address, session):
    page.goto(f"{address}/track?{QUERY}")
    page.get_by_role("radio", name="A box").click()
    page.get_by_role("combobox", name="Score against").click()
    page.get_by_role("option", name="cat").click()
    expect(metric(page, "Overlap with the truth, J")).to_be_visible()
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
    expect(metric(page, "Overlap with the truth, J")).to_have_text(similarity)
    expect(metric(page, "Pointing hits")).to_have_text(hits)
    page.reload()
    expect(page.locator("[data-testid=stSlider]").filter(has_text="From top to bottom")).to_be_visible()
    assert slider_values(page) == ((x0, x1), (y0, y1))


def test_a_click_marks_what_the_block_finds_and_a_link_restores_it(page, address, session, chromium):
    page.goto(f"{address}/track?{QUERY}&find=What+I+click")
    picture = page.get_by_alt_text("The frame with the region around the click")
    expect(metric(page, "Overlap with the truth, J")).to_be_visible()
    settled(page)
    arrived = page.url
    before = picture.get_attribute("src")
    first, truths = session.first_question(), known_masks(session.sample, session.frames.frame_indices)
    frame = first.frame
    mask = truths["cup"][frame]
    clicked = "cat" if mask[int(first.y * mask.shape[0]), int(first.x * mask.shape[1])] else "cup"
    x, y = middle(truths[clicked][frame])
    box = picture.bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    expect(page).to_have_url(re.compile("point=(?!" + re.search(r"point=(\d+%2C\d+)", arrived)[1] + ")"))
    expect(page.get_by_text(f"with the exact pixels of the {clicked}")).to_be_visible()
    expect(picture).not_to_have_attribute("src", before)
    similarity, hits, own = clicked_score(session, x, y, frame, truths[clicked])
    expect(metric(page, "Overlap with the truth, J")).to_have_text(similarity)
    expect(metric(page, "Pointing hits")).to_have_text(hits)
    expect(page.get_by_text(f"J {own} with the exact pixels of the {clicked}")).to_be_visible()

    wider = page.locator("[data-testid=stSlider]").filter(has_text="Narrower or wider").get_by_role("slider")
    wider.press("ArrowRight")
    expect(page).to_have_url(re.compile("width=50"))
    similarity, hits, _ = clicked_score(session, x, y, frame, truths[clicked], chance=0.5)
    expect(metric(page, "Overlap with the truth, J")).to_have_text(similarity)
    with chromium.new_context() as other:
        restored = other.new_page()
        restored.goto(page.url)
        expect(metric(restored, "Overlap with the truth, J")).to_have_text(similarity)
        expect(metric(restored, "Pointing hits")).to_have_text(hits)

    page.get_by_role("button", name="Take the last click back").click()
    expect(page).to_have_url(arrived.replace(f"width={round(100 * CHANCE)}", "width=50"))


def test_a_finger_marks_on_a_small_screen_and_the_keyboard_moves_the_mark(address, chromium):
    with chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/track?{QUERY}&find=What+I+click")
        picture = page.get_by_alt_text("The frame with the region around the click")
        expect(metric(page, "Overlap with the truth, J")).to_be_visible()
        settled(page)
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        assert box["width"] < 390
        page.touchscreen.tap(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
        expect(page).to_have_url(re.compile("point=(9|10)[0-9]%2C(9|10)[0-9]&"))
        column = page.locator("[data-testid=stSlider]").filter(has_text="Column of the click").get_by_role("slider")
        before = int(column.evaluate("thumb => thumb.ariaValueNow ?? thumb.value"))
        column.press("ArrowRight")
        cell_width = 1 / Session.open("sample:composed", **SMALL).block().key_grid.cols
        expect(page).to_have_url(re.compile(f"point={round(1000 * (before + 0.5) * cell_width)}%2C"))


def middle(mask):
    """The (x, y) of a pixel of a mask: the one in the middle of their list."""
    rows, cols = np.nonzero(mask)
    return (cols[len(cols) // 2] + 0.5) / mask.shape[1], (rows[len(rows) // 2] + 0.5) / mask.shape[0]


def clicked_score(session, x, y, frame, truth, *, chance=CHANCE):
    """What the page should say of a click: of what it leads to in other frames, and of the clicked region itself."""
    block = session.block()
    cells = region_around(block, frame=frame, x=x, y=y, chance=chance)
    mask = cells_mask(cells, block.key_grid, truth.shape[1:])
    own = region_similarity(mask[None], truth[frame][None])[0]
    return (*score(session, mask, frame, truth), f"{own:.2f}")


def test_one_picture_has_nowhere_to_look(page, address):
    page.goto(f"{address}/track?clip=sample:coins&short_side=64")
    expect(page.get_by_text("One picture has no other frames")).to_be_visible()
