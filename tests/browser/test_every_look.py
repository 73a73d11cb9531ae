"""Whatever is chosen of how an answer is drawn, the page says the same of it: headline, bars and numbers.

Every control beside the pictures of a real clip is set to every entry; what it changes is read from what Python hears.
"""

from collections import defaultdict
from typing import NamedTuple

import pytest
from looks import OTHER_LOOKS, changed_field
from mounted import Mounted

from nonlocal_core import Session

pytestmark = pytest.mark.browser

POINT = {"frame": 1, "x": 0.3, "y": 0.45}
CONTROLS = ".nlv-controls :is(select, input, .nlv-segment)"
ENTRIES = """(control) => {
  const name = control.ariaLabel ?? control.closest("label")?.textContent ?? control.textContent;
  if (!control.checkVisibility()) return [];
  if (control.tagName === "SELECT") {
    const entries = [...control.options].map(({ text }, at) => [`${name}: ${text}`, String(at)]);
    return entries.filter((_, at) => at !== control.selectedIndex);
  }
  if (control.type === "range") {
    return [control.min, control.max].filter((end) => end !== control.value).map((end) => [`${name}: ${end}`, end]);
  }
  return control.ariaPressed === "true" ? [] : [[name, ""]];
}"""
"""[what a person reads, the value] of each entry of a control that is not chosen now."""
CHOOSE = """(control, value) => {
  if (control.tagName !== "SELECT" && control.type !== "range") return control.click();
  if (control.tagName === "SELECT") control.selectedIndex = Number(value);
  else control.value = value;
  control.dispatchEvent(new Event(control.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
}"""
SAID = """(root) => {
  const shown = (name) => [...root.querySelectorAll(name)].filter((part) => part.checkVisibility());
  const texts = (name) => shown(name).map((part) => part.textContent);
  return {
    headline: texts(".nlv-sentence"),
    headings: texts(".nlv-lead, .nlv-figure, .nlv-side .nlv-detail, .nlv-notice, .nlv-side .nlv-warning"),
    bars: [...root.querySelectorAll(".nlv-fill")].map((bar) => `${bar.style.transform} ${bar.className}`),
    shares: texts(".nlv-share"),
    numbers: texts("td, .nlv-facts, .nlv-more"),
    pointed: texts(".nlv-tip"),
  };
}"""


class Entry(NamedTuple):
    """What was chosen, and what the page said under the usual look and under this one."""

    name: str
    usual: dict[str, list[str]]
    said: dict[str, list[str]]


def said(viewer):
    viewer.point(viewer.answers.first, 0.4, 0.5)  # the label at the pointer is one of the numbers
    return viewer.page.locator(".nlv").evaluate(SAID)


def walk(viewer, found):
    """Choose every entry of every control and what was chosen before again; collect entries by what they change."""
    viewer.page.locator(".nlv details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
    viewer.page.locator(".nlv-field").focus()
    viewer.page.keyboard.press("Enter")
    viewer.settle()
    usual = said(viewer)
    for control in viewer.page.locator(CONTROLS).all():
        before = control.evaluate("(one) => one.tagName === 'SELECT' ? String(one.selectedIndex) : one.value")
        siblings = control.locator("xpath=..").locator("[aria-pressed=true]")
        back = siblings.first.element_handle() if siblings.count() else control.element_handle()
        for name, value in control.evaluate(ENTRIES):
            pinned = viewer.sent()[-1][1]
            control.evaluate(CHOOSE, value)
            viewer.settle()
            heard = viewer.sent()[-1][1]
            other = {key for key in pinned | heard if pinned.get(key) != heard.get(key)} - {"view"}
            field = " ".join(sorted(other)) if other else changed_field(pinned["view"], heard["view"])
            found[field].append(Entry(name, usual, said(viewer)))
            back.evaluate(CHOOSE, before)
            viewer.settle()
        assert said(viewer) == usual, "the page is as it was"


@pytest.fixture(scope="module")
def entries(chromium):
    """The entries of all controls on Explore and on Compare, by the field of a look that they change."""
    network = Session.open("sample:bunny", "lite0-dot-product", frames=3, short_side=128)
    found: dict[str, list[Entry]] = defaultdict(list)
    data = {"/bundle/a": network.bundle()}
    names = [block.name for block in network.capture.blocks]
    panes = [{"url": "/bundle/a", "id": "a", "clip": "a", "title": name, "block": name} for name in names]
    for call in ({"url": "/bundle/a", "id": "a"}, {"mode": "compare", "panes": panes}):
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        viewer = Mounted(context.new_page(), data)
        viewer.call_ready(call)
        walk(viewer, found)
        assert not viewer.complaints
        context.close()
    return found


@pytest.mark.parametrize("field", OTHER_LOOKS)
def test_the_page_says_the_same_under_every_entry_of_the_colours(entries, field):
    assert entries[field], "people can choose it"
    for name, usual, other in entries[field]:
        assert {part: texts for part, texts in other.items() if texts != usual[part]} == {}, name


def test_nothing_else_stands_among_the_colours_but_what_asks_another_question(entries):
    assert entries.keys() - OTHER_LOOKS.keys() <= {"hops", "temperature"}


def test_what_is_said_is_read(entries):
    (_, usual, _), *_ = entries["curve"]
    assert all(usual[part] for part in ("headline", "headings", "bars", "shares", "numbers", "pointed"))
