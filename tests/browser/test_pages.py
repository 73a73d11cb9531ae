"""What holds on every page of the app: who can use it, what Back does, what is drawn over what."""

import re

import pytest
from patience import PATIENCE_MS, rest, settled
from playwright.sync_api import expect
from serving import AXE

from nonlocal_core import list_models

pytestmark = pytest.mark.browser

SMALL = "clip=sample:composed&frames=3&short_side=128"
PAGES = {
    "explore": f"?{SMALL}",
    "compare": f"compare?{SMALL}&compare=networks&networks=lite0-parameter-free,lite0-gaussian",
    "inspect": f"inspect?{SMALL}",
    "track": f"track?{SMALL}&find=What+I+click",
    "learn": f"learn?{SMALL}&step=operation",
    "networks": "networks",
    "findings": "findings",
}
LEAST_TARGET = 24
"""Pixels of a target's sides, as WCAG 2.2 asks (2.5.8)."""
TARGETS = """(least) => {
  const all = [document, ...[...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean)]
    .flatMap((root) => [...root.querySelectorAll(
      'a, button, summary, select, input, [role=button], [role=tab], [role=radio], [role=switch]')]);
  // What stands for a field that browsers draw no larger: its label, the line of a slider, the box around a text.
  const target = (e) => e.tagName !== 'INPUT' ? e
    : e.closest('label') ?? e.closest('[data-testid] [role=group]') ?? e.parentElement;
  return all.filter((e) => e.checkVisibility({ visibilityProperty: true }))
    .flatMap((own) => {
      const boxes = [own, target(own)].map((e) => e.getBoundingClientRect());
      const large = boxes.some(({ width, height }) => Math.min(width, height) >= least);
      const seen = boxes[1].right > 0 && boxes[1].left < innerWidth && boxes[1].width > 1;
      return seen && !large ? [[boxes[1], own]] : [];
    })
    .filter(([, own]) => !own.closest('p')) // a link in a sentence is as high as its line
    .map(([box, own]) => `${own.tagName} ${own.ariaLabel ?? own.textContent.trim()} ${box.width} x ${box.height}`);
}"""


COVERED = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap((chart) => {
  const box = (e) => e.getBoundingClientRect();
  const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const buttons = [...chart.querySelectorAll('.modebar-btn')].map(box).filter(({ width }) => width > 0);
  return [...chart.querySelectorAll('.annotation-text-g text, .gtitle')]
    .filter((said) => buttons.some((button) => meets(button, box(said)))).map((said) => said.textContent);
})"""


def open_page(page, address, name):
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/{PAGES[name]}")
    expect(page.locator("h1")).to_be_visible()
    settled(page)
    if name in ("explore", "compare", "learn"):
        page.wait_for_selector(".nlv[data-ready]")
        settled(page)


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_either_theme(page, address, name):
    if not AXE.is_file():
        pytest.skip(f"No axe-core at {AXE}: make tools installs it.")
    open_page(page, address, name)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "theme => getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === theme", arg=theme
        )
        rest(page, 500)  # colours fade into those of the theme
        faults = page.evaluate("axe.run(document)")["violations"]
        told = [f"{fault['id']}: {node['target']} {node['html'][:160]}" for fault in faults for node in fault["nodes"]]
        assert told == [], theme


def test_axe_finds_nothing_where_something_is_open_or_pinned(page, address):
    if not AXE.is_file():
        pytest.skip(f"No axe-core at {AXE}: make tools installs it.")
    page.emulate_media(color_scheme="dark")  # in which a popover, outside the page, would be light
    open_page(page, address, "explore")
    page.evaluate(AXE.read_text(encoding="utf-8"))

    def look(state):
        """Ask axe about all but the area to drop files on, whose role is Streamlit's own."""
        settled(page)
        rest(page, 400)  # for what fades in
        faults = page.evaluate("""axe.run({ exclude: "[data-testid=stFileUploaderDropzone]" })""")["violations"]
        told = [f"{fault['id']}: {node['target']} {node['html'][:160]}" for fault in faults for node in fault["nodes"]]
        assert told == [], state

    page.locator(".nlv-asks .nlv-picture").first.click()
    expect(page.get_by_role("heading", name="Where it looks")).to_be_visible()
    look("a pin")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("button", name="Make the file")).to_be_visible()
    look("Keep")
    page.keyboard.press("Escape")
    page.locator(".st-key-frames-open button").first.click()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    look("Frames")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(".nlv.is-presenting")
    look("presenting")
    page.keyboard.press("Escape")
    page.wait_for_selector(".nlv:not(.is-presenting)")
    page.get_by_role("button", name="Open image or video").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look("the dialog")


