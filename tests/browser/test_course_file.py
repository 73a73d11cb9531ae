"""A course in one file, in a real Chromium from the disk: walked, asked, predicted, and a class put together."""

import base64
import json
import re

import pytest
from patience import PATIENCE_MS
from playwright.sync_api import expect

from nonlocal_core import Selection
from nonlocal_core.course.stages import words_of
from nonlocal_core.course.words import learn
from nonlocal_core.course.writing import OnClip, write_course

pytestmark = pytest.mark.browser

STEPS = ("local", "graphical", "embedded", "findings")
SIZES = """() => [document.documentElement.scrollWidth, innerWidth]"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a file with four steps on a clip of two frames."""
    path = tmp_path_factory.mktemp("file") / "course.html"
    on_clip = OnClip("sample:composed", Selection(frames=2), "cpu")
    return write_course(path, on_clip.open, STEPS, progress=lambda stage, done, total: None).as_uri()


def shown(page, step):
    expect(page.locator(".nlv-step")).to_have_text(words_of(step).title)
    expect(page.locator(".nlv-work")).to_contain_text("weight")
    scroll, inner = page.evaluate(SIZES)
    assert scroll <= inner


def cells_of(code, name, count):
    """The cells of a code, read without the page's own reader."""
    question, bits = code.split("-", 1)
    assert question == name
    raw = base64.urlsafe_b64decode(bits + "=" * (-len(bits) % 4))
    assert len(raw) == -(-count // 8)
    return {index for index in range(count) if raw[index // 8] >> index % 8 & 1}


def code_of(cells, name, count):
    raw = bytes(sum(1 << bit for bit in range(8) if 8 * byte + bit in cells) for byte in range(-(-count // 8)))
    return f"{name}-{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"


def test_a_file_teaches_alone(chromium, address):
    page = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True).new_page()
    page.set_default_timeout(PATIENCE_MS)
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}#embedded")
    shown(page, "embedded")
    page.locator(".nlv-term[data-part=query]").first.hover()
    expect(page.locator(".nlv")).to_have_attribute("data-lit", "query")
    page.locator(".nlv-asks .nlv-picture").click(position={"x": 60, "y": 50})
    expect(page.locator(".nlv")).to_have_attribute("data-pinned", "true")
    a_class_is_put_together_from_codes(page)

    page.locator(".nlv-field").focus()
    page.keyboard.press("PageDown")
    shown(page, "findings")
    expect(page).to_have_url(re.compile("#findings"))
    expect(page.locator(".nlv-tabled")).to_contain_text("Table 2")
    expect(page.get_by_role("button", name="Next ›")).to_be_disabled()
    page.go_back()
    shown(page, "embedded")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    shown(page, "embedded")
    page.locator(".nlv-field").focus()
    page.keyboard.press("PageUp")
    shown(page, "graphical")
    labels_are_passed_on(page)
    page.get_by_role("combobox", name="Step").select_option(index=0)
    shown(page, "local")
    expect(page.locator(".nlv-shots figure")).to_have_count(2 + 5)  # the pixels, and what each layer sees
    expect(page.get_by_text("Measured for the position that is asked on arrival")).to_be_visible()
    assert all(request.startswith(("file:", "blob:", "data:")) for request in requests)
    assert complaints == []
    page.context.close()


def labels_are_passed_on(page):
    """By keyboard: one pixel of each label, which all others then take."""
    board = page.get_by_role("application", name=learn().scribbles["keys"])
    board.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text(learn().scribbles["both"])).to_be_visible()
    page.get_by_role("button", name=learn().scribbles["rest"]).click()
    board.focus()
    for key in (*["ArrowRight"] * 9, "Space"):
        page.keyboard.press(key)
    expect(page.locator(".nlv-scribbles .nlv-pair figure")).to_have_count(4)
    expect(page.get_by_text("After 5 steps")).to_be_visible()


def a_class_is_put_together_from_codes(page):
    """By keyboard: cells are marked, and the codes of two more readers are pasted."""
    marks = page.get_by_role("application", name=re.compile("Drag to mark"))
    marks.focus()
    for key in ("Space", "ArrowRight", "ArrowDown", "Space"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Show the heat").click()
    expect(page.locator(".nlv-score table")).to_have_count(1)
    page.locator(".nlv-guess summary").click()
    mine = page.get_by_label("Your marks as a code").input_value()
    question = json.loads(page.locator("#course").text_content())["steps"][2]["guesses"][0]
    count = question["rows"] * question["cols"]
    cells = cells_of(mine, question["id"], count)
    assert len(cells) == 2
    other = {min(cells), count - 1} - {question["own"]}
    codes = [code_of(other, question["id"], count), code_of({0}, "00000000", count), "no", "code"]
    page.get_by_label("Codes of the class").fill("\n".join(codes))
    expect(page.get_by_text("Codes of this question: 1. Of other questions: 1. Not read: 2.")).to_be_visible()
    of_the_class = page.locator(".nlv-guess:not(.nlv-scribbles) figure").nth(2)
    expect(of_the_class).to_contain_text("Readers: 2, at most 2 in a cell")
    expect(page.locator(".nlv-score table")).to_have_count(2)
    shares = [int(said.split()[0]) for said in page.locator(".nlv-score td:last-child").all_text_contents()]
    assert shares[0] == pytest.approx(100 * sum(question["weights"][cell] for cell in cells), abs=0.6)
