"""Questions larger than a point, questions that move, and pictures that are zoomed, in a real browser."""

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from mounted import Mounted
from pages import clip_bytes, mapped_block, opened, target_of
from PIL import Image
from playwright.sync_api import expect

from nonlocal_core.geometry import Cell, QueryGrid

pytestmark = pytest.mark.browser

ROWS, COLS, FRAMES = 9, 16, 4
GRID = QueryGrid.over_clip(clip_frames=FRAMES, steps=FRAMES, rows=ROWS, cols=COLS)
DENSITY = 2
SEEN_EDGE = 2
"""CSS pixels by which an edge on screen may be off: half a pixel of the picture, of the outline, and rounding."""

OUTLINED = 0.015
"""The same of the outline round many cells, which is drawn with a line of two pixels, in units of the picture."""


@pytest.fixture(scope="module")
def visit(chromium, tmp_path_factory) -> Iterator:
    """Return one page for all tests here; each begins with its own ``fresh``."""
    data = clip_bytes(
        frames=FRAMES,
        blocks=lambda grid: (mapped_block(grid, name="one"), mapped_block(grid, name="two")),
        tour=False,
    )
    with opened(chromium, tmp_path_factory.mktemp("questions"), data, device_scale_factor=DENSITY) as viewer:
        yield viewer


@pytest.fixture
def viewer(visit):
    """Return the page as it was opened: loaded again, which takes a tenth of opening it."""
    visit.page.reload()
    visit.page.wait_for_selector(".nlv[data-ready]")
    visit.settle()
    yield visit
    assert not visit.complaints


def place_of(y, x):
    """The middle of a cell, in units of the frame."""
    return (x + 0.5) / COLS, (y + 0.5) / ROWS


def at(viewer, picture, x, y):
    box = picture.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(viewer, picture, *places, shift=False):
    """Press at the first place of a picture, move over the others, let go."""
    mouse, keyboard = viewer.page.mouse, viewer.page.keyboard
    mouse.move(*at(viewer, picture, *places[0]))
    if shift:
        keyboard.down("Shift")
    mouse.down()
    for place in places[1:]:
        mouse.move(*at(viewer, picture, *place), steps=6)
    mouse.up()
    if shift:
        keyboard.up("Shift")
    viewer.settle()


def press(viewer, *keys):
    viewer.page.locator(".nlv-field").focus()
    for key in keys:
        viewer.page.keyboard.press(key)
    viewer.settle()


def question(viewer):
    return viewer.page.locator(".nlv-asks .nlv-lead").inner_text()


def detail(viewer):
    return viewer.page.locator(".nlv-asks .nlv-detail").inner_text()


def shares(viewer):
    """Percent of each frame; what is written as less than 0.1 % is nothing."""
    texts = viewer.page.locator(".nlv-film .nlv-share").all_inner_texts()
    return [0.0 if text.startswith("<") else float(text.rstrip(" %")) for text in texts]


def outline_of(viewer, name):
    """The box on screen of the outlined cells, in units of the picture: left, top, right, bottom."""
    frame, box = viewer.asks.bounding_box(), viewer.page.locator(f".nlv-many .{name}").bounding_box()
    left, top = (box["x"] - frame["x"]) / frame["width"], (box["y"] - frame["y"]) / frame["height"]
    return left, top, left + box["width"] / frame["width"], top + box["height"] / frame["height"]


