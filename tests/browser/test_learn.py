"""The course in a real Chromium: every step by mouse, back by keyboard alone, narrow and dark; terms and numbers."""

import re
from urllib.parse import parse_qs, urlparse

import pytest
from patience import PATIENCE_MS, rest, settled
from playwright.sync_api import expect

from nonlocal_core import Selection, Session
from nonlocal_core.course.words import learn

pytestmark = pytest.mark.browser

SMALL = {"frames": 2, "short_side": 96}
LINK = "clip=sample:composed&frames=2&short_side=96"
STEPS = learn().steps


def opened_step(page, step, *, below=True):
    """Wait until a step and its picture are there, and what is ``below`` them, and return its section."""
    expect(page.locator(".nlv-step")).to_have_text(step.title)
    expect(page.locator(".nlv-lesson[aria-busy]")).to_have_attribute("aria-busy", "false")
    if below:
        settled(page)
    expect(page.locator(".nlv-work")).to_contain_text("weight")
    return page.locator(".nlv-lesson").first


def weight_of(page):
    """The share that the numbers of the lesson tell, in percent, as the text has it."""
    return page.locator(".nlv-work > div").last.locator("dd").text_content().split(" · ")[0]


def point(page, picture, x, y):
    box = page.locator(picture).first.bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)


def focused(page):
    """The text of what has the focus, in the viewer's own tree too."""
    return page.evaluate(
        """() => { let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement; return at.textContent; }"""
    )


def test_every_step_is_walked_by_mouse_and_back_by_keyboard(chromium, address):
    page = chromium.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/learn?{LINK}")
    viewer = page.locator(".nlv")
    for place, step in enumerate(STEPS):
        section = opened_step(page, step)
        assert parse_qs(urlparse(page.url).query)["step"] == [step.id]
        expect(section).to_contain_text(step.cites)
        term = section.locator(".nlv-term[data-part=query]").first
        if term.count():
            term.hover()
            expect(viewer).to_have_attribute("data-lit", "query")
        point(page, ".nlv-answers .nlv-picture", 0.4, 0.5)
        expect(viewer).to_have_attribute("data-lit", "key")
        expect(section.locator(".nlv-term.is-lit:not([data-part=key], [data-part=pair])")).to_have_count(0)
        if step.id == "local":
            every_layer_shows_what_it_sees(page)
        if step.id == "graphical":
            scribbles_become_labels(page)
        if step.id == "embedded":
            the_numbers_are_those_of_the_network(page)
            a_guess_is_scored_once_the_heat_is_shown(page)
        if place + 1 < len(STEPS):
            page.get_by_role("button", name="Next ›").click()
    expect(page.get_by_role("button", name="Next ›")).to_be_disabled()
    page.get_by_role("button", name="Test this position").click()
    expect(page.locator(".nlv-said", has_text="strongest keys")).to_be_visible()
    settled(page)

    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="‹ Previous").focus()
    page.keyboard.press("Enter")
    for step in reversed(STEPS[1:-1]):
        opened_step(page, step, below=False)
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
        page.keyboard.press("PageUp")
    opened_step(page, STEPS[0])
    for _ in range(40):
        if focused(page).startswith("Next"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    opened_step(page, STEPS[1])
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.get_by_role("link", name="Explore").click()
    page.wait_for_url(re.compile(r"/\?"))
    page.get_by_role("link", name="Learn").click()
    opened_step(page, STEPS[1])  # where it was left
    assert errors == []
    page.context.close()


def every_layer_shows_what_it_sees(page):
    page.get_by_role("button", name=learn().beside["local"]).click()
    expect(page.get_by_text("half of it from")).to_have_count(5)
    expect(page.get_by_role("row", name="one non-local block")).to_contain_text("1")


def scribbles_become_labels(page):
    """One stroke by pointer, one cell by keys."""
    words = learn().scribbles
    board = page.get_by_role("application", name=words["keys"])
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"], steps=3)
    page.mouse.up()
    expect(page.get_by_text(words["both"])).to_be_visible()
    page.get_by_role("button", name=words["rest"]).click()
    board.focus()
    for key in ("ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(page.get_by_text("After 5 steps")).to_be_visible()


def the_numbers_are_those_of_the_network(page):
    """What the lesson says of the cell under the pointer is what Python computes for it."""
    selection = Selection(frames=SMALL["frames"])
    session = Session.open(
        "sample:composed", "lite0-embedded-gaussian", frames=selection, short_side=SMALL["short_side"]
    )
    facts = page.locator(".nlv").evaluate("(root) => ({ ...root.dataset })")
    t, y, x = map(int, facts["cell"].split(","))
    grid = session.block("stride16").query_grid
    at = {"x": (x + 0.5) / grid.cols, "y": (y + 0.5) / grid.rows}
    row = session.query(frame=t, block="stride16", **at)
    key = session.block("stride16").key_grid.cell_at(frame=int(facts["shown"]), x=0.4, y=0.5)
    share = 100 * float(row.heat[key.t, key.y, key.x])
    told = weight_of(page)
    assert (
        told == "<0.1 %"
        if share < 0.1
        else abs(float(told.removesuffix(" %")) - share) < max(0.05, 0.005 * share) + 0.5
    )


def a_guess_is_scored_once_the_heat_is_shown(page):
    """By keyboard alone: two cells are marked, and the page says what share of the weight they capture."""
    expect(page.get_by_role("button", name="Show the heat")).to_be_disabled()
    page.get_by_text(learn().classroom["title"], exact=True).first.click()
    page.get_by_role("button", name=learn().classroom["begin"]).click()
    expect(page.get_by_text("Marked so far: 0")).to_be_visible()
    expect(page).to_have_url(re.compile("class="))
    (code,) = parse_qs(urlparse(page.url).query)["class"]
    expect(page.get_by_text(f"Class {code}, question 1")).to_be_visible()
    page.get_by_role("application", name=learn().predict["keys"]).focus()
    for key in ("Space", "ArrowRight", "ArrowDown", "Space"):
        page.keyboard.press(key)
    expect(page.locator(".nlv-score table")).to_have_count(0)
    page.get_by_role("button", name="Show the heat").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".nlv-score")).to_contain_text("Marked cells: 2")
    expect(page.get_by_text("Marked so far: 1")).to_be_visible()
    expect(page.locator(".nlv-guess figure").nth(2)).to_contain_text("Readers: 1, at most 1 in a cell")
    shares = [int(said.split()[0]) for said in page.locator(".nlv-score td:last-child").all_text_contents()]
    assert shares[0] <= shares[4], "no guess captures more than the strongest cells"
    assert shares[:5] == shares[5:], "a class of one"
    page.get_by_role("button", name=learn().classroom["leave"]).click()
    expect(page.get_by_text("Marked so far")).to_have_count(0)
    settled(page)


