"""The page of findings in a real browser: every table with its chart and verdict, and the networks' figures."""

import pytest
from patience import PATIENCE_MS
from playwright.sync_api import expect

from nonlocal_core.weights.findings import read_findings

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1280])
def test_what_an_axis_shows_is_read_whole(chromium, address, width):
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/findings")
    found = read_findings()
    expect(page.locator(".js-plotly-plot .bars")).to_have_count(len(found.tables))
    for chart in page.locator(".js-plotly-plot").all():
        frame, title = chart.bounding_box(), chart.locator(".xtitle").bounding_box()
        assert frame["x"] <= title["x"]
        assert title["x"] + title["width"] <= frame["x"] + frame["width"]
        assert title["y"] + title["height"] <= frame["y"] + frame["height"]
    context.close()


def test_every_table_has_its_chart_and_its_verdict(chromium, address):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/findings")
    found = read_findings()
    expect(page.locator(".js-plotly-plot .bars")).to_have_count(len(found.tables))
    for table in found.tables:
        expect(page.get_by_text(f"The paper: {table.finding}")).to_be_visible()
    verdicts = [f"{table.verdict[0].upper()}{table.verdict[1:]}." for table in found.tables]
    for verdict in set(verdicts):
        expect(page.get_by_text(verdict, exact=True)).to_have_count(verdicts.count(verdict))
    page.get_by_role("tab", name="The shipped networks").click()
    best = max(found.networks, key=lambda network: network.figures["real_average_precision"])
    expect(page.get_by_text(f"(AP {best.figures['real_average_precision']:.3f})")).to_be_visible()
    context.close()
