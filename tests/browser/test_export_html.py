"""The exported page in a real browser: what one points at is what is asked, and what lights up is the answer."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from pages import clip_bytes, mapped_block, opened, target_of
from PIL import Image
from playwright.sync_api import expect

from nonlocal_core.bundle import decode_bundle
from nonlocal_core.capture.record import UNTRAINED
from nonlocal_core.errors import BundleError
from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.viewer import export_html

pytestmark = pytest.mark.browser

SHAPES = {
    "wide": {"size_hw": (240, 640), "cells": (6, 16)},
    "tall": {"size_hw": (640, 360), "cells": (16, 9)},
    "square": {"size_hw": (400, 400), "cells": (11, 13)},
}
COLOURS = """([ink, ground]) => {
    const pixel = new OffscreenCanvas(1, 1).getContext("2d");
    const rgb = (colour) => { pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1);
                              return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3); };
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    return [rgb(style(ink).color), rgb(style(ground).backgroundColor)];
}"""
EVIL = "<img src=x onerror=alert(1)>"
EVIL_SCRIPT = "</script><script>window.pwned = 1; alert(2)</script><!--"


def grid_of(shape, frames=3):
    rows, cols = SHAPES[shape]["cells"]
    return QueryGrid.over_clip(clip_frames=frames, steps=frames, rows=rows, cols=cols)


@pytest.mark.parametrize(("width", "ratio"), [(390, 2), (800, 1), (1400, 2)])
@pytest.mark.parametrize("shape", SHAPES)
def test_pointing_at_a_pixel_asks_from_the_cell_under_it(chromium, tmp_path, shape, width, ratio):
    grid = grid_of(shape)
    with opened(chromium, tmp_path, clip_bytes(**SHAPES[shape]), width=width, device_scale_factor=ratio) as viewer:
        corners = [(0, 0), (grid.rows - 1, grid.cols - 1), (0, grid.cols - 1), (2, 5), (grid.rows - 2, 3)]
        for y, x in corners:
            for within in (0.1, 0.5, 0.9):  # two pixels from an edge at the smallest size, the middle, the other edge
                viewer.point(viewer.asks, (x + within) / grid.cols, (y + within) / grid.rows)
                assert viewer.facts["cell"] == f"0,{y},{x}"
        viewer.film(2).scroll_into_view_if_needed()
        viewer.point(viewer.film(2), (3 + 0.5) / grid.cols, (4 + 0.5) / grid.rows)
        assert viewer.facts["cell"] == "2,4,3"
        assert not viewer.complaints


@pytest.mark.parametrize("shape", SHAPES)
def test_the_cell_that_is_looked_at_lights_up_and_no_other(chromium, tmp_path, shape):
    grid = grid_of(shape)
    query = Cell(0, 1, 2)
    target = target_of(grid, query)
    with opened(chromium, tmp_path, clip_bytes(**SHAPES[shape])) as viewer:
        arrows_of(viewer).uncheck()  # arrows would lie over the cells, as the number of the frame does
        viewer.page.evaluate(BARE)
        viewer.asks.scroll_into_view_if_needed()
        viewer.point(viewer.asks, 2.5 / grid.cols, 1.5 / grid.rows)
        assert viewer.facts["shown"] == str(target.t)
        viewer.page.mouse.move(0, 0)
        for picture in (viewer.answers, viewer.film(target.t)):
            heat = warmth(picture, grid)
            lit = np.unravel_index(heat.argmax(), heat.shape)
            assert lit == (target.y, target.x)
            assert heat[lit] > 40 > 20 > np.sort(heat, axis=None)[-2]


BARE = """document.querySelectorAll(".nlv-count, .nlv-film .nlv-picture").forEach((e) => {
    e.matches(".nlv-count") ? (e.style.visibility = "hidden") : (e.style.boxShadow = "none");
})"""
"""Without the numbers of frames and the ring around the one that is shown."""


def arrows_of(viewer):
    return viewer.page.get_by_role("checkbox", name="Arrows")


def warmth(picture, grid):
    """(rows, cols) mean of red less blue in the middle of each cell, of what is really on the screen."""
    rgb = np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB"), float)
    shown = rgb[..., 0] - rgb[..., 2]
    out = np.empty((grid.rows, grid.cols))
    for y in range(grid.rows):
        for x in range(grid.cols):
            rows = [round(shown.shape[0] * (y + part) / grid.rows) for part in (0.3, 0.7)]
            cols = [round(shown.shape[1] * (x + part) / grid.cols) for part in (0.3, 0.7)]
            out[y, x] = shown[rows[0] : max(rows[1], rows[0] + 1), cols[0] : max(cols[1], cols[0] + 1)].mean()
    return out


def test_all_attention_goes_where_the_page_says(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes()) as viewer:
        viewer.point(viewer.asks, 0.03, 0.05)
        assert viewer.page.locator(".nlv-answers .nlv-lead").inner_text() == "Frame 2 gets"
        assert viewer.page.locator(".nlv-answers .nlv-figure").inner_text() == "100 %"
        shares = viewer.page.locator(".nlv-film .nlv-share").all_inner_texts()
        assert shares[1] == "100 %"
        assert all(share in ("0 %", "<0.1 %") for share in (shares[0], shares[2]))
        sentence = viewer.page.locator(".nlv-sentence").inner_text()
        assert re.fullmatch(
            r"<0\.1 % stays on the spot itself, <0\.1 % in its frame; the most elsewhere, 100 %, goes to frame 2\.",
            sentence,
        )
        spoken = f"Query frame 1, row 1, column 1. {sentence}"
        expect(viewer.page.locator("[aria-live]")).to_have_text(spoken)


def test_the_other_direction_asks_who_looks_here(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes()) as viewer:
        grid = QueryGrid.over_clip(clip_frames=3, steps=3, rows=9, cols=16)
        viewer.page.get_by_role("button", name="Who looks here").click()
        target = target_of(grid, Cell(0, 1, 2))
        viewer.point(viewer.film(target.t), (target.x + 0.5) / 16, (target.y + 0.5) / 9)
        assert viewer.facts["direction"] == "column"
        assert viewer.facts["shown"] == "0"
        assert viewer.page.locator(".nlv-answers .nlv-lead").inner_text() == "Frame 1 gives"
        arrows_of(viewer).uncheck()
        viewer.page.mouse.move(0, 0)
        heat = warmth(viewer.answers, grid)
        assert np.unravel_index(heat.argmax(), heat.shape) == (1, 2)


def test_the_keyboard_does_all(chromium, tmp_path):
    data = clip_bytes(blocks=lambda grid: (mapped_block(grid, name="one"), mapped_block(grid, name="two")))
    with opened(chromium, tmp_path, data) as viewer:
        press = viewer.page.keyboard.press

        def facts(key):
            press(key)
            viewer.settle()
            return viewer.facts

        viewer.page.locator(".nlv-field").focus()
        assert viewer.facts["cell"] == "0,4,8"
        assert facts("ArrowRight")["cell"] == "0,4,9"
        assert facts("ArrowUp")["cell"] == "0,3,9"
        assert facts("ArrowLeft")["cell"] == "0,3,8"
        assert facts("ArrowDown")["cell"] == "0,4,8"
        assert facts(">")["cell"] == "1,4,8"
        assert facts("<")["cell"] == "0,4,8"
        assert facts("Enter")["pinned"] == "true"
        assert facts(".")["shown"] == "2"
        assert facts(",")["shown"] == "1"
        assert facts("b")["block"] == "one"  # the last block is shown first, and the next one is the first again
        assert facts("d")["direction"] == "column"
        assert facts("Escape")["pinned"] == "false"
        assert facts("u") == viewer.facts | {"pinned": "true", "block": "one", "direction": "column"}
        scale = viewer.page.get_by_label("Scale", exact=True)
        assert scale.input_value() == "One for all frames"
        facts("s")
        assert scale.input_value() == "Each frame by itself"
        facts("a")
        assert not arrows_of(viewer).is_checked()
        facts("a")
        assert arrows_of(viewer).is_checked()
        facts("?")
        assert viewer.page.get_by_role("dialog").is_visible()
        facts("Escape")
        assert not viewer.page.get_by_role("dialog").is_visible()
        assert viewer.facts["pinned"] == "true"  # Esc closed the help and nothing else
        outline = viewer.asks.evaluate("(picture) => getComputedStyle(picture).outlineStyle")
        assert outline == "solid"


def test_a_pin_holds_still_while_the_answer_is_read(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes()) as viewer:
        grid = QueryGrid.over_clip(clip_frames=3, steps=3, rows=9, cols=16)
        target = target_of(grid, Cell(0, 1, 2))
        viewer.point(viewer.asks, 2.5 / 16, 1.5 / 9)
        viewer.page.mouse.down()
        viewer.page.mouse.up()
        viewer.settle()
        assert (viewer.facts["pinned"], viewer.facts["cell"]) == ("true", "0,1,2")
        viewer.point(viewer.asks, 0.9, 0.9)
        assert viewer.facts["cell"] == "0,1,2"
        viewer.point(viewer.answers, (target.x + 0.5) / 16, (target.y + 0.5) / 9)
        tip = viewer.page.locator(".nlv-tip")
        assert tip.inner_text().startswith("1 · 432× even share · frame 2, row 6, column 11")
        viewer.page.get_by_role("button", name="Pinned").click()
        viewer.settle()
        assert viewer.facts["pinned"] == "false"
        viewer.point(viewer.asks, 0.9, 0.9)
        assert viewer.facts["cell"] == "0,8,14"


def test_pointing_at_the_answer_reads_it_and_a_click_asks_from_there(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes()) as viewer:
        before = viewer.facts
        viewer.point(viewer.answers, 0.5, 0.5)
        assert viewer.facts == before
        viewer.page.mouse.down()
        viewer.page.mouse.up()
        viewer.settle()
        assert viewer.facts["cell"] == "1,4,8"
        assert viewer.facts["shown"] == "2"


def test_the_bars_are_the_scrubber(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(frames=8)) as viewer:
        boxes = [viewer.page.locator(f"[data-bar='{frame}']").bounding_box() for frame in (5, 7)]
        centers = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
        viewer.page.mouse.move(*centers[0])
        viewer.page.mouse.down()
        viewer.settle()
        assert viewer.facts["shown"] == "5"
        viewer.page.mouse.move(*centers[1], steps=4)
        viewer.settle()
        assert viewer.facts["shown"] == "7"
        viewer.page.mouse.up()
        assert viewer.facts["pinned"] == "false"
        viewer.page.get_by_role("button", name="Held").click()
        viewer.settle()
        assert viewer.facts["shown"] == "1"


def test_arrows_lead_out_of_the_own_frame_and_their_number_is_a_choice(chromium, tmp_path):
    rng = np.random.default_rng(0)

    def random_block(grid):
        tables = {name: rng.normal(size=(grid.size, 9)).astype(np.float32) for name in ("theta", "phi")}
        return (mapped_block(grid, scale=1.0, **tables),)

    with opened(chromium, tmp_path, clip_bytes(blocks=random_block)) as viewer:
        arrows = viewer.page.locator(".nlv-reel .nlv-arrows g[visibility='visible'] .nlv-shaft")
        assert arrows.count() == 12
        viewer.page.get_by_label("Number of arrows").fill("5")
        viewer.settle()
        assert arrows.count() == 5
        own = viewer.film(0).bounding_box()
        reel = viewer.page.locator(".nlv-reel").bounding_box()
        ends = [
            float(path.split("Q")[1].split()[2])
            for path in arrows.evaluate_all("(all) => all.map((a) => a.getAttribute('d'))")
        ]
        assert min(ends) + reel["x"] > own["x"] + own["width"]
        arrows_of(viewer).uncheck()
        viewer.settle()
        assert arrows.count() == 0


def test_the_tour_leads_through_its_stops(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes()) as viewer:
        viewer.page.get_by_role("button", name="Tour", exact=True).click()
        viewer.settle()
        assert viewer.page.get_by_role("note").inner_text().startswith("1 of 2. plain first")
        assert (viewer.facts["cell"], viewer.facts["pinned"]) == ("0,0,1", "true")
        viewer.page.get_by_role("button", name="Next").click()
        viewer.settle()
        assert viewer.facts["cell"] == "2,8,14"
        viewer.page.get_by_role("button", name="Done").click()
        expect(viewer.page.get_by_role("note")).not_to_be_visible()


def test_what_the_weights_are_worth_is_written_on_the_picture(chromium, tmp_path):
    def blocks(grid):
        zeros = np.zeros(grid.size, np.float32)
        flat = {"theta": np.zeros((grid.size, 4), np.float32), "phi": np.zeros((grid.size, 4), np.float32)}
        return (
            mapped_block(grid, name="raw", status="untrained", effect=zeros),
            mapped_block(grid, name="free", status="parameter_free"),
            mapped_block(grid, name="flat", **flat),
        )

    with opened(chromium, tmp_path, clip_bytes(blocks=blocks)) as viewer:
        badge, notice = viewer.page.locator(".nlv-badge"), viewer.page.locator(".nlv-notice")
        assert notice.inner_text().startswith("Nearly even: no cell has more than 1× an even share")
        assert badge.inner_text() == ""
        viewer.page.get_by_role("button", name="Block raw").click()
        viewer.settle()
        assert badge.inner_text() == "untrained block"
        assert notice.inner_text() == ""
        assert "changes nothing" in viewer.page.locator(".nlv-facts").inner_text()
        viewer.page.get_by_role("button", name="Block free").click()
        viewer.settle()
        assert badge.inner_text() == "parameter-free"


LONG = "Reads one half of the clip only, whatever it is asked: " + "x" * 120 + " and so on, until the end." * 6
PLACES = ".nlv-picture, .nlv-heading, .nlv-detail, .nlv-reel"
REMARK = "clip.mp4 does not say how it codes its colours; BT.709 is assumed, as players do."
COVERED = f"""(said) => [...document.querySelectorAll("{PLACES}")].filter((other) => {{
    const [a, b] = [said, other].map((element) => element.getBoundingClientRect());
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}}).length"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_was_taken_as_players_take_it_stands_below_all_and_folded(chromium, tmp_path, width, scheme):
    data = clip_bytes(remarks=(REMARK,), tour=False)
    with opened(chromium, tmp_path, data, width=width, color_scheme=scheme) as viewer:
        assert viewer.page.locator(".nlv-asks .nlv-warning").inner_text() == ""
        said, title = viewer.page.get_by_text(REMARK), viewer.page.get_by_text("About the file")
        expect(said).to_have_count(1)
        expect(said).not_to_be_visible()
        assert title.bounding_box()["height"] < 30, "one line"
        assert title.bounding_box()["y"] > viewer.page.locator(".nlv-controls").first.bounding_box()["y"]
        title.click()
        expect(said).to_be_visible()
        assert contrast(*viewer.page.evaluate(COLOURS, [".nlv-remarks", "body"])) > 4.5
        assert viewer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_must_be_known_stands_under_the_pictures_and_covers_nothing(chromium, tmp_path, width, scheme):
    def blocks(grid):
        plain, raw = mapped_block(grid, name="plain"), mapped_block(grid, name="raw", status="untrained", note=LONG)
        return (raw, plain)

    told = ("clip.mp4 is cut short; what can be read of it is shown.", EVIL)
    data = clip_bytes(blocks=blocks, warnings=told, tour=False)
    with opened(chromium, tmp_path, data, width=width, color_scheme=scheme) as viewer:
        clip, block = viewer.page.locator(".nlv-asks .nlv-warning"), viewer.page.locator(".nlv-answers .nlv-warning")
        assert clip.inner_text() == " ".join(told)
        assert not block.is_visible(), "of this block there is nothing to know"
        viewer.page.get_by_role("button", name="Block raw").click()
        viewer.settle()
        assert block.inner_text() == f"{UNTRAINED} {LONG}".strip()
        for said in (clip, block):
            assert said.evaluate(COVERED) == 0
            assert said.evaluate("(said) => said.scrollWidth <= said.clientWidth")
        assert viewer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for side in (".nlv-asks", ".nlv-answers"):
            assert contrast(*viewer.page.evaluate(COLOURS, [f"{side} .nlv-warning", "body"])) > 4.5
        viewer.page.locator(".nlv-numbers summary").click()
        viewer.settle()
        assert (
            viewer.page.locator(".nlv-more")
            .inner_text()
            .startswith("Reading proved: at every query, the output rebuilt from it equals")
        )
        assert viewer.dialogs == []


