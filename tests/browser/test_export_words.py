"""The exported page in a real browser: what must be known of a clip, a block and a colour is on it, and can be read."""

import numpy as np
import pytest
from pages import clip_bytes, mapped_block, opened, target_of
from playwright.sync_api import expect

from nonlocal_core.capture.record import UNTRAINED
from nonlocal_core.geometry import Cell, QueryGrid

pytestmark = pytest.mark.browser

COLOURS = """([ink, ground]) => {
    const pixel = new OffscreenCanvas(1, 1).getContext("2d");
    const rgb = (colour) => { pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1);
                              return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3); };
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    return [rgb(style(ink).color), rgb(style(ground).backgroundColor)];
}"""
EVIL = "<img src=x onerror=alert(1)>"
LONG = "Reads one half of the clip only, whatever it is asked: " + "x" * 120 + " and so on, until the end." * 6
PLACES = ".nlv-picture, .nlv-heading, .nlv-detail, .nlv-reel"
REMARK = "clip.mp4 does not say how it codes its colours; BT.709 is assumed, as players do."
COVERED = f"""(said) => [...document.querySelectorAll("{PLACES}")].filter((other) => {{
    const [a, b] = [said, other].map((element) => element.getBoundingClientRect());
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}}).length"""


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
