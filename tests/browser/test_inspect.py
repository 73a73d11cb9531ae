"""Inspect in a real Chromium: every number on the page is the one that the Python API computes."""

import re

import pytest
from loud import MODEL, loud_for_a_while
from patience import settled
from playwright.sync_api import expect
from serving import app_server

from nonlocal_core import Session
from nonlocal_core.geometry import cells_in_box
from nonlocal_core.look import percent
from nonlocal_core.measures import measure_block
from nonlocal_core.measures.ablation import answer, class_changes, moved

pytestmark = pytest.mark.browser


SMALL = {"model": "lite0-parameter-free", "frames": 3, "short_side": 64}
QUERY = "clip=sample:composed&model=lite0-parameter-free&frames=3&short_side=64"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with app_server(tmp_path_factory.mktemp("server") / "log.txt", "tests/browser/loud_server.py") as address:
        yield address


def expect_table(page, expected):
    rows = page.locator("[data-testid=stTable] tbody tr")
    expect(rows).to_have_count(len(expected))
    for row, cells in zip(rows.all(), expected, strict=True):
        expect(row.locator("td")).to_have_text(cells)


def about(share, *, sign="", unit=" %"):
    """Return what matches a share in percent; the server may add in another order, and the last digit differ by one."""
    near = "|".join(re.escape(f"{100 * share + step / 100:{sign}.2f}") for step in (-1, 0, 1))
    return re.compile(f"({near}){unit}$")


def expected_table(before, after):
    return [
        [
            change.name,
            about(change.before),
            about(change.after),
            about(change.after - change.before, sign="+", unit=""),
        ]
        for change in class_changes(before, after)
    ]


def test_the_page_opens_from_its_address_and_shows_the_figures_of_the_api(page, address):
    page.goto(f"{address}/inspect?{QUERY}&block=stride16")
    session = Session.open("sample:composed", **SMALL)
    block = session.block("stride16")
    expect(page.get_by_role("heading", name="What does this block do?")).to_be_visible()
    expect(page.get_by_text("There is nothing to switch off")).to_be_visible()
    measured = measure_block(block, shown_hw=session.frames.info.shown_hw, pts_seconds=session.frames.pts_seconds)
    settled(page)
    expect(page.locator("[data-testid=stMetricValue]")).to_have_count(7)
    shown = [text.replace("\u00a0", " ") for text in page.locator("[data-testid=stMetricValue]").all_inner_texts()]
    assert shown == [
        "none",
        f"{measured.query_dependence:.3f} of 0.5",
        f"{measured.effective_keys:,.0f} of {measured.key_count:,}",
        percent(measured.own_cell_share),
        percent(measured.own_step_share),
        f"{percent(measured.distance)} of the diagonal",
        f"{measured.frames_away:.1f} frames",
    ]
    for term in ("|W_z y| / |x|", "query dependence", "entropy"):
        expect(page.get_by_text(re.compile(rf"\w \w.*{re.escape(term)}")).first).to_be_visible()  # words, and the term
    page.get_by_role("combobox", name="Block").click()
    page.get_by_role("option", name=session.block("stride8").title, exact=True).click()
    expect(page).to_have_url(re.compile("block=stride8(&|$)"))
    expect(page.locator("[data-testid=stMetricValue]").nth(2)).not_to_have_text(shown[2])

    strip = page.locator(".stPlotlyChart").nth(1).locator(".nsewdrag").nth(1)
    strip.scroll_into_view_if_needed()
    strip.click(position={"x": 10, "y": 134})  # the middle of three frames
    expect(page).to_have_url(re.compile(r"at=1%2C.*block=stride8"))
    expect(page.get_by_text("Where it looks: frame 2")).to_be_visible()


@pytest.fixture
def loud_session():
    with loud_for_a_while() as model:
        yield Session.open("sample:composed", model, frames=2, short_side=128)


def test_taking_a_block_or_a_region_away_changes_the_table_as_the_api_computes(page, address, loud_session):
    page.goto(f"{address}/inspect?clip=sample:composed&frames=2&short_side=128&model={MODEL}&block=stride16")
    session = loud_session
    block = session.block("stride16")
    before, without = answer(session), answer(session, switched_off=[block.name])
    assert moved(before, without) > 0.01
    hands = page.locator("[data-testid=stMetric]").filter(has_text="Probability that changed hands")
    expect(hands).to_contain_text(about(moved(before, without)))
    expect_table(page, expected_table(before, without))

    page.get_by_text("What a region says").click()
    asked = session.first_question()
    ends = [max(asked.x - 0.12, 0), max(asked.y - 0.12, 0), min(asked.x + 0.12, 1), min(asked.y + 0.12, 1)]
    box = tuple(round(100 * end) / 100 for end in ends)
    cut = cells_in_box(block.key_grid, box)
    assert cut.any()
    after = answer(session, cut_keys={block.name: cut})
    assert moved(before, after) > 0.001
    expect(page.get_by_text(f"{int(cut.sum()):,} of {cut.size:,} places")).to_be_visible()
    expect(hands).to_contain_text(about(moved(before, after)))
    expect_table(page, expected_table(before, after))