def test_axe_would_find_a_fault(page, address):
    if not AXE.is_file():
        pytest.skip(f"No axe-core at {AXE}: make tools installs it.")
    open_page(page, address, "networks")
    page.evaluate("document.querySelector('main').append(new Image())")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert "image-alt" in [fault["id"] for fault in page.evaluate("axe.run(document)")["violations"]]


@pytest.mark.parametrize("name", PAGES)
def test_a_finger_meets_everything_and_nothing_sticks_out_on_a_phone(chromium, address, name):
    with chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True) as context:
        page = context.new_page()
        open_page(page, address, name)
        assert page.evaluate(TARGETS, LEAST_TARGET) == []
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
        if name == "explore":
            answer = page.locator(".nlv-answers .nlv-picture").bounding_box()
            assert answer["y"] + answer["height"] <= 844, "question and answer are on the first screen"
        page.locator(".stPlotlyChart").evaluate_all("(all) => all.at(-1)?.scrollIntoView()")
        assert page.evaluate(COVERED) == []


def test_keep_covers_no_menu_and_what_is_compared_is_read_whole(page, address):
    open_page(page, address, "explore")
    keep, network = (
        page.locator(".st-key-keep button").first,
        page.locator("[class*=st-key-model-] .react-aria-ComboBox"),
    )
    for width in (390, 700, 819, 820, 860, 899, 900, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        rest(page, 100)
        left, right = sorted((keep.bounding_box(), network.bounding_box()), key=lambda box: box["x"])
        apart = left["x"] + left["width"] <= right["x"]
        over = min(left["y"] + left["height"], right["y"] + right["height"]) <= max(left["y"], right["y"])
        assert apart or over, f"{width}: {left} {right}"
    open_page(page, address, "compare")
    page.set_viewport_size({"width": 390, "height": 844})
    rest(page, 100)
    for choice in page.locator(".st-key-compare-subject button").all():
        box = choice.bounding_box()
        assert box["x"] + box["width"] <= 390 - 8, choice.inner_text()


@pytest.mark.parametrize("width", [820, 1280])
def test_figures_are_read_whole(page, address, width):
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, address, "inspect")
    cut = """() => [...document.querySelectorAll('[data-testid=stMetric] p')]
      .filter((said) => { const range = document.createRange(); range.selectNodeContents(said);
        const card = said.closest('[data-testid=stMetric]').getBoundingClientRect();
        return range.getBoundingClientRect().right > card.right + 0.5; }).map((said) => said.textContent)"""
    expect(page.locator("[data-testid=stMetricValue]")).to_have_count(7)
    assert page.evaluate(cut) == []


def test_nothing_is_drawn_through_the_menu_of_pages(page, address):
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 600})
        open_page(page, address, "findings")
        page.locator(".stMain").evaluate("main => main.scrollTo(0, 400)")
        menu = page.locator("header.stAppHeader").bounding_box()
        main = page.locator(".stMain").bounding_box()
        assert page.locator(".stMain").evaluate("main => main.scrollTop") > 100
        assert menu["y"] + menu["height"] <= main["y"]


