"""Answers side by side: the component in a shadow root on clips that are known, then the page in the running app."""

import re
from urllib.parse import parse_qs, urlparse

import pytest
from mounted import Mounted
from pages import clip_bytes, mapped_block
from patience import PATIENCE_MS, rest, settled
from playwright.sync_api import expect

from nonlocal_core import list_models
from nonlocal_core.capture.record import UNTRAINED
from nonlocal_core.geometry import QueryGrid

pytestmark = pytest.mark.browser


def turned(grid, **facts):
    """A block that looks elsewhere than ``mapped_block`` does: its rows in reverse order."""
    block = mapped_block(grid)
    return mapped_block(grid, theta=block.theta[::-1].copy(), **facts)


def blocks(grid):
    coarse = QueryGrid.over_clip(clip_frames=grid.steps, steps=grid.steps, rows=3, cols=4)
    return (mapped_block(grid, name="one"), turned(grid, name="two"), mapped_block(coarse, name="coarse"))


CLIP = clip_bytes(blocks=blocks, tour=False)
LONGER = clip_bytes(frames=5, name="longer.mp4", blocks=blocks, tour=False)
PANES = [
    {"url": "/bundle/a", "id": "a", "clip": "a", "title": f"Pane {name}", "block": name}
    for name in ("one", "two", "coarse")
]

CAT = "clip=sample:chelsea&short_side=128"
OWN = ".nlv-pane[data-block]"
CELLS = "(panes) => panes.map((pane) => pane.dataset.cell)"
PAINTED = """(heats) => heats.filter((heat) => !heat.hidden).reduce((sum, heat) => {
    const { data } = heat.getContext("2d").getImageData(0, 0, heat.width, heat.height);
    return sum + data.filter((value, i) => i % 4 === 3 && value > 0).length;
}, 0)"""


class Bench(Mounted):
    """The comparison, mounted."""

    def show(self, panes, **data):
        self.call_ready({"mode": "compare", "panes": panes, **data})

    def cells(self):
        """The cell that each pane asks from; the difference has none."""
        return self.page.locator(OWN).evaluate_all(CELLS)

    def pane(self, index):
        return self.page.locator(".nlv-pane").nth(index)

    def painted(self, pane):
        """How many pixels of heat a pane shows, over all frames."""
        return pane.locator(".nlv-film .nlv-heat").evaluate_all(PAINTED)

    def subtract(self, first, second):
        self.page.get_by_label("Difference: this").select_option(index=first)
        self.settle()
        if first:
            self.page.get_by_label("Difference: less this").select_option(index=second - 1)
        self.settle()
        self.settle()  # a pane that appears is laid out first


@pytest.fixture
def bench(chromium):
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    yield Bench(context.new_page(), {"/bundle/a": CLIP, "/bundle/b": LONGER})
    context.close()


NOTE = "Reads one half of the clip only, whatever it is asked."
CUT = "clip.mp4 is cut short; what can be read of it is shown."


@pytest.mark.parametrize("width", [390, 1200])
def test_what_must_be_known_of_each_answer_stands_under_it_and_under_the_table(chromium, width):
    def noted(grid):
        return (mapped_block(grid, name="one", note=NOTE), turned(grid, name="two", status="untrained"))

    context = chromium.new_context(viewport={"width": width, "height": 900})
    bench = Bench(context.new_page(), clip_bytes(blocks=noted, warnings=(CUT,), tour=False))
    bench.show(PANES[:2])
    said = [bench.pane(index).locator(".nlv-warning").inner_text() for index in range(3)]
    assert said == [NOTE, UNTRAINED, f"{NOTE} {UNTRAINED}"], "the last is the difference of both"
    assert bench.page.locator(".nlv-asks .nlv-warning").inner_text() == CUT
    notes = bench.page.locator(".nlv-notes p").all_inner_texts()
    assert notes == [f"Pane one: {NOTE}", CUT, f"Pane two: {UNTRAINED}"]
    rows = bench.page.locator(".nlv-figures tbody tr")
    assert all(rows.nth(index).bounding_box()["height"] <= 60 for index in range(2)), "sentences make no row tall"
    for index in range(3):
        picture, words = (bench.pane(index).locator(f".nlv-{part}").first for part in ("picture", "warning"))
        box, below = picture.bounding_box(), words.bounding_box()
        assert box["y"] + box["height"] <= below["y"]
    assert bench.complaints == []
    context.close()


