"""Presenter mode and tours of one's own: the exported page from a disk, and the page in the running app."""

import re

import pytest
from pages import Watched, clip_bytes, opened
from patience import PATIENCE_MS, rest, settled
from playwright.sync_api import expect

from nonlocal_core.bundle import MAX_TOUR_STOPS

pytestmark = pytest.mark.browser

WINDOW = {"width": 1280, "height": 800}
FORBID = "void (Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('forbidden')))"
ON = ".nlv.is-presenting"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("full_screen", [True, False])
def test_a_lecture_from_a_file(chromium, tmp_path, full_screen):
    with opened(chromium, tmp_path, clip_bytes(), **WINDOW) as watched:
        page = watched.page
        if not full_screen:
            page.evaluate(
                "void (Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('forbidden')))"
            )
        watched.asks.hover()
        page.locator(".nlv-field").focus()
        page.keyboard.press("p")
        page.wait_for_selector(f"{ON}:fullscreen" if full_screen else f"{ON}:popover-open")
        watched.settle()
        box = page.locator(".nlv").bounding_box()
        assert (box["x"], box["y"]) == (0, 0)
        assert (box["width"], box["height"]) == tuple(page.evaluate("[innerWidth, innerHeight]"))
        assert page.locator(".nlv-guide").inner_text().startswith("1 of 2. plain first")
        assert not page.get_by_role("group", name="Direction").is_visible()
        page.keyboard.press("PageDown")
        page.keyboard.press("ArrowRight")  # the last stop stays
        watched.settle()
        assert page.locator(".nlv-guide").inner_text().startswith("2 of 2. plain last")
        assert watched.facts["cell"] == "2,8,14"
        page.keyboard.press("PageUp")
        watched.settle()
        assert watched.facts["cell"] == "0,0,1"
        watched.point(watched.answers, 0.5, 0.5)
        assert page.locator(".nlv-tip").is_visible(), "what is pointed at is told while the question is pinned"
        watched.point(watched.asks, 0.5, 0.5)
        page.mouse.down()
        page.mouse.up()
        page.keyboard.press("PageDown")
        watched.settle()
        assert page.locator(".nlv-guide").inner_text().startswith("2 of 2."), "a click elsewhere keeps the place"
        page.keyboard.press("PageUp")
        watched.settle()
        page.keyboard.press("Escape")
        page.wait_for_selector(".nlv:not(.is-presenting)")
        watched.settle()
        assert watched.facts["pinned"] == "true", "leaving keeps the question"
        page.keyboard.press("ArrowRight")
        watched.settle()
        assert watched.facts["cell"] == "0,0,2", "the arrow keys move the question again"
        assert not watched.complaints