def test_a_link_opens_a_step_and_presenting_walks_on(chromium, address):
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/learn?{LINK}&step=operation&at=1,0.3300,0.5500")
    opened_step(page, STEPS[4])
    viewer = page.locator(".nlv")
    expect(viewer).to_have_attribute("data-pinned", "true")
    cell = viewer.get_attribute("data-cell")
    numbers = page.locator(".nlv-cellnumbers span:visible").all_text_contents()
    assert numbers
    assert all(re.fullmatch(r"\d+(\.\d)?", number) for number in numbers)
    assert "0" not in numbers, "no weight of a softmax is zero"
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(".nlv.is-presenting")
    page.keyboard.press("ArrowRight")  # asks, as everywhere in the course
    expect(viewer).not_to_have_attribute("data-cell", cell)
    page.keyboard.press("PageDown")
    opened_step(page, STEPS[5])
    expect(viewer).to_have_class(re.compile("is-presenting"))
    words = page.locator(".nlv-words")
    assert words.evaluate("(words) => words.scrollHeight <= words.clientHeight + 1")
    page.keyboard.press("Escape")
    page.wait_for_selector(".nlv:not(.is-presenting)")
    rest(page, 300)
    page.get_by_role("button", name="What am I seeing?").click()
    expect(page.get_by_text(learn().help["beware"])).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_role("button", name=re.compile(r"Download, \d"))).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_the_numbers_that_the_words_speak_of_stand_in_their_cells(chromium, address, width):
    page = chromium.new_context(viewport={"width": width, "height": 1100}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/learn?clip=sample:bunny&frames=2&short_side=128&step=operation")
    opened_step(page, STEPS[4])
    numbers = page.locator(".nlv-cellnumbers span:visible")
    expect(numbers).to_have_count(8 * 14)
    assert numbers.evaluate_all("(all) => all.every((one) => one.scrollWidth <= one.clientWidth)"), "each in its cell"
    page.context.close()


def test_a_picture_stays_until_a_clip_is_asked_for(chromium, address):
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/learn?clip=sample:coins&short_side=96&step=subsampling")
    opened_step(page, STEPS[10])
    page.get_by_role("button", name="Next ›").click()
    opened_step(page, STEPS[11])
    expect(page.locator(".nlv-lesson").first).to_contain_text("This clip is one picture")
    assert parse_qs(urlparse(page.url).query)["clip"] == ["sample:coins"]
    page.get_by_role("button", name=learn().page["clip"]).click()
    page.wait_for_url(re.compile("bunny"))
    expect(page.locator(".nlv-lesson").first).not_to_contain_text("This clip is one picture")
    page.context.close()