def test_a_box_and_a_brush_ask_the_mean_of_their_cells_and_undo_goes_back(viewer):
    page = viewer.page
    page.get_by_role("button", name="Box", exact=True).click()
    drag(viewer, viewer.asks, place_of(2, 3), place_of(4, 6))
    assert question(viewer) == "12 cells of frame 1"
    assert viewer.facts["pinned"] == "true"
    np.testing.assert_allclose(outline_of(viewer, "nlv-plus"), (3 / 16, 2 / 9, 7 / 16, 5 / 9), atol=OUTLINED)
    assert shares(viewer) == [0, 100, 0, 0], "every cell of frame 1 looks at frame 2"

    page.get_by_role("button", name="Brush", exact=True).click()
    drag(viewer, viewer.film(1), place_of(1, 1), place_of(1, 4), shift=True)
    assert question(viewer) == "16 cells of 2 frames"
    np.testing.assert_allclose(shares(viewer), [0, 75, 25, 0], atol=0.1)

    page.get_by_role("button", name="−", exact=True).click()
    where = viewer.asks.bounding_box()
    page.mouse.move(*at(viewer, viewer.asks, *place_of(7, 10)))
    page.mouse.down()
    viewer.settle()
    assert viewer.asks.bounding_box() == where, "a longer sentence moves nothing under the pointer"
    page.mouse.move(*at(viewer, viewer.asks, *place_of(7, 11)), steps=6)
    page.mouse.up()
    viewer.settle()
    assert question(viewer) == "A: 16 cells of 2 frames"
    assert detail(viewer) == "less B: 2 cells · the mean of their answers"
    np.testing.assert_allclose(outline_of(viewer, "nlv-minus"), (10 / 16, 7 / 9, 12 / 16, 8 / 9), atol=OUTLINED)
    press(viewer, "u")
    assert detail(viewer) == "the mean of their answers"
    press(viewer, "u")
    assert question(viewer) == "12 cells of frame 1"
    press(viewer, "u")
    assert viewer.facts["pinned"] == "false"


def test_the_wall_opens_the_block_that_is_clicked(viewer):
    viewer.page.get_by_text("All 2 blocks").click()
    tile = viewer.page.locator(".nlv-tile", has_text="Block one")
    expect(tile).to_contain_text("frame 2, 100 %")
    tile.click()
    viewer.settle()
    assert viewer.facts["block"] == "one"
    expect(tile).to_have_attribute("aria-pressed", "true")


def zoom_in(viewer, picture, x, y, notches=4):
    """Turn the wheel with Ctrl over a place of a picture."""
    viewer.page.mouse.move(*at(viewer, picture, x, y))
    viewer.page.keyboard.down("Control")
    for _ in range(notches):
        viewer.page.mouse.wheel(0, -100)
        viewer.settle()
    viewer.page.keyboard.up("Control")


def hot_box(picture):
    """Left, top, right, bottom of the warm pixels that are really on screen, in CSS pixels of the picture."""
    rgb = np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB"), int)
    rows, cols = np.nonzero(rgb[..., 0] - rgb[..., 2] > 20)
    return np.array([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1]) / DENSITY


def box_on(viewer, selector, picture):
    """The box of an element that shows no border, as ``hot_box``."""
    box, frame = viewer.page.locator(selector).bounding_box(), picture.bounding_box()
    left, top = box["x"] - frame["x"], box["y"] - frame["y"]
    return np.array([left, top, left + box["width"], top + box["height"]])


def test_zoomed_pictures_show_one_place_and_what_is_pointed_at_is_what_is_asked(viewer):
    page, (y, x) = viewer.page, (4, 6)
    target = target_of(GRID, Cell(0, y, x))  # row 8, column 14 of the next frame
    viewer.point(viewer.asks, *place_of(y, x))
    before = box_on(viewer, ".nlv-asks .nlv-cell", viewer.asks)
    zoom_in(viewer, viewer.asks, *place_of(y, x))
    cell = box_on(viewer, ".nlv-asks .nlv-cell", viewer.asks)
    scale = (cell[2] - cell[0]) / (before[2] - before[0])
    assert scale > 2
    middle = (before[:2] + before[2:]) / 2
    np.testing.assert_allclose((cell[:2] + cell[2:]) / 2, middle, atol=SEEN_EDGE, err_msg="what is pointed at stays")

    box = viewer.asks.bounding_box()
    size = np.array([box["width"], box["height"]])
    corner = (np.array(place_of(y, x)) * size * scale - middle) / (size * scale)  # of the window, in units of the frame
    for frame, picture in ((2, viewer.film(2)), (0, viewer.film(0)), (0, viewer.asks)):  # all show the same place
        for there, within in (((y - 1, x + 1), (0.1, 0.9)), ((y + 1, x - 2), (0.9, 0.1)), ((y, x), (0.05, 0.95))):
            spot = np.array([(there[1] + within[0]) / COLS, (there[0] + within[1]) / ROWS])
            viewer.point(picture, *((spot - corner) * scale))
            assert viewer.facts["cell"] == f"{frame},{there[0]},{there[1]}"
    page.mouse.down()
    page.mouse.up()
    viewer.settle()
    assert (viewer.facts["cell"], viewer.facts["pinned"]) == (f"0,{y},{x}", "true")
    assert page.locator(".nlv-stage .nlv-arrows g[visibility='visible']").count() == 0, "where it looks is out of sight"
    window(viewer, corner, scale, target, size)


