"""Cautions and remarks on the pages, at real pixels: which is read first, and that each is read whole."""

import io

import numpy as np
import pytest
from patience import PATIENCE_MS
from PIL import Image
from playwright.sync_api import expect

from nonlocal_core.app.widgets.gallery import MAX_CLIP_MB

pytestmark = pytest.mark.browser

ANSWERED = ".nlv[data-ready]"
WRITTEN = ".annotation-text-g"
REMARK = "does not say how it codes its colours; BT.709 is assumed, as players do."
SEE_THROUGH = "is transparent in places; what lies behind is shown grey."
BOXES = """(chart, parts) => parts.map((part) => {
    const found = part === ":scope" ? chart : [...chart.querySelectorAll(part)].at(-1);
    return found.getBoundingClientRect().toJSON();
})"""
"""All at one moment: a chart may be laid out anew between two questions."""
WIDE = {"W": "W" * 70, "ideographs": "\u5e83" * 64, "words": " ".join(["WIDE MOMENTS"] * 9)}
PHONE, SCREEN = 390, 1280


@pytest.fixture
def visit(chromium, address):
    """Return a function that opens a page in a fresh browser profile and waits for its first answer."""
    contexts = []

    def open_page(query, *, width, dark=False):
        contexts.append(
            chromium.new_context(viewport={"width": width, "height": 844}, color_scheme="dark" if dark else "light")
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/{query}")
        page.wait_for_selector(ANSWERED)
        return page

    yield open_page
    for context in contexts:
        context.close()


def choose(page, name, content):
    page.get_by_role("button", name="Open image or video").click()
    uploader = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    expect(uploader).to_have_count(1)  # that of a dialog before may be leaving
    uploader.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})


def see_through_png():
    rgba = np.random.default_rng(0).integers(0, 255, (96, 130, 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "PNG")
    return file.getvalue()


def charts_when_pinned(page, count=2):
    """Pin the middle of the picture and return the charts below, once they are drawn."""
    page.locator(".nlv-asks .nlv-picture").click()
    charts = page.locator(".js-plotly-plot")
    expect(charts.locator(".xtitle")).to_have_count(count)
    return charts.all()


@pytest.mark.parametrize(("width", "dark"), [(PHONE, True), (SCREEN, False)])
def test_how_colours_were_read_is_said_once_below_and_folded(visit, width, dark):
    page = visit("?clip=sample:bunny&frames=3&short_side=128", width=width, dark=dark)
    said = page.get_by_text(REMARK)
    for chart in charts_when_pinned(page):
        assert "BT.709" not in chart.text_content()
        assert "Trained on composed clips" in chart.locator(WRITTEN).last.text_content(), (
            "what is to know of the reading stays"
        )
    expect(said).to_have_count(1)
    expect(said).not_to_be_visible()
    folded = page.get_by_text("About the file")
    answers = page.locator(".nlv-answers .nlv-picture").bounding_box()
    assert folded.bounding_box()["y"] > answers["y"] + answers["height"]
    folded.click()
    expect(said).to_be_visible()
    assert "BT.709" not in page.locator("[data-testid=stDataFrame]").all_inner_texts()


@pytest.mark.parametrize("page_name", ["inspect", "track"])
def test_inspect_and_track_say_it_once_at_their_end(visit, page_name, address):
    page = visit("?clip=sample:bunny&frames=3&short_side=128", width=PHONE)
    page.goto(f"{address}/{page_name}?clip=sample:bunny&frames=3&short_side=128")
    folded = page.get_by_text("About the file")
    expect(folded).to_be_visible()
    said = page.get_by_text(REMARK)
    expect(said).to_have_count(1)
    expect(said).not_to_be_visible()
    for above in page.locator("h3:visible").all():
        assert above.bounding_box()["y"] < folded.bounding_box()["y"]


@pytest.mark.parametrize("name", WIDE)
def test_cautions_over_a_chart_are_two_lines_apart_from_it_and_whole_below_whatever_the_letters_of_a_name(visit, name):
    page = visit("?clip=sample:coins&short_side=128", width=PHONE)
    choose(page, f"{WIDE[name]}.png", see_through_png())
    expect(page.locator(".nlv-asks .nlv-warning").filter(has_text=SEE_THROUGH)).to_be_visible()
    expect(page.locator(ANSWERED)).to_have_count(1)
    for chart in charts_when_pinned(page, count=1):
        written = chart.locator(WRITTEN).last
        assert "on the page" in written.text_content()
        assert written.locator("tspan.line").count() <= 2
        frame, title, words, plot = chart.evaluate(BOXES, [":scope", ".gtitle", WRITTEN, ".nsewdrag"])
        assert frame["left"] <= words["left"]
        assert words["right"] <= frame["right"]
        assert words["bottom"] + 4 <= plot["top"], "some pixels lie between the caution and the chart"
        assert title["bottom"] <= words["top"], "and none of it lies over the title"
    page.get_by_text("What to know of these charts").click()
    expect(page.locator("details[open]").get_by_text(SEE_THROUGH)).to_be_visible()


def test_a_picture_that_is_transparent_says_so_under_it(visit):
    page = visit("?clip=sample:coins&short_side=128", width=SCREEN)
    expect(page.locator(".nlv-asks .nlv-warning")).to_be_empty()
    choose(page, "logo.png", see_through_png())
    told = page.locator(".nlv-asks .nlv-warning").filter(has_text=SEE_THROUGH)
    expect(told).to_have_text(f"logo.png {SEE_THROUGH}")


@pytest.mark.parametrize("width", [PHONE, SCREEN])
def test_a_file_that_is_too_large_is_refused_with_the_limit_and_what_to_do(visit, tmp_path, width):
    page = visit("?clip=sample:coins&short_side=128", width=width)
    large = tmp_path / "long.mp4"
    with large.open("wb") as file:
        file.truncate(MAX_CLIP_MB * 2**20 + 1)
    page.get_by_role("button", name="Open image or video").click()
    said = page.get_by_role("dialog").get_by_text(f"at most {MAX_CLIP_MB} MB. Cut a longer one")
    expect(said).not_to_be_visible()
    uploader = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    expect(uploader).to_have_count(1)  # that of a dialog before may be leaving
    uploader.set_input_files(large)
    expect(said).to_be_visible()
    box = said.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert said.evaluate("(said) => said.scrollWidth <= said.clientWidth")


def test_a_dialog_that_is_opened_anew_has_forgotten_what_was_refused(visit):
    page = visit("?clip=sample:coins&short_side=128", width=SCREEN)
    choose(page, "holiday.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40)
    refusal = page.get_by_role("dialog").get_by_text("holiday.mp4")
    expect(refusal.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Open image or video").click()
    expect(page.get_by_role("dialog").get_by_text("Or a sample")).to_be_visible()
    expect(refusal).to_have_count(0)
    choose_again = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    choose_again.set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": see_through_png()})
    expect(page.get_by_text("logo.png · 130 × 96")).to_be_visible()