SMALLEST = """() => Math.min(...[...document.querySelectorAll(".nlv *:not(.nlv-spoken, .nlv-spoken *)")]
    .filter((part) => part.checkVisibility({ visibilityProperty: true }))
    .filter((part) => [...part.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .map((part) => parseFloat(getComputedStyle(part).fontSize)))"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize("size_hw", [(480, 640), (360, 640), (640, 480)])
@pytest.mark.parametrize("warnings", [(), ("clip.mp4 is cut short; what can be read of it is shown. " * 3,)])
def test_all_that_is_said_of_the_pictures_is_on_the_screen(chromium, tmp_path, width, height, size_hw, warnings):
    data = clip_bytes(frames=8, size_hw=size_hw, cells=(12, 12), warnings=warnings)
    with opened(chromium, tmp_path, data, width=width, height=height) as watched:
        watched.page.locator(".nlv-field").focus()
        watched.page.keyboard.press("p")
        watched.page.wait_for_selector(ON)
        watched.settle()
        watched.settle()
        if width == 1920:
            assert watched.page.evaluate(SMALLEST) >= 18, "read from the last row"
        said = [
            ".nlv-guide p",
            ".nlv-sentence",
            ".nlv-asks .nlv-lead",
            ".nlv-answers .nlv-lead",
            ".nlv-answers .nlv-figure",
            ".nlv-ramp",
        ]
        for part in [*said, *([".nlv-asks .nlv-warning"] if warnings else [])]:
            box = watched.page.locator(part).bounding_box()
            assert box["height"] > 5, part
            assert box["x"] >= 0, part
            assert box["x"] + box["width"] <= width, part
            assert box["y"] >= 0, part
            assert box["y"] + box["height"] <= height, part
        assert watched.page.locator(".nlv-answers .nlv-figure").inner_text() == "100 %"
        assert watched.answers.bounding_box()["height"] >= 160
        lead = watched.page.locator(".nlv-answers .nlv-lead")
        assert lead.evaluate("(lead) => lead.scrollWidth <= lead.clientWidth"), "the sentence is whole"


def test_leaving_by_the_button_and_by_the_browser(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(tour=False), **WINDOW) as watched:
        page = watched.page
        for leave in (
            lambda: page.get_by_role("button", name="Leave").click(),
            lambda: page.evaluate("document.exitFullscreen()"),
        ):
            page.get_by_role("button", name="Present").click()
            page.wait_for_selector(f"{ON}:fullscreen")
            page.keyboard.press("ArrowRight")  # there is no tour: the arrow keys still move the question
            leave()
            page.wait_for_selector(".nlv:not(.is-presenting)")
        watched.settle()
        assert watched.facts["cell"] == "0,4,10"
        assert not watched.complaints


# A tour of one's own


def pin_and_add(watched, x, y, caption):
    """Pin a position with the mouse and make it a stop with the key; the caption is written at once."""
    watched.point(watched.asks, x, y)
    watched.page.mouse.down()
    watched.page.mouse.up()
    watched.page.keyboard.press("t")
    watched.settle()
    watched.page.keyboard.type(caption)
    watched.page.keyboard.press("Enter")
    watched.settle()


def test_two_pins_become_a_tour_that_is_walked_while_presenting(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(tour=False), **WINDOW) as watched:
        page = watched.page
        assert page.get_by_role("button", name="Add to tour").is_disabled()
        assert not page.get_by_role("button", name="Tour", exact=True).is_visible()
        pin_and_add(watched, 1.5 / 16, 2.5 / 9, "First, c and r")
        page.keyboard.press("Escape")  # the pictures have the keyboard again
        watched.settle()
        assert watched.facts["pinned"] == "false"
        pin_and_add(watched, 8.5 / 16, 4.5 / 9, EVIL)
        page.get_by_role("button", name="Present").click()
        page.wait_for_selector(f"{ON}:fullscreen")
        assert not page.locator(".nlv-tour").is_visible()
        guide = page.locator(".nlv-guide p")
        for key, text, cell in (
            ("PageUp", "1 of 2. First, c and r", "0,2,1"),
            ("PageDown", f"2 of 2. {EVIL}", "0,4,8"),
            ("t", f"2 of 2. {EVIL}", "0,4,8"),  # nothing is edited before an audience
        ):
            page.keyboard.press(key)
            watched.settle()
            assert (guide.inner_text(), watched.facts["cell"]) == (text, cell)
        assert (watched.dialogs, watched.complaints) == ([], [])


def test_stops_are_written_ordered_and_removed_by_mouse_and_keyboard(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(), **WINDOW) as watched:
        page = watched.page
        captions = page.locator(".nlv-tour input")

        def shown():
            watched.settle()
            return captions.evaluate_all("(all) => all.map(({ value }) => value)")

        page.get_by_role("button", name="Tour", exact=True).click()
        page.get_by_role("button", name="Edit").click()
        assert shown() == ["plain first", "plain last"], "it begins with the clip's own"
        watched.point(watched.asks, 0.5, 0.5)
        page.mouse.down()
        page.mouse.up()
        page.get_by_role("button", name="Add to tour").click()
        watched.settle()
        page.keyboard.type("mine")
        page.get_by_role("button", name="Earlier: stop 3").click()
        assert shown() == ["plain first", "mine", "plain last"]
        page.keyboard.press("Enter")  # the button went along with its stop
        assert shown() == ["mine", "plain first", "plain last"]
        page.get_by_role("button", name="Remove stop 2").click()
        assert shown() == ["mine", "plain last"]
        assert page.locator(".nlv-tour .is-here input").input_value() == "mine"
        page.locator(".nlv-field").focus()
        page.keyboard.press("u")
        assert shown() == ["mine", "plain first", "plain last"]
        captions.nth(1).fill("x" * 199)
        captions.nth(1).press("y")
        assert page.locator(".nlv-note").inner_text() == "A caption has up to 200 characters."
        page.get_by_role("button", name="Remove all").click()
        assert shown() == []
        assert not page.get_by_role("button", name="Tour", exact=True).is_visible()
        page.get_by_role("button", name="Bring back").click()
        assert shown() == ["plain first", "plain last"]
        page.get_by_role("button", name="Close").click()
        watched.settle()
        assert not page.locator(".nlv-tour").is_visible()
        assert not watched.complaints


def test_a_full_tour_says_so(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(tour=False), **WINDOW) as watched:
        field = watched.page.locator(".nlv-field")
        for number in range(MAX_TOUR_STOPS + 1):
            field.focus()
            watched.page.keyboard.press("<" if number % 2 else ">")
            watched.page.keyboard.press("t")
            watched.settle()
        assert watched.page.locator(".nlv-tour li").count() == MAX_TOUR_STOPS
        assert watched.page.locator(".nlv-note").inner_text().startswith("A tour has up to 32 stops: remove one")


def test_a_tour_of_columns_turns_there_and_back(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(tour=False), **WINDOW) as watched:
        pin_and_add(watched, 0.3, 0.3, "where it looks")
        watched.page.keyboard.press("d")
        pin_and_add(watched, 0.6, 0.6, "who looks here")
        watched.page.get_by_role("button", name="Tour", exact=True).click()
        watched.settle()
        assert watched.facts["direction"] == "row"
        watched.page.get_by_role("button", name="Next").click()
        watched.settle()
        assert watched.facts["direction"] == "column"
        assert not watched.complaints


@pytest.mark.parametrize("width", [390, 1280])
def test_the_list_of_stops_fits(chromium, tmp_path, width):
    with opened(chromium, tmp_path, clip_bytes(texts="word " * 30), width=width) as watched:
        pin_and_add(watched, 0.3, 0.3, "word " * 30)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        assert watched.page.locator(".nlv-tour").bounding_box()["height"] < 420


def test_no_motion_where_none_is_wanted(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(), reduced_motion="reduce", **WINDOW) as watched:
        watched.page.get_by_role("button", name="Present").click()
        watched.page.wait_for_selector(f"{ON}:fullscreen")
        moving = "(all) => all.filter((one) => getComputedStyle(one).transitionProperty !== 'none').length"
        assert watched.page.locator(".nlv *").evaluate_all(moving) == 0


# On the page


def test_a_tour_made_in_the_app_stays_and_leaves_with_the_page_file(chromium, address, tmp_path):
    context = chromium.new_context(viewport=WINDOW)
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        watched = Watched(page)
        page.goto(f"{address}/?clip=sample:chelsea&short_side=128")
        page.wait_for_selector("[data-ready]")
        settled(page)
        page.locator(".nlv-top").scroll_into_view_if_needed()
        pin_and_add(watched, 0.3, 0.4, EVIL)
        pin_and_add(watched, 0.6, 0.5, "recheck c and r")  # letters that Streamlit has as shortcuts
        rest(page, 400)  # nobody leaves while the pin is still on its way
        settled(page)
        page.get_by_role("link", name="Compare").click()
        page.wait_for_selector(".nlv-compare[data-ready]")
        page.get_by_role("button", name="Present").click()
        page.wait_for_selector(f"{ON}:fullscreen")
        for _ in range(5):
            page.keyboard.press("PageDown")
        expect(page.locator(".nlv-guide p")).to_have_text("5 of 5. recheck c and r")
        page.keyboard.press("Escape")
        page.wait_for_selector(".nlv:not(.is-presenting)")
        settled(page)
        page.get_by_role("link", name="Explore").click()
        page.wait_for_selector(".nlv:not(.nlv-compare)[data-ready]")
        settled(page)
        page.get_by_role("button", name="Keep", exact=True).click()
        page.get_by_role("button", name="Make the file").click()
        ready = page.get_by_role("button", name=re.compile("^Download, "))
        expect(ready).to_be_visible()
        settled(page)
        with page.expect_download() as download:
            ready.click()
        download.value.save_as(tmp_path / "kept.html")
        assert not [text for text in watched.complaints if "Error" in text]
        own = Watched(context.new_page())
        own.page.goto((tmp_path / "kept.html").as_uri())
        own.page.wait_for_selector(".nlv[data-ready]")
        own.page.get_by_role("button", name="Tour", exact=True).click()
        captions = []
        for _ in range(5):
            own.settle()
            captions.append(own.page.locator(".nlv-guide p").inner_text())
            own.page.locator(".nlv-guide button").first.click()
        assert [text.split(". ", 1)[1] for text in captions[3:]] == [EVIL, "recheck c and r"]
        assert (watched.dialogs, own.dialogs, own.complaints) == ([], [], [])
    finally:
        context.close()