def window(viewer, corner, scale, target, size):
    """Drag the zoomed answer until the cell that is looked at is in sight: heat, arrow, ring and label lie on it."""
    page = viewer.page
    wanted = np.array([target.x, target.y]) / (COLS, ROWS) - np.array([0.1, 0.1])
    wanted = np.clip(wanted, 0, 1 - 1 / scale)
    moved = corner
    while np.abs(moved - wanted).max() > 1e-6:
        by = np.clip((moved - wanted) * scale, -0.6, 0.6)
        start = 0.5 - by / 2
        drag(viewer, viewer.answers, tuple(start), tuple(start + by))
        moved = np.clip(moved - by / scale, 0, 1 - 1 / scale)
    assert viewer.facts["pinned"] == "true", "a drag is no click"
    page.mouse.move(0, 0)
    page.get_by_role("checkbox", name="Arrows").uncheck()
    viewer.settle()
    low = (np.array([target.x, target.y]) / (COLS, ROWS) - moved) * scale * size
    edges = np.concatenate([low, low + scale * size / (COLS, ROWS)])
    np.testing.assert_allclose(hot_box(viewer.answers), np.minimum(edges, np.tile(size, 2)), atol=SEEN_EDGE)
    page.get_by_role("checkbox", name="Arrows").check()
    viewer.settle()
    middle = (edges[:2] + edges[2:]) / 2
    viewer.point(viewer.answers, *(middle / size))
    assert page.locator(".nlv-tip").inner_text().endswith(f"row {target.y + 1}, column {target.x + 1}")
    np.testing.assert_allclose(box_on(viewer, ".nlv-ring", viewer.answers), edges, atol=SEEN_EDGE)
    page.get_by_role("button", name="Fit").click()
    viewer.settle()
    whole = box_on(viewer, ".nlv-asks .nlv-cell", viewer.asks)
    assert round((whole[2] - whole[0]) / size[0] * COLS, 2) == 1


def ends_at(viewer, arrows, holder, picture, place, gap):
    """Assert that the only arrow that is shown stops ``gap`` pixels before a place of a picture."""
    (path,) = arrows.locator("g[visibility='visible'] .nlv-shaft").all()
    origin = viewer.page.locator(holder).bounding_box()
    x, y = (float(number) for number in path.get_attribute("d").split("Q")[1].split()[2:])
    away = np.subtract(at(viewer, picture, *place), (origin["x"] + x, origin["y"] + y))
    assert abs(np.hypot(*away) - gap) < SEEN_EDGE