def test_back_leaves_a_page_however_much_was_chosen_on_it(page, address):
    open_page(page, address, "explore")
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="One question, several answers")).to_be_visible()
    page.wait_for_selector(".nlv-compare[data-ready]")
    expect(page).to_have_url(re.compile("compare=blocks"))
    for picture, x in ((".nlv-asks .nlv-picture", 0.3), (".nlv-asks .nlv-picture", 0.6)):
        box = page.locator(picture).first.bounding_box()
        page.mouse.click(box["x"] + x * box["width"], box["y"] + 0.5 * box["height"])
        expect(page).to_have_url(re.compile(rf"at=\d%2C{str(x)[:3]}"))
    page.go_back()
    expect(page.get_by_role("heading", name="Where does this position look?")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/\?clip="))
    page.go_forward()
    expect(page.get_by_role("heading", name="One question, several answers")).to_be_visible()


def test_the_question_of_a_comparison_stays_while_its_answers_are_scrolled(page, address):
    page.set_viewport_size({"width": 1280, "height": 860})  # other machines have other fonts
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/compare?{SMALL}&compare=networks&networks={','.join(card.id for card in list_models())}")
    expect(page.locator(".nlv-pane:visible")).to_have_count(6)  # five, and the difference of two
    settled(page)
    page.wait_for_selector("[data-ready]")
    boxes = [pane.bounding_box() for pane in page.locator(".nlv-pane:visible").all()]
    whole = [box["y"] + box["height"] <= 860 for box in boxes]
    assert sum(whole) >= 3, f"whole answers on the first screen: {boxes}"
    question = page.locator(".nlv-asks .nlv-picture").first
    main = page.locator(".stMain")
    main.evaluate("main => main.scrollTo(0, document.querySelector('.stMain').scrollHeight)")
    scrolled = main.evaluate("main => main.scrollTop")
    assert scrolled > 50
    answer = page.locator(".nlv-pane .nlv-picture").first.bounding_box()
    assert question.bounding_box()["y"] > main.bounding_box()["y"]
    assert question.bounding_box()["y"] >= answer["y"]
    words = page.locator(".nlv-pane .nlv-detail")
    assert all(said.evaluate("said => said.scrollWidth <= said.clientWidth") for said in words.all())


def test_a_pin_just_before_leaving_keeps_nobody(page, address):
    open_page(page, address, "explore")
    page.locator(".nlv-asks .nlv-picture").first.click()
    page.get_by_role("link", name="Inspect").click()
    expect(page.get_by_role("heading", name="What does this block do?")).to_be_visible()
    rest(page, 1500)  # for what was on its way
    settled(page)
    expect(page.get_by_role("heading", name="What does this block do?")).to_be_visible()


def test_a_sample_opens_by_its_picture_and_by_the_keyboard(page, address):
    open_page(page, address, "explore")
    page.get_by_role("button", name="Open image or video").click()
    picture = page.locator(".st-key-card-coins img")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page).to_have_url(re.compile("clip=sample%3Acoins"))
    page.wait_for_selector(".nlv[data-ready]")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Open image or video").click()
    page.locator(".st-key-card-chelsea button:visible").first.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("clip=sample%3Achelsea"))


def _dismiss(page):
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Open image or video").click()


def _press_below(page):
    """Press the button under the dialog, whose run takes that down without a dismissal."""
    page.locator(".st-key-open button").evaluate("(button) => button.click()")


@pytest.mark.parametrize("open_again", [_dismiss, _press_below])
def test_the_dialog_forgets_a_file_that_was_refused(page, address, open_again):
    open_page(page, address, "explore")
    page.get_by_role("button", name="Open image or video").click()
    uploader = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    expect(uploader).to_have_count(1)  # that of a dialog before may be leaving
    settled(page)
    uploader.set_input_files({"name": "not.mp4", "mimeType": "video/mp4", "buffer": b"no film"})
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    open_again(page)
    expect(page.get_by_role("dialog")).to_be_visible()
    settled(page)
    expect(page.get_by_text("not.mp4")).to_have_count(0)
    expect(page.get_by_role("dialog").get_by_role("alert").filter(has_text="not.mp4")).to_have_count(0)


def test_a_network_is_chosen_by_its_line_in_the_table(page, address):
    open_page(page, address, "networks")
    expect(page.get_by_text("253 MB. Licence: CC-BY-NC-4.0")).to_be_visible()
    grid = page.locator("[data-testid=stDataFrame] canvas").first
    rest(page, 1000)  # the table is drawn on a canvas, which nothing tells of
    box = grid.bounding_box()
    page.mouse.click(box["x"] + 150, box["y"] + 90)  # the second line
    expect(page.get_by_text("283 MB. Licence: CC-BY-NC-4.0")).to_be_visible()


def test_keep_says_what_to_do_before_there_is_a_pin_and_stands_on_the_first_screen(page, address):
    open_page(page, address, "explore")
    button = page.get_by_role("button", name="Keep")
    assert button.bounding_box()["y"] < page.locator(".nlv-asks").first.bounding_box()["y"]
    button.click()
    expect(page.get_by_text("Click a position in the picture first.")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".nlv-asks .nlv-picture").first.click()
    expect(page.get_by_role("heading", name="Where it looks")).to_be_visible()
    button.click()
    expect(page.get_by_role("button", name="Make the file")).to_be_visible()