def test_signed_weights_have_a_scale_centred_on_zero(chromium, tmp_path):
    def blocks(grid):
        base = mapped_block(grid)
        theta = base.theta.copy()
        theta[grid.index(Cell(0, 1, 2))] *= -1
        return (mapped_block(grid, pairwise="dot_product", theta=theta),)

    with opened(chromium, tmp_path, clip_bytes(blocks=blocks)) as viewer:
        viewer.point(viewer.asks, 2.5 / 16, 1.5 / 9)
        assert "Of the positive weight (" in viewer.page.locator(".nlv-sentence").inner_text()
        viewer.page.get_by_text("Colours", exact=True).click()
        viewer.page.get_by_role("checkbox", name="Draw negative weight").check()
        viewer.settle()
        ticks = viewer.page.locator(".nlv-ticks").first.locator("span:visible").all_inner_texts()
        middle = ticks.index("1")
        assert [tick.removeprefix("−") for tick in ticks[:middle]] == ticks[:middle:-1]
        assert all(tick.startswith("−") for tick in ticks[:middle])
        grid = QueryGrid.over_clip(clip_frames=3, steps=3, rows=9, cols=16)
        target = target_of(grid, Cell(0, 1, 2))
        viewer.page.locator(f"[data-bar='{target.t}']").click()
        viewer.settle()
        red, _, blue = cell_colour(viewer, target)
        assert blue > red, "a negative weight is cold"
        viewer.point(viewer.asks, 3.5 / 16, 1.5 / 9)
        red, _, blue = cell_colour(viewer, target_of(grid, Cell(0, 1, 3)))
        assert red > blue, "a positive one is warm"


