"""Presenter mode: the exported page from a disk, and the component in its shadow root."""

import pytest
from pages import clip_bytes, opened

pytestmark = pytest.mark.browser

WINDOW = {"width": 1280, "height": 800}
FORBID = "void (Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('forbidden')))"
ON = ".nlv.is-presenting"


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
        page.keyboard.press("Escape")
        page.wait_for_selector(".nlv:not(.is-presenting)")
        watched.settle()
        assert watched.facts["pinned"] == "true", "leaving keeps the question"
        page.keyboard.press("ArrowRight")
        watched.settle()
        assert watched.facts["cell"] == "0,0,2", "the arrow keys move the question again"
        assert not watched.complaints


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
