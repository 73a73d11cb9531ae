"""Who wore the mark, in a real browser: the answer stands beside the heat and follows the pin and the switches."""

import re

import pytest
from patience import PATIENCE_MS
from playwright.sync_api import expect

from nonlocal_core import Session
from nonlocal_core.measures.marks import who_wore

pytestmark = pytest.mark.browser


def test_the_answer_follows_the_pin_and_the_switches(chromium, address):
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?clip=sample:marked")
    page.wait_for_selector("[data-ready]")
    panel, cards = page.locator(".nlv-mark"), page.locator(".nlv-mark article")
    session = Session.open("sample:marked")
    first = session.sample.query
    found = who_wore(session, frame=first.frame, x=first.x, y=first.y)
    expect(panel.locator("h2")).to_have_text(f"Which mark did the {found.asked} wear in frame 2?")
    expect(cards).to_have_count(1)
    expect(cards.locator("h3")).to_have_text(f"As it is: {found.truth}, right")
    shown = cards.locator("td:nth-child(3)").all_inner_texts()
    assert shown == [f"{100 * chance:.0f} %" for chance in found.answer.probabilities]
    assert panel.bounding_box()["x"] >= page.locator("[data-ready]").bounding_box()["width"]  # beside, not below

    page.get_by_text("Block off", exact=True).click()
    off = who_wore(session, frame=first.frame, x=first.x, y=first.y, change="block off")
    expect(cards).to_have_count(2)
    assert cards.last.locator("td:nth-child(3)").all_inner_texts() == [
        f"{100 * chance:.0f} %" for chance in off.answer.probabilities
    ]
    page.get_by_text("Swapped", exact=True).click()
    swapped = who_wore(session, frame=first.frame, x=first.x, y=first.y, change="marks swapped")
    expect(cards.last.locator("h3")).to_have_text(f"Marks swapped: {swapped.truth}, right")

    cup = page.locator(".nlv-asks .nlv-picture").first.bounding_box()  # frame 4 of the clip
    page.mouse.click(cup["x"] + 0.22 * cup["width"], cup["y"] + 0.28 * cup["height"])
    expect(panel.locator("h2")).to_have_text(re.compile("the cup wear"))
    page.mouse.click(cup["x"] + 0.95 * cup["width"], cup["y"] + 0.05 * cup["height"])
    expect(panel).to_contain_text("This is the ground")
    page.context.close()
