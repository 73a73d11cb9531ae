"""The gallery of a survey, opened from a disk: filters, bars, order, cards, CSV, and a live viewer, without network."""

import csv
from io import BytesIO

import numpy as np
import pytest
from pages import Watched
from PIL import Image
from playwright.sync_api import expect
from serving import AXE

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.gallery import gallery
from nonlocal_core.survey.keys import KEYS, ClipKeys
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import Row, as_bytes
from nonlocal_core.survey.result import ResultFolder
from nonlocal_core.survey.worker import Worker

pytestmark = pytest.mark.browser

COUNT = 300
CHANNELS, ANSWERING = 264, (2, 5)
EVIL = "=</script><img src=x onerror=alert(1)>.mp4"


def made_row(place):
    """Rows of a clip that is no file: the figure grows with the place; one in fifty failed."""
    clip, file = EVIL if place == 7 else f"clip {place}.mp4", BytesIO()
    if place % 50 == 49:
        return as_bytes([Row(place=place, clip=clip, model="lite0-gaussian", reason=f"{clip} is cut short.")])
    Image.new("RGB", (160, 90), (place % 256, 90, 40)).save(file, "JPEG")
    facts = {"place": place, "clip": clip, "name": clip, "model": "lite0-gaussian", "block": "made", "answer": ()}
    row = Row(**facts, is_shown_first=True, places=float(place), picture=file.getvalue(), sha256="0", asked=())
    return as_bytes([row]) + (as_bytes([made_keys(place, clip)], KEYS) if place in ANSWERING else b"")


def made_keys(place, clip):
    """Keys of two frames of four cells, of which one is unlike the others: the place says which."""
    strip, phi = BytesIO(), np.zeros((8, CHANNELS), np.float16)
    phi[place] = np.random.default_rng(place).normal(0, 1, CHANNELS)
    Image.new("RGB", (320, 90), (0, 90, 40 * place)).save(strip, "JPEG")
    return ClipKeys(
        place=place, clip=clip, model="lite0-gaussian", name=clip, sha256="0", block="stride8+16", pairwise="gaussian",
        scale=1.0, steps=2, rows=2, cols=2, frame_spans=((0, 1), (1, 2)), box=(0.0, 0.0, 1.0, 1.0),
        phi=phi.tobytes(), codes=b"", asks=(), frames=2, strip=strip.getvalue(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey")
    clips = ["sample:coffee", *(EVIL if place == 7 else f"clip {place}.mp4" for place in range(1, COUNT))]
    plan = Plan(models=("lite0-gaussian",), short_side=64, index="first")
    result = ResultFolder.begin(folder / "result", plan, clips)
    with pytest.raises(SurveyError, match="has figures yet"):
        gallery(result.path, folder / "site")
    worker = Worker(plan)
    result.keep(Job(0, clips[0]), worker.measure(Job(0, clips[0])))
    worker.close()
    for place in range(1, COUNT):
        result.keep(Job(place, clips[place]), made_row(place))
    return gallery(result.path, folder / "site", viewers=1)


def test_a_stranger_finds_a_clip_and_points_at_it(page, site, tmp_path):
    watched = Watched(page)
    page.goto(site.as_uri())
    count, cards = page.locator("#count"), page.locator("#field > *")
    failed = len([place for place in range(1, COUNT) if place % 50 == 49])
    shown = COUNT - failed
    expect(count).to_have_text(
        f"{shown} of {shown + 1} rows, one for each clip, network and block"
    )  # the real clip has a second block
    page.get_by_text(f"Clips without figures: {failed}").click()
    expect(page.get_by_text("clip 49.mp4 is cut short.")).to_be_visible()

    expect(page.get_by_label("Figure")).to_have_value("query_dependence")  # the first that these clips have
    page.get_by_label("Figure").select_option("places")
    expect(cards.first).to_contain_text("clip 298.mp4")
    assert 4 < cards.count() < 60  # of 294
    page.mouse.wheel(0, 10**6)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(cards.last).to_contain_text("clip 1.mp4")
    page.evaluate("scrollTo(0, 0)")
    page.get_by_label("Order").select_option("up")
    expect(cards.first).to_contain_text("clip 1.mp4")

    page.locator("#bars button").nth(3).click()
    inside = [place for place in range(1, COUNT) if place % 50 != 49]
    low, high = 1.0, 298.0
    step = (high - low) / 40
    within = [place for place in inside if low + 3 * step <= place <= low + 4 * step]
    expect(count).to_contain_text(f"{len(within)} of {shown + 1} rows")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save selection as CSV").click()
    download.value.save_as(tmp_path / "selection.csv")
    with (tmp_path / "selection.csv").open(newline="") as file:
        assert [float(line["places"]) for line in csv.DictReader(file)] == within
    page.locator("#bars button[aria-pressed=true]").click()

    page.get_by_label("Name or answer").fill("onerror")
    expect(count).to_contain_text(f"1 of {shown + 1} rows")
    expect(cards.locator("b")).to_have_text(EVIL)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save selection as CSV").click()
    download.value.save_as(tmp_path / "evil.csv")
    assert (tmp_path / "evil.csv").read_text().splitlines()[1].startswith("'=</script>")

    page.get_by_label("Name or answer").fill("coffee")
    expect(count).to_contain_text(f"1 of {shown + 1} rows")
    expect(cards.locator("img")).to_have_js_property("naturalWidth", 160)
    cards.get_by_role("button", name="In other clips").click()
    stills = page.locator("#stills figure")
    expect(stills).to_have_count(1 + len(ANSWERING))
    expect(stills.first).to_contain_text("asks: frame 1")
    for still in stills.all()[1:]:
        place = int(still.locator("img").get_attribute("alt").split()[2].split(".")[0])
        t, cell = divmod(place, 4)
        ring = still.locator("i")
        at = ring.evaluate("ring => [ring.style.left, ring.style.top]")
        score = float(still.inner_text().split("score ")[1].split(",")[0])
        assert (at == [f"{25 + 50 * (cell % 2)}%", f"{25 + 50 * (cell // 2)}%"]) or score == 0
        assert still.locator("img").evaluate("img => img.style.left") == (f"{-100 * t}%" if score else "0%")
    page.get_by_role("button", name="Close").click()
    cards.locator("a").first.click()
    page.wait_for_selector(".nlv[data-ready]")
    watched.settle()
    seen = set()
    for x, y in ((0.1, 0.1), (0.9, 0.8)):
        watched.point(watched.asks, x, y)
        seen.add(watched.facts["cell"])
    assert len(seen) == 2
    assert all(url.startswith(("file:", "blob:", "data:")) for url in watched.requests)
    assert watched.complaints == watched.dialogs == []


def test_axe_finds_nothing_in_either_theme(chromium, site):
    if not AXE.is_file():
        pytest.skip(f"No axe-core at {AXE}: make tools installs it.")
    for theme in ("light", "dark"):
        with chromium.new_context(color_scheme=theme, bypass_csp=True) as context:
            page = context.new_page()
            page.goto(site.as_uri())
            expect(page.locator("#field > *").first).to_be_visible()
            page.evaluate(AXE.read_text(encoding="utf-8"))
            faults = page.evaluate("axe.run(document)")["violations"]
            page.get_by_label("Name or answer").fill("coffee")
            page.get_by_role("button", name="In other clips").click()
            faults += page.evaluate("axe.run(document)")["violations"]
            assert [(fault["id"], node["html"][:160]) for fault in faults for node in fault["nodes"]] == [], theme