def cell_colour(viewer, cell):
    """Colour of one cell of the large heat, read from the heat's own canvas."""
    return viewer.page.locator(".nlv-answers .nlv-heat").evaluate(
        "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)", [cell.x, cell.y]
    )


def test_a_frame_without_keys_says_so(chromium, tmp_path):
    def blocks(grid):  # five frames pooled in pairs: the fifth is never a key
        keys = grid.pooled((2, 1, 1))
        phi = mapped_block(grid).phi[: keys.size]
        return (mapped_block(grid, key_grid=keys, phi=phi, subsample=(2, 1, 1)),)

    with opened(chromium, tmp_path, clip_bytes(frames=5, blocks=blocks)) as viewer:
        viewer.page.locator("[data-bar='4']").click()
        viewer.settle()
        assert viewer.page.locator(".nlv-answers .nlv-lead").inner_text() == "No key lies in frame 5"
        assert not viewer.page.locator(".nlv-answers .nlv-heat").is_visible()
        viewer.page.locator("[data-bar='3']").click()
        viewer.settle()
        assert viewer.page.locator(".nlv-answers .nlv-lead").inner_text() == "Frames 3 to 4 get"
        assert viewer.complaints == []


# Sizes


def test_hovering_moves_nothing_but_the_answer(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(frames=8)) as viewer:
        rulers = ".nlv-top, .nlv-picture, .nlv-bar, .nlv-controls, .nlv-facts, footer"
        measure = "(all) => all.map((e) => JSON.stringify(e.getBoundingClientRect()))"
        before = viewer.page.locator(rulers).evaluate_all(measure)
        for x, y in ((0.03, 0.05), (0.97, 0.5), (0.5, 0.97)):
            viewer.point(viewer.asks, x, y)
            viewer.point(viewer.film(6), x, y)
        assert viewer.page.locator(rulers).evaluate_all(measure) == before


