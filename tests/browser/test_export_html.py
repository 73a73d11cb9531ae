"""The exported page in a real browser: what one points at is what is asked, and what lights up is the answer."""

import io
import re

import numpy as np
import pytest
from pages import clip_bytes, mapped_block, opened, target_of
from PIL import Image
from playwright.sync_api import expect

from nonlocal_core.geometry import Cell, QueryGrid

pytestmark = pytest.mark.browser

SHAPES = {
    "wide": {"size_hw": (240, 640), "cells": (6, 16)},
    "tall": {"size_hw": (640, 360), "cells": (16, 9)},
    "square": {"size_hw": (400, 400), "cells": (11, 13)},
}
BARE = """document.querySelectorAll(".nlv-count, .nlv-film .nlv-picture").forEach((e) => {
    e.matches(".nlv-count") ? (e.style.visibility = "hidden") : (e.style.boxShadow = "none");
})"""
"""Without the numbers of frames and the ring around the one that is shown."""


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


def test_a_bar_that_dwarfs_the_others_shows_its_break(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(frames=8)) as viewer:
        cut = viewer.page.locator(".nlv-fill.is-cut")
        assert cut.count() == 1, "one frame has nearly everything"
        mask = cut.evaluate("(bar) => getComputedStyle(bar).maskImage")
        assert "gradient" in mask, "a band of it is missing"
        heights = "(all) => all.map((bar) => bar.getBoundingClientRect().height)"
        fills = viewer.page.locator(".nlv-fill").evaluate_all(heights)
        assert cut.bounding_box()["height"] == max(fills), "and is the highest"