def test_zooming_by_keys_keeps_arrows_and_drags_in_place(viewer):
    page, (y, x) = viewer.page, (1, 2)
    target, scale = target_of(GRID, Cell(0, y, x)), 1.5
    viewer.point(viewer.asks, *place_of(y, x))
    press(viewer, "Enter", "+")
    corner = np.array(place_of(y, x)) * (1 - 1 / scale)  # the asked place stays where it is
    there = (np.array(place_of(target.y, target.x)) - corner) * scale
    wide = viewer.answers.bounding_box()["width"]
    links, strip = page.locator(".nlv-stage > .nlv-arrows"), page.locator(".nlv-reel > .nlv-arrows")
    ends_at(viewer, links, ".nlv-stage", viewer.answers, there, scale * wide / COLS / 2)
    ends_at(viewer, strip, ".nlv-reel", viewer.film(target.t), there, 3)

    page.get_by_role("button", name="Box", exact=True).click()
    drag(viewer, viewer.asks, (0.5, 0.5), (0.7, 0.8))
    low, high = (np.floor((corner + np.array(end) / scale) * (COLS, ROWS)) for end in ((0.5, 0.5), (0.7, 0.8)))
    marked = np.concatenate([low, high + 1]) / (COLS, ROWS, COLS, ROWS)
    np.testing.assert_allclose(outline_of(viewer, "nlv-plus"), (marked - [*corner, *corner]) * scale, atol=OUTLINED)
    assert question(viewer) == f"{int(np.prod(high + 1 - low))} cells of frame 1"
    press(viewer, "u", "0")
    assert viewer.facts["cell"] == f"0,{y},{x}"
    press(viewer, "?")
    dialog = page.get_by_role("dialog")
    for done in ("zoom into all frames", "follows what it looks at"):
        expect(dialog).to_contain_text(done)


def test_two_fingers_zoom_one_moves_and_a_tap_asks(chromium, tmp_path):
    data = clip_bytes(frames=2, tour=False)
    with opened(chromium, tmp_path, data, width=390, device_scale_factor=DENSITY, has_touch=True) as viewer:
        send = viewer.page.context.new_cdp_session(viewer.page).send

        def touch(kind, *places):
            points = [at(viewer, viewer.asks, *place) for place in places]
            send(
                "Input.dispatchTouchEvent",
                {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]},
            )

        def cell():
            return box_on(viewer, ".nlv-asks .nlv-cell", viewer.asks)

        asked = viewer.facts["cell"]
        before = cell()
        touch("touchStart", (0.4, 0.5))
        touch("touchStart", (0.4, 0.5), (0.6, 0.5))
        for apart in (0.12, 0.16, 0.2):
            touch("touchMove", (0.5 - apart, 0.5), (0.5 + apart, 0.5))
        touch("touchEnd")
        viewer.settle()
        zoomed = cell()
        assert viewer.facts["cell"] == asked, "two fingers ask nothing"
        np.testing.assert_allclose(zoomed[2] - zoomed[0], 2 * (before[2] - before[0]), rtol=0.02)

        touch("touchStart", (0.8, 0.5))
        for x in (0.7, 0.6, 0.5):
            touch("touchMove", (x, 0.5))
        touch("touchEnd")
        viewer.settle()
        moved = cell()
        np.testing.assert_allclose(zoomed[0] - moved[0], 0.3 * viewer.asks.bounding_box()["width"], atol=SEEN_EDGE)
        assert (viewer.facts["cell"], viewer.facts["pinned"]) == (asked, "false"), "moving asks nothing"
        touch("touchStart", (0.5, 0.5))
        touch("touchEnd")
        viewer.settle()
        column = int((0.25 + 0.3 / 2 + 0.5 / 2) * COLS)
        assert (viewer.facts["cell"], viewer.facts["pinned"]) == (f"0,4,{column}", "true")


WATCH = """() => {
    const root = document.querySelector(".nlv") ?? document.getElementById("mount").shadowRoot.querySelector(".nlv");
    const picture = () => `${root.dataset.cell} > ${root.dataset.shown}`;
    let last = picture();
    window.steps = [];
    window.watching?.disconnect();
    window.watching = new MutationObserver(() => {
        if (picture() !== last) window.steps.push(last = picture());
    });
    window.watching.observe(root, { attributes: true });
}"""


def played(viewer, count, *keys):
    """Press keys, wait for so many changes of the picture, pause; return what was asked and shown each time."""
    viewer.page.evaluate(WATCH)
    press(viewer, *keys)
    viewer.page.wait_for_function("(count) => window.steps.length >= count", arg=count)
    press(viewer, " ")
    return viewer.page.evaluate("window.steps")[:count]


