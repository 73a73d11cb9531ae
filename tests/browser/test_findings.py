"""The page of findings in a real browser: the figures of the file, in letters that are read from afar."""

import pytest
from patience import PATIENCE_MS
from playwright.sync_api import expect

from nonlocal_core.weights.findings import read_findings

pytestmark = pytest.mark.browser

SMALLEST = """() => Math.min(...[...document.querySelectorAll(".nlv-wall *")]
    .filter((part) => [...part.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .map((part) => parseFloat(getComputedStyle(part).fontSize)))"""


def opened(chromium, address, width, height=900):
    page = chromium.new_context(viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/findings")
    expect(page.locator(".nlv-finding")).to_have_count(2 + len(read_findings().charts))
    return page


@pytest.mark.parametrize(("width", "pixels"), [(390, 12), (1280, 12), (1920, 16)])
def test_letters_are_read_from_the_last_row_and_nothing_is_cut(chromium, address, width, pixels):
    page = opened(chromium, address, width)
    assert page.evaluate(SMALLEST) >= pixels
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for card in page.locator(".nlv-finding").all():
        assert card.evaluate("(card) => card.scrollWidth <= card.clientWidth")
    page.context.close()


def test_the_page_shows_the_figures_of_the_file_beside_the_papers(chromium, address):
    page, found = opened(chromium, address, 1280), read_findings()
    for chart, card in zip(found.charts, page.locator(".nlv-finding").all()[1:-1], strict=True):
        expect(card.locator("h2")).to_have_text(f"Table {chart.number} {chart.title}")
        for bar, row in zip(chart.bars, card.locator("tbody tr").all(), strict=True):
            expect(row.locator("th")).to_have_text(bar.title)
            if bar.paper is not None:
                expect(row.locator("td").nth(0).locator("b")).to_have_text(f"{bar.paper:.1f}")
            expect(row.locator("td").nth(1).locator("b")).to_have_text(str(round(bar.won.mean)).replace("-", "−"))
            drawn = row.locator(".nlv-bar").evaluate(
                "(bar) => bar.firstChild.getBoundingClientRect().width / bar.getBoundingClientRect().width"
            )
            assert drawn == pytest.approx(min(max(bar.won.mean, 0), 100) / 100, abs=0.005)
        for claim, line in zip(chart.claims, card.locator("li").all(), strict=True):
            expect(line).to_contain_text(claim.words)
            expect(line).to_contain_text(claim.verdict[1:])
            expect(line).to_contain_text(claim.reason)
    beyond = page.locator(".nlv-beyond tr:has(td b)")
    shown = [*found.controls, *(found.longer.bars if found.longer else ())]
    for bar, row in zip(shown, beyond.all(), strict=True):
        expect(row.locator("th")).to_have_text(bar.title)
        expect(row.locator("b")).to_have_text(str(round(bar.won.mean)).replace("-", "−"))
    page.get_by_role("tab", name="The shipped networks").click()
    best = max(found.networks, key=lambda network: network.figures["real_average_precision"])
    expect(page.get_by_text(f"(AP {best.figures['real_average_precision']:.3f})")).to_be_visible()
    page.context.close()
