"""A course in one file, in a real Chromium from the disk: walked, asked, predicted, and a class put together."""

import re

import pytest
from patience import PATIENCE_MS
from playwright.sync_api import expect

from nonlocal_core import Selection
from nonlocal_core.course.stages import words_of
from nonlocal_core.course.writing import OnClip, write_course

pytestmark = pytest.mark.browser

STEPS = ("nl-means", "embedded", "spacetime")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a file with three steps on a clip of two frames."""
    path = tmp_path_factory.mktemp("file") / "course.html"
    on_clip = OnClip("sample:composed", Selection(frames=2), "cpu")
    return write_course(path, on_clip.open, STEPS, progress=lambda stage, done, total: None).as_uri()


def shown(page, step):
    expect(page.locator(".nlv-step")).to_have_text(words_of(step).title)
    expect(page.locator(".nlv-work")).to_contain_text("weight")


def code_of(page):
    return page.get_by_label("Your marks as a code").input_value()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_file_teaches_alone(chromium, address, width, scheme):
    page = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True).new_page()
    page.set_default_timeout(PATIENCE_MS)
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}#embedded")
    shown(page, "embedded")
    page.locator(".nlv-term[data-part=query]").first.hover()
    expect(page.locator(".nlv")).to_have_attribute("data-lit", "query")
    page.locator(".nlv-asks .nlv-picture").click(position={"x": 60, "y": 50})
    expect(page.locator(".nlv")).to_have_attribute("data-pinned", "true")

    marks = page.get_by_role("application", name=re.compile("Drag to mark"))
    codes = []
    for keys in (["Space"], ["ArrowRight", "Space", "ArrowDown", "Space"]):
        marks.focus()
        for key in keys:
            page.keyboard.press(key)
        page.get_by_role("button", name="Show the heat").click()
        expect(page.locator(".nlv-score table")).to_have_count(1)
        page.locator(".nlv-guess summary").click()
        codes.append(code_of(page))
        page.reload()
        shown(page, "embedded")
    marks.focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Show the heat").click()
    page.locator(".nlv-guess summary").click()
    page.get_by_label("Codes of the class").fill("\n".join([*codes, "no code"]))
    expect(page.locator(".nlv-score table")).to_have_count(2)
    expect(page.locator(".nlv-guess figure").nth(2)).to_contain_text("Readers: 2")
    expect(page.get_by_text("Not read: 2")).to_be_visible()

    page.keyboard.press("Escape")
    page.locator(".nlv-field").focus()
    page.keyboard.press("PageDown")
    shown(page, "spacetime")
    expect(page).to_have_url(re.compile("#spacetime"))
    expect(page.locator(".nlv-tabled")).to_contain_text("all frames")
    page.go_back()
    shown(page, "embedded")
    page.get_by_role("combobox", name="Step").select_option(index=0)
    shown(page, "nl-means")
    expect(page.locator(".nlv-shots figure")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert all(request.startswith(("file:", "blob:", "data:")) for request in requests)
    assert complaints == []
    page.context.close()