NUMBERS = """(all) => all.filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .map((one) => [one.textContent, getComputedStyle(one).zIndex === "1"
    && getComputedStyle(one.closest(".nlv-reel").querySelector(".nlv-arrows")).zIndex === "auto"
    && getComputedStyle(one.parentElement).zIndex === "auto"])"""
WRITTEN = """(all) => all.map((one) => { const range = document.createRange(); range.selectNodeContents(one);
  const { left, right, top } = range.getBoundingClientRect(); return [left, right, Math.round(top)]; })"""


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


def test_light_and_dark_are_both_readable(chromium, tmp_path):
    for scheme in ("light", "dark"):
        with opened(chromium, tmp_path, clip_bytes(), color_scheme=scheme) as viewer:
            ink, ground = viewer.page.evaluate(COLOURS, [".nlv-detail", "body"])
            assert contrast(ink, ground) > 4.5, scheme  # WCAG AA for small text
            assert (sum(ground) < 100) == (scheme == "dark")


def contrast(one, other):
    def luminance(colour):
        parts = [(v / 255 / 12.92) if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_finger_drags_to_ask_and_taps_to_pin(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(), width=390, has_touch=True, is_mobile=True) as viewer:
        box = viewer.asks.bounding_box()

        def at(x, y):
            return {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y}

        touch = viewer.page.context.new_cdp_session(viewer.page)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at(0.1, 0.2)]})
        for x in (0.3, 0.5, 2.5 / 16):
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at(x, 1.5 / 9)]})
            viewer.settle()
        assert (viewer.facts["cell"], viewer.facts["pinned"]) == ("0,1,2", "false")
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        viewer.settle()
        assert (viewer.facts["cell"], viewer.facts["pinned"]) == ("0,1,2", "false")
        viewer.page.touchscreen.tap(**at(10.5 / 16, 4.5 / 9))
        viewer.settle()
        assert (viewer.facts["cell"], viewer.facts["pinned"]) == ("0,4,10", "true")


