"""The exported page in a real browser fits clips of every length and shape into every width."""

from itertools import pairwise

import pytest
from pages import clip_bytes, opened

pytestmark = pytest.mark.browser

NUMBERS = """(all) => all.filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .map((one) => [one.textContent, getComputedStyle(one).zIndex === "1"
    && getComputedStyle(one.closest(".nlv-reel").querySelector(".nlv-arrows")).zIndex === "auto"
    && getComputedStyle(one.parentElement).zIndex === "auto"])"""
WRITTEN = """(all) => all.map((one) => { const range = document.createRange(); range.selectNodeContents(one);
  const { left, right, top } = range.getBoundingClientRect(); return [left, right, Math.round(top)]; })"""


def test_hovering_moves_nothing_but_the_answer(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(frames=8)) as viewer:
        rulers = ".nlv-top, .nlv-picture, .nlv-bar, .nlv-controls, .nlv-facts, footer"
        measure = "(all) => all.map((e) => JSON.stringify(e.getBoundingClientRect()))"
        before = viewer.page.locator(rulers).evaluate_all(measure)
        for x, y in ((0.03, 0.05), (0.97, 0.5), (0.5, 0.97)):
            viewer.point(viewer.asks, x, y)
            viewer.point(viewer.film(6), x, y)
        assert viewer.page.locator(rulers).evaluate_all(measure) == before


@pytest.mark.parametrize("frames", [1, 8, 16, 64])
@pytest.mark.parametrize("width", [390, 820, 1600])
def test_every_length_fits_every_width(chromium, tmp_path, frames, width):
    with opened(chromium, tmp_path, clip_bytes(frames=frames, size_hw=(180, 320), cells=(5, 9)), width=width) as viewer:
        scroll = viewer.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert scroll[0] <= scroll[1]
        assert viewer.page.locator(".nlv-film").is_visible() == (frames > 1)
        if frames == 1:
            assert viewer.answers.bounding_box()["width"] > 300
            return
        boxes = [viewer.film(frame).bounding_box() for frame in range(frames)]
        rows = len({round(box["y"]) for box in boxes})
        assert rows == (1 if width == 390 or frames <= 8 else 2 if frames == 16 else 4)
        assert min(box["width"] for box in boxes) >= (96 if width == 390 else 40)
        numbers = viewer.page.locator(".nlv-count").evaluate_all(NUMBERS)
        assert numbers == [[str(frame + 1), True] for frame in range(frames)], "over the arrows"
        shares = viewer.page.locator(".nlv-share").evaluate_all(NUMBERS)
        assert all(text and above for text, above in shares)
        written = viewer.page.locator(".nlv-share").evaluate_all(WRITTEN)
        assert all(right <= left or low > high for (_, right, high), (left, _, low) in pairwise(written))
        assert not viewer.complaints


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_what_is_said_of_an_upright_clip_is_whole(chromium, tmp_path, width):
    with opened(chromium, tmp_path, clip_bytes(size_hw=(640, 360), cells=(16, 9)), width=width) as viewer:
        viewer.point(viewer.asks, 0.5, 0.5)
        viewer.page.mouse.down()
        viewer.page.mouse.up()
        viewer.settle()
        said = viewer.page.locator(".nlv-sentence, .nlv-side .nlv-lead, .nlv-side .nlv-figure, .nlv-side .nlv-detail")
        assert said.evaluate_all("(all) => all.filter((said) => said.scrollWidth > said.clientWidth + 1).length") == 0


@pytest.mark.parametrize(("width", "height"), [(390, 600), (1280, 700)])
def test_the_list_of_keys_opens_at_its_beginning(chromium, tmp_path, width, height):
    with opened(chromium, tmp_path, clip_bytes(), width=width, height=height) as viewer:
        viewer.page.locator(".nlv-field").focus()
        viewer.page.keyboard.press("?")
        listed = viewer.page.locator("dialog[open]")
        first = listed.locator("dt").first
        assert listed.evaluate("(list) => list.scrollHeight > list.clientHeight"), "longer than the screen"
        assert listed.evaluate("(list) => list.scrollTop") == 0
        assert first.bounding_box()["y"] > listed.bounding_box()["y"] >= 0
        assert listed.evaluate("(list) => list.contains(document.activeElement)"), "the keyboard is in the list"


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_what_a_colour_means_stands_beside_the_answer_and_covers_no_word(chromium, tmp_path, width):
    with opened(chromium, tmp_path, clip_bytes(), width=width) as viewer:
        key = viewer.page.locator(".nlv-key").bounding_box()
        said = viewer.page.locator(".nlv-answers .nlv-detail")
        ((_, right, _),) = said.evaluate_all(WRITTEN)
        assert said.evaluate("(said) => said.scrollWidth <= said.clientWidth"), "it is whole"
        assert right <= key["x"]
        assert key["x"] + key["width"] <= width
        assert key["y"] + key["height"] <= viewer.answers.bounding_box()["y"]
        assert viewer.page.get_by_text("Times an even share (all cells alike: 1)").is_visible(), "its unit is explained"