def test_space_plays_the_clip_and_a_question_that_follows_goes_where_it_looks(viewer):
    viewer.point(viewer.asks, *place_of(1, 2))
    press(viewer, "Enter")
    assert viewer.facts["shown"] == "1"
    assert played(viewer, 3, " ") == [f"0,1,2 > {frame}" for frame in (2, 3, 0)], "heat of the pin, frame by frame"
    button = viewer.page.get_by_role("button", name="Follow")
    viewer.page.locator("[data-bar='3']").click()
    viewer.settle()
    press(viewer, "f")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(viewer.page.get_by_text("the question moves on to the cell that it weighs most")).to_be_visible()
    way = ["0,1,2 > 1", "1,5,10 > 2", "2,0,2 > 3", "3,4,10 > 3"]
    assert played(viewer, 5, " ") == [*way, way[0]], "to the end, and from the pinned start again"
    assert viewer.facts["pinned"] == "true"

    press(viewer, "u")
    assert viewer.facts["cell"] == "0,1,2", "undo goes back to where it began"
    viewer.page.get_by_role("button", name="Who looks here").click()
    viewer.point(viewer.film(3), *place_of(4, 10))
    viewer.page.mouse.down()
    viewer.page.mouse.up()
    expect(viewer.page.get_by_text("the cell of the frame before that weighs it most")).to_be_visible()
    viewer.page.locator("[data-bar='3']").click()
    viewer.settle()
    assert played(viewer, 3, " ") == ["3,4,10 > 2", "2,0,2 > 1", "1,5,10 > 0"], "who looks here, back through the clip"


def test_python_hears_of_a_question_that_follows_when_it_rests(chromium):
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    mounted = Mounted(context.new_page(), clip_bytes(frames=FRAMES, tour=False))
    mounted.call_ready({"url": "/bundle/a", "id": "a"})
    mounted.point(mounted.asks, *place_of(1, 2))
    press(mounted, "Enter", "f")
    at_rest = began = (0, 1, 2)
    while at_rest == began:  # where a busy machine may pause it, and Python has heard of that place
        played(mounted, 3, " ")
        at_rest = tuple(int(part) for part in mounted.facts["cell"].split(","))
    told = [message for name, message in mounted.sent() if name == "pinned"]
    places = [(message["frame"], int(message["y"] * ROWS), int(message["x"] * COLS)) for message in told]
    assert places == [began, at_rest]
    context.close()


def test_answers_side_by_side_are_zoomed_together(chromium):
    context = chromium.new_context(viewport={"width": 1200, "height": 800}, device_scale_factor=DENSITY)
    mounted = Mounted(context.new_page(), clip_bytes(frames=FRAMES, tour=False))
    panes = [{"url": "/bundle/a", "id": "a", "clip": "a", "title": f"Pane {n}", "block": "mapped"} for n in (1, 2)]
    mounted.call_ready({"mode": "compare", "panes": panes})
    target = target_of(GRID, Cell(0, 1, 2))
    mounted.point(mounted.asks, *place_of(1, 2))
    press(mounted, "Enter", "+")
    there = (np.array(place_of(target.y, target.x)) - np.array(place_of(1, 2)) / 3) * 1.5
    for pane in range(2):
        picture = mounted.page.locator(".nlv-pane").nth(pane).locator(".nlv-answers .nlv-picture")
        picture.scroll_into_view_if_needed()
        mounted.point(picture, *there)
        said = mounted.page.locator(".nlv-tip").inner_text()
        assert said.splitlines()[pane].endswith(f"frame 2, row {target.y + 1}, column {target.x + 1}")
        mounted.page.mouse.move(0, 0)
        middle = hot_box(picture).reshape(2, 2).mean(axis=0)
        size = picture.bounding_box()
        np.testing.assert_allclose(middle, there * (size["width"], size["height"]), atol=SEEN_EDGE)
    assert not mounted.complaints
    context.close()


def click(viewer, y, x):
    viewer.page.mouse.click(*at(viewer, viewer.asks, *place_of(y, x)))
    viewer.settle()