# Safety


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


def test_a_bar_that_dwarfs_the_others_shows_its_break(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(frames=8)) as viewer:
        cut = viewer.page.locator(".nlv-fill.is-cut")
        assert cut.count() == 1, "one frame has nearly everything"
        mask = cut.evaluate("(bar) => getComputedStyle(bar).maskImage")
        assert "gradient" in mask, "a band of it is missing"
        heights = "(all) => all.map((bar) => bar.getBoundingClientRect().height)"
        fills = viewer.page.locator(".nlv-fill").evaluate_all(heights)
        assert cut.bounding_box()["height"] == max(fills), "and is the highest"


def test_one_file_no_request_no_complaint(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes()) as viewer:
        viewer.point(viewer.asks, 0.3, 0.3)
        assert len(viewer.requests) == 1
        assert viewer.requests[0].startswith("file:")
        assert viewer.complaints == []
        blocked = viewer.page.evaluate("fetch('https://example.org').then(() => 'went out', (error) => error.name)")
        assert blocked == "TypeError"
        assert any("Content Security Policy" in text for text in viewer.complaints)


def test_hostile_names_are_shown_and_not_run(chromium, tmp_path):
    data = clip_bytes(
        name=f"{EVIL}.mp4",
        texts=EVIL + EVIL_SCRIPT,
        blocks=lambda grid: (
            mapped_block(grid, name="a", note=EVIL),
            mapped_block(grid, name="b", title=EVIL + EVIL_SCRIPT),
        ),
    )
    with opened(chromium, tmp_path, data, title=f"{EVIL}{EVIL_SCRIPT}") as viewer:
        viewer.page.get_by_role("button", name="Tour", exact=True).click()
        viewer.page.get_by_text("Numbers", exact=True).click()
        viewer.settle()
        assert viewer.page.evaluate("window.pwned") is None
        assert viewer.dialogs == []
        assert viewer.page.locator("main img, header img, footer img").count() == 0
        assert viewer.page.title() == f"{EVIL}{EVIL_SCRIPT}"
        assert EVIL in viewer.page.get_by_role("note").inner_text()
        assert f"{EVIL}.mp4" in viewer.page.locator("footer").inner_text()
        assert len(viewer.requests) == 1


def test_a_damaged_page_says_so(chromium, tmp_path):
    text = export_html(clip_bytes(), title="Damaged")
    start = text.index('id="bundle">') + len('id="bundle">')
    (tmp_path / "damaged.html").write_text(text[:start] + "UEsDBA==" + text[text.index("</script>", start) :])
    page = chromium.new_page()
    page.goto((tmp_path / "damaged.html").as_uri())
    page.wait_for_selector("[role=alert]")
    assert "not a bundle" in page.locator("[role=alert]").inner_text()
    page.close()


def test_a_bundle_without_blocks_is_a_sentence(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(blocks=lambda _: ())) as viewer:
        assert "no block" in viewer.page.locator(".nlv").inner_text()
        assert viewer.complaints == []


def test_bytes_that_are_no_bundle_are_not_exported():
    with pytest.raises(BundleError):
        export_html(b"PK\x03\x04", title="Nothing")
    assert decode_bundle(clip_bytes()).media.name == "clip.mp4"