LONG = "This reading leaves out what came before it, and the sentence that says so is long. " * 4
SEEN = """(words) => {
    const box = words.getBoundingClientRect(), at = (y) => words.getRootNode().elementFromPoint(box.left + 5, y);
    return { whole: words.scrollHeight <= words.clientHeight + 1, last: at(box.bottom - 6) === words };
}"""


@pytest.mark.parametrize("presenting", [False, True])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_a_caution_is_never_cut(chromium, width, height, presenting):
    def noted(grid):
        return (mapped_block(grid, name="one", note=LONG), turned(grid, name="two", note="Short."))

    context = chromium.new_context(viewport={"width": width, "height": height})
    bench = Bench(context.new_page(), clip_bytes(blocks=noted, warnings=(LONG,), tour=False))
    bench.show(PANES[:2], query=None)
    if presenting:
        bench.page.get_by_role("button", name="Present").click()
        bench.page.wait_for_selector(".nlv.is-presenting")
        bench.settle()
        bench.settle()
        pictures = bench.page.locator(".nlv-bench .nlv-side .nlv-picture").all()
        assert min(picture.bounding_box()["height"] for picture in pictures) >= 90, "long words shrink no picture"
    cautions = bench.page.locator(".nlv-warning:visible").all()
    assert len(cautions) >= 4, "of the clip, of both blocks, and of their difference"
    for words in cautions:
        words.scroll_into_view_if_needed()
        bench.settle()
        words.evaluate("(words) => words.scrollIntoView({ block: 'end' })")
        bench.settle()
        assert words.evaluate(SEEN) == {"whole": True, "last": True}, words.inner_text()
    context.close()


def test_what_was_taken_as_players_take_it_stands_below_all_and_folded(chromium):
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    bench = Bench(context.new_page(), clip_bytes(blocks=blocks, remarks=("clip.mp4 says no colours.",), tour=False))
    bench.show(PANES)
    said = bench.page.get_by_text("clip.mp4 says no colours.")
    expect(said).to_have_count(1)
    expect(said).not_to_be_visible()
    bench.page.get_by_text("About the file").click()
    expect(said).to_be_visible()
    assert said.bounding_box()["y"] > bench.page.locator(".nlv-figures").bounding_box()["y"]
    context.close()


def test_without_anything_to_know_the_table_has_no_notes(bench):
    bench.show(PANES)
    assert bench.page.locator(".nlv-notes p").count() == 0
    expect(bench.page.get_by_text("About the file")).not_to_be_visible()
    assert bench.page.locator(".nlv-warning:visible").count() == 0


def test_one_pointer_moves_all_panes_and_hovering_sends_nothing(bench):
    bench.show(PANES)
    fetched = len(bench.requests)
    assert bench.fetches == 1, "three blocks of one bundle travel once"
    padding = "(all) => all.map((said) => getComputedStyle(said).paddingRight)"
    words = bench.page.locator(".nlv-pane .nlv-detail").evaluate_all(padding)
    assert set(words) == {"0px"}, "the words of a pane have all of its width"
    for x, y, cell, coarse in ((0.1, 0.9, "0,8,1", "0,2,0"), (0.7, 0.3, "0,2,11", "0,0,2")):
        bench.point(bench.asks, x, y)
        assert bench.cells() == [cell, cell, coarse]
    bench.point(bench.pane(1).locator("[data-frame='2']"), 0.5, 0.5)  # the strip of one pane asks all of them
    assert bench.cells() == ["2,4,8", "2,4,8", "2,1,2"]
    assert bench.page.locator(".nlv-pane .nlv-frame.is-asked [data-frame='2']").count() == 4
    assert bench.sent() == []
    assert len(bench.requests) == fetched
    assert not bench.complaints


def test_the_answers_are_those_of_their_blocks(bench):
    bench.show(PANES)
    bench.point(bench.asks, 0.03, 0.05)  # cell 0,0,0: "one" looks at 1,4,8, "two" at the target of the last cell
    bench.point(bench.pane(0).locator(".nlv-answers .nlv-picture"), 8.5 / 16, 4.5 / 9)
    assert bench.page.locator(".nlv-tip").inner_text().startswith("Pane one: 1 · 432× even share · frame 2, row 5")
    rows = bench.page.locator(".nlv-figures tbody tr")
    figures = [rows.nth(i).locator("td").all_inner_texts() for i in range(3)]
    assert [line[0] for line in figures] == ["1 of 432", "1 of 432", "1 of 36"]
    assert [line[2] for line in figures] == ["<0.1 %", "100 %", "<0.1 %"], "only the second looks at its own frame"
    assert [line[5] for line in figures] == ["432×", "432×", "36×"]
    assert [line[6] for line in figures][::2] == ["100 %", "other cells"]