def test_pins_stay_beside_each_other_and_one_is_taken_from_the_other(viewer):
    page, sentences = viewer.page, viewer.page.locator(".nlv-sentence")
    click(viewer, 2, 3)
    press(viewer, "m")
    click(viewer, 7, 12)
    expect(sentences).to_have_count(2)
    for letter, (y, x) in {"A": (2, 3), "B": (7, 12)}.items():
        mark = page.locator(".nlv-asks .nlv-picture .nlv-letter", has_text=letter).bounding_box()
        frame = viewer.asks.bounding_box()
        middle = (mark["x"] + mark["width"] / 2 - frame["x"], mark["y"] + mark["height"] / 2 - frame["y"])
        corner = (x / COLS * frame["width"], y / ROWS * frame["height"])
        np.testing.assert_allclose(middle, corner, atol=SEEN_EDGE)
    assert page.locator(".nlv-film .is-shown .nlv-count").evaluate(
        "count => getComputedStyle(count).backgroundColor"
    ) == (page.locator(".nlv-asks .nlv-letter.is-b").evaluate("letter => getComputedStyle(letter).backgroundColor")), (
        "the frame on show has the colour of the pin that looks there, and orange means A alone"
    )
    parts = page.locator(".nlv-film .nlv-frame").nth(1).locator(".nlv-part:visible")
    assert parts.all_inner_texts() == ["100 %", "100 %"], "both look at frame 2"
    for bars in (".nlv-key", ".nlv-band"):
        assert page.locator(f"{bars} .nlv-pin-name:visible").all_inner_texts() == ["A", "B"], "a colour bar for each"

    assert question(viewer) == "B: this spot of frame 1"
    looked_at = target_of(GRID, Cell(0, 2, 3))
    viewer.point(viewer.film(looked_at.t), *place_of(looked_at.y, looked_at.x))
    told = page.locator(".nlv-tip").inner_text().splitlines()
    assert told[0].startswith("A: 1 · "), "the heat of A is read as A's"
    assert re.match(r"B: (?!1 )", told[1])
    assert len(told) == 2
    page.get_by_role("button", name="A − B").click()
    viewer.settle()
    expect(sentences).to_have_count(1)
    assert (question(viewer), detail(viewer)) == (
        "A: one cell of frame 1",
        "less B: one cell",
    )
    letters = page.locator(".nlv-asks .nlv-picture .nlv-letter:visible")
    assert letters.all_inner_texts() == ["A", "B"]
    least, most = page.locator(".nlv-key > span:not(.nlv-key-bar)").all_inner_texts()
    assert least == f"−{most}", "the short colour bar beside the answer has both signs"
    assert page.locator(".nlv-film .nlv-letter:visible").all_inner_texts() == ["A", "B"]
    press(viewer, "u")
    expect(sentences).to_have_count(2)
    page.get_by_role("button", name="Take pin A away").click()
    viewer.settle()
    expect(sentences).to_have_count(1)
    assert viewer.facts["cell"] == "0,7,12"
    assert viewer.facts["pinned"] == "true"


def test_hops_go_on_from_what_is_looked_at_and_say_so(viewer):
    page, caution = viewer.page, viewer.page.locator(".nlv-answers .nlv-warning")
    click(viewer, 2, 3)
    slider = page.get_by_label("Hops of the look")
    slider.focus()
    page.keyboard.press("ArrowRight")
    viewer.settle()
    expect(caution).to_contain_text("2 hops, the further ones through")
    press(viewer, "d")
    expect(slider).to_be_hidden()
    expect(caution).not_to_contain_text("hops")


def test_a_temperature_says_on_the_picture_that_it_is_not_the_networks(viewer):
    page, caution = viewer.page, viewer.page.locator(".nlv-answers .nlv-warning")
    click(viewer, 2, 3)
    slider = page.get_by_label("Temperature of the softmax")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    viewer.settle()
    expect(caution).to_contain_text("Temperature 0.7, not the network's: its scores were divided by 0.7")
    press(viewer, "d")
    expect(slider).to_be_hidden()
    expect(caution).not_to_contain_text("Temperature")
    press(viewer, "d")
    page.get_by_role("button", name="back to 1").click()
    viewer.settle()
    expect(caution).not_to_contain_text("Temperature")