def test_a_map_less_itself_is_empty(bench):
    bench.show(PANES)
    difference = bench.pane(3)
    assert bench.painted(difference) > 0, "the first two of one grid are subtracted on arrival, and differ"
    bench.subtract(1, 1)
    assert bench.painted(difference) == 0
    assert difference.get_attribute("data-peak") == "0"
    assert "differ nowhere" in difference.locator(".nlv-notice").inner_text()
    bench.subtract(1, 3)
    assert bench.painted(difference) == 0
    assert "different cells, 3×9×16 and 3×3×4" in difference.locator(".nlv-notice").inner_text()
    bench.subtract(2, 1)
    assert bench.painted(difference) > 0
    bench.subtract(0, 0)
    assert not difference.is_visible()
    assert [text for text in bench.complaints if "readback" not in text] == []  # this test reads canvases back


def test_one_scale_for_all_is_said_on_every_picture(bench):
    bench.show(PANES)
    limits = bench.page.locator(".nlv-pane .nlv-limit")
    bench.point(bench.pane(0).locator("[data-frame='1']"), 0.5, 0.5)  # from here no block looks at its own frame
    shared = limits.all_inner_texts()[:3]
    bench.page.get_by_role("button", name="Each its own").click()
    bench.settle()
    own = limits.all_inner_texts()[:3]
    assert own == ["full heat at 432× even share", "full heat at 432× even share", "full heat at 36× even share"]
    assert shared == [own[0]] * 3


def test_the_keyboard_moves_pins_and_turns_every_pane(bench):
    bench.show(PANES)
    bench.page.locator(".nlv-field").focus()
    for key in ("ArrowRight", "ArrowDown", ">", "b", "h", "t"):  # the last three belong to the viewer of one block
        bench.page.keyboard.press(key)
    bench.settle()
    assert bench.cells() == ["1,5,9", "1,5,9", "1,1,2"]
    bench.page.keyboard.press("Enter")
    [[_, pin]] = bench.sent()
    assert (pin["frame"], pin["x"], pin["y"], pin["block"]) == (1, 9.5 / 16, pytest.approx(5.5 / 9), "one")
    bench.page.keyboard.press("d")
    bench.settle()
    assert bench.page.locator(".nlv").get_attribute("data-direction") == "column"
    bench.page.keyboard.press("Escape")
    assert bench.sent()[-1] == ["pinned", None]
    bench.page.keyboard.press("?")
    assert bench.page.locator("dialog[open] dt").first.inner_text() == "point, tap or drag"


STOPS = [
    {"frame": 0, "x": 0.1, "y": 0.1, "caption": "<img src=x onerror=alert(1)>", "block": "two", "direction": "row"},
    {"frame": 2, "x": 0.9, "y": 0.9, "caption": "", "block": "elsewhere", "direction": "column"},
]
PRESENTING = ".nlv-compare.is-presenting"


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (390, 844)])
@pytest.mark.parametrize("shown", [2, 3])
def test_presenting_shows_all_panes_on_one_screen_and_nothing_else(chromium, width, height, shown):
    context = chromium.new_context(viewport={"width": width, "height": height})
    bench = Bench(context.new_page(), CLIP)
    bench.show(PANES[:shown])
    page = bench.page
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(f"{PRESENTING}:fullscreen")
    bench.settle()
    bench.settle()
    pictures = page.locator(".nlv-asks .nlv-picture, .nlv-answers .nlv-picture")
    boxes = [pictures.nth(i).bounding_box() for i in range(pictures.count())]
    assert len(boxes) == shown + 2, "the question, the panes, and their difference"
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= height for box in boxes)
    assert all(box["height"] >= 90 for box in boxes)
    assert len({round(box["height"]) for box in boxes}) == 1
    for part in (".nlv-pane .nlv-lead", ".nlv-pane .nlv-limit", ".nlv-ramp"):
        assert page.locator(part).first.is_visible(), "titles and scale stay"
    for part in (".nlv-top", ".nlv-figures", ".nlv-control"):
        assert not page.locator(part).first.is_visible()
    assert not bench.complaints
    context.close()


@pytest.mark.parametrize("words", [18, 24, 30, 36])
def test_however_much_is_said_while_presenting_no_picture_is_half_on_the_screen(chromium, words):
    """Words take more lines under smaller pictures, which then have to be smaller still."""
    names = ("one", "two", "three", "four", "five")

    def noted(grid):
        return tuple(mapped_block(grid, name=name, note=" ".join(["caution"] * words)) for name in names)

    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    bench = Bench(context.new_page(), clip_bytes(frames=4, blocks=noted, tour=False))
    bench.show([{**PANES[0], "title": f"Trained on objects, {name}", "block": name} for name in names])
    bench.page.get_by_role("button", name="Present").click()
    bench.page.wait_for_selector(f"{PRESENTING}:fullscreen")
    bench.settle()
    bench.settle()
    high, room = bench.page.locator(".nlv-bench").evaluate("(all) => [all.scrollHeight, all.clientHeight]")
    assert high <= room, "nothing is scrolled"
    context.close()


@pytest.mark.parametrize("full_screen", [True, False])
def test_the_keyboard_asks_while_presenting_and_page_keys_walk_the_tour(bench, full_screen):
    page = bench.page
    if not full_screen:
        page.evaluate("void (Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('forbidden')))")
    bench.show(PANES, tour={"clip": "a", "stops": STOPS})
    page.locator(".nlv-field").focus()
    page.keyboard.press("p")
    page.wait_for_selector(f"{PRESENTING}:fullscreen" if full_screen else f"{PRESENTING}:popover-open")
    for key in ("ArrowRight", "ArrowDown", ">", "."):
        page.keyboard.press(key)
    bench.settle()
    assert bench.cells() == ["1,5,9", "1,5,9", "1,1,2"]
    assert not page.locator(".nlv-guide").is_visible()
    guide = page.locator(".nlv-guide p")
    page.keyboard.press("PageDown")
    bench.settle()
    assert guide.inner_text() == f"1 of 2. {STOPS[0]['caption']}"
    assert bench.cells() == ["0,0,1", "0,0,1", "0,0,0"]
    assert page.locator(OWN).evaluate_all("(all) => all.map((one) => one.dataset.block)") == ["one", "two", "coarse"]
    page.keyboard.press("PageDown")
    bench.settle()
    assert guide.inner_text() == "2 of 2. Here: frame 3 · row 9, column 15 · who looks here."
    assert page.locator(".nlv").get_attribute("data-direction") == "column"
    page.keyboard.press("Escape")
    page.wait_for_selector(".nlv:not(.is-presenting)")
    page.keyboard.press("ArrowLeft")
    bench.settle()
    assert bench.cells()[0] == "2,8,13", "leaving keeps the question, and the keyboard"
    assert (bench.dialogs, bench.complaints) == ([], [])


def test_presenting_two_clips_keeps_each_question_beside_its_answer(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    bench = Bench(context.new_page(), {"/bundle/a": CLIP, "/bundle/b": LONGER})
    bench.show([PANES[0], {"url": "/bundle/b", "id": "b", "clip": "b", "title": "Longer", "block": "one"}])
    bench.page.get_by_role("button", name="Present").click()
    bench.page.wait_for_selector(f"{PRESENTING}:fullscreen")
    bench.settle()
    bench.settle()
    tops = [bench.page.locator(".nlv-asks, .nlv-pane").nth(i).bounding_box()["y"] for i in range(4)]
    assert tops[0] == tops[1]
    assert tops[2] == tops[3]
    bench.page.get_by_role("button", name="Leave").click()
    bench.page.wait_for_selector(".nlv:not(.is-presenting)")
    assert not bench.complaints
    context.close()


def test_two_clips_follow_each_other_at_the_same_part_of_their_length(bench):
    other = {"url": "/bundle/b", "id": "b", "clip": "b", "title": "Longer", "block": "one"}
    bench.show([PANES[0], other], query={"frame": 2, "x": 0.5, "y": 0.5, "block": "one"})
    assert bench.cells() == ["2,4,8", "4,4,8"]
    assert bench.page.locator(".nlv-asks").count() == 2
    bench.page.locator(".nlv-field").focus()
    bench.page.keyboard.press("Escape")
    bench.point(bench.pane(1).locator("[data-frame='3']"), 0.03, 0.05)  # asked in the longer clip, exactly there
    assert bench.cells() == ["2,0,0", "3,0,0"]
    assert not bench.complaints


def test_other_panes_of_the_same_clip_keep_the_question(bench):
    bench.show(PANES[:2], query={"frame": 1, "x": 0.2, "y": 0.3, "block": "one"})
    bench.show(PANES[1:], query={"frame": 1, "x": 0.2, "y": 0.3, "block": "one"})
    bench.page.wait_for_function(
        "document.querySelector('#mount').shadowRoot.querySelectorAll('.nlv-pane').length === 3"
    )
    bench.settle()
    assert bench.cells() == ["1,2,3", "1,0,0"]
    assert bench.fetches == 1


def test_a_phone_shows_two_in_a_row_under_the_question(chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    bench = Bench(context.new_page(), CLIP)
    bench.show(PANES)
    assert bench.page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [bench.pane(i).bounding_box() for i in range(3)]
    assert boxes[0]["y"] == boxes[1]["y"] < boxes[2]["y"]
    bench.page.mouse.wheel(0, 300)
    bench.settle()
    box = bench.asks.bounding_box()
    assert 0 <= box["y"] < 120, "the question stays in sight while its answers scroll"
    bench.page.touchscreen.tap(box["x"] + 0.1 * box["width"], box["y"] + 0.5 * box["height"])
    bench.settle()
    assert bench.cells()[0] == "0,4,1"
    context.close()


def visit(chromium, url):
    """Open a page in a fresh profile; ``page.sent`` counts what it sends to the server."""
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.sent, page.complaints = [], []
    page.on("request", lambda request: page.sent.append(request.url))
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: page.sent.append("message")))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(url)
    page.wait_for_selector("[data-ready]")
    return page


def test_the_page_compares_blocks_and_its_address_restores_the_view(chromium, address):
    page = visit(chromium, f"{address}/compare?{CAT}&model=lite0-parameter-free&compare=blocks&blocks=stride8,stride16")
    panes = page.locator(".nlv-pane[data-block]")
    expect(panes).to_have_count(2)
    picture = page.locator(".nlv-asks .nlv-picture")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    settled(page)
    rest(page, 500)  # the page's own first messages
    before = len(page.sent)
    for x in (0.2, 0.4, 0.6):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + 0.5 * box["height"])
    rest(page, 500)
    assert len(page.sent) == before, "hovering asks nothing of the server"
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_url(lambda url: "at=" in url)
    asked = parse_qs(urlparse(page.url).query)
    assert (asked["compare"], asked["blocks"], asked["block"]) == (["blocks"], ["stride8,stride16"], ["stride8"])
    cells = panes.evaluate_all(CELLS)
    again = visit(chromium, page.url)
    expect(again.locator(".nlv")).to_have_attribute("data-pinned", "true")
    assert again.locator(OWN).evaluate_all(CELLS) == cells
    assert page.complaints == again.complaints == []


def test_the_page_compares_networks_and_two_clips(chromium, address):
    cards = list_models()[0], list_models()[-1]
    models = ",".join(card.id for card in cards)
    page = visit(chromium, f"{address}/compare?{CAT}&compare=networks&networks={models}")
    titles = page.locator(f"{OWN} .nlv-lead")
    expect(titles).to_have_count(2)
    numbered = [text.split(". ", 1) for text in titles.all_inner_texts()]
    assert [number for number, _ in numbered] == ["1", "2"], "as the menus of the difference name them"
    shown = [name for _, name in numbered]
    assert all(card.title.lower().endswith(text.lower()) for card, text in zip(cards, shown, strict=True)), shown
    assert shown[0].split()[0] != shown[1].split()[0], "what differs is read first"
    page.get_by_text("Two clips", exact=True).click()
    expect(page.locator(".nlv-asks")).to_have_count(2)
    expect(titles.first).to_have_text("1. Chelsea")
    page.get_by_role("button", name="Keep the open clip as the second").click()
    expect(titles).to_have_text(["1. Chelsea", "2. Chelsea"])
    expect(page.locator(".nlv-pane[data-peak]")).to_have_attribute("data-peak", "0")
    expect(page).to_have_url(re.compile(r"with=sample%3Achelsea\b"))
    assert page.complaints == []


def test_presenting_in_the_app_fills_the_screen_and_leaves_again(chromium, address):
    page = visit(chromium, f"{address}/?{CAT}")
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(".nlv.is-presenting:fullscreen")
    expect(page.locator(".nlv-guide")).to_contain_text("1 of 3.")
    page.keyboard.press("PageDown")
    expect(page.locator(".nlv-guide")).to_contain_text("2 of 3.")
    page.keyboard.press("Escape")
    page.wait_for_selector(".nlv:not(.is-presenting)")
    assert page.complaints == []
