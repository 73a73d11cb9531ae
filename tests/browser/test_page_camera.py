"""The camera of the page without a server: its last frames are asked while they come, and kept once they are frozen."""

import json

import numpy as np
import pytest
from patience import PATIENCE_MS
from PIL import Image
from playwright.sync_api import expect
from serving import FLAGS, WITH_CAMERA
from sites import opened, taken

pytestmark = pytest.mark.browser

FRAMES = 8
MORE_ANSWERS = 3


@pytest.fixture
def filming(chromium, served):
    """A page on which a camera films, once its clip has all frames."""
    if not WITH_CAMERA.exists():
        pytest.skip(f"No {WITH_CAMERA}: Chromium without its window has no camera.")
    address, _ = served
    browser = chromium.browser_type.launch(executable_path=WITH_CAMERA, args=FLAGS)
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.context.grant_permissions(["camera"], origin=address)
        page.goto(address)
        opened(page.locator(".nlv"))
        page.get_by_role("button", name="Camera").click()
        expect(page.locator(".nlv-film .nlv-picture")).to_have_count(FRAMES)
        yield page
    finally:
        browser.close()


def answers_later(page, count=MORE_ANSWERS):
    """Wait for more answers of the camera."""
    viewer = page.locator(".nlv")
    for _ in range(count):
        expect(viewer).not_to_have_attribute("data-ready", viewer.get_attribute("data-ready"))


def freeze(page):
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("button", name="Camera")).to_be_visible()
    expect(page.locator(".site-working")).to_be_hidden()


def test_the_frames_of_a_camera_follow_each_other_and_stay_once_frozen(filming):
    viewer, pictures = filming.locator(".nlv"), filming.locator(".nlv-film .nlv-picture")
    answers_later(filming)
    freeze(filming)
    frozen = viewer.get_attribute("data-ready")
    pictures.first.click()
    expect(viewer).to_have_attribute("data-pinned", "true")
    assert viewer.get_attribute("data-ready") == frozen
    expect(pictures).to_have_count(FRAMES)


def test_a_pinned_question_follows_the_camera_and_keeps_how_it_is_drawn(filming):
    viewer = filming.locator(".nlv")
    filming.locator("summary", has_text="Colours").click()
    filming.get_by_label("Curve", exact=True).select_option(label="Linear")
    filming.locator(".nlv-asks .nlv-picture").click(position={"x": 150, "y": 220})
    expect(viewer).to_have_attribute("data-pinned", "true")
    _, y, x = viewer.get_attribute("data-cell").split(",")
    answers_later(filming)
    assert viewer.get_attribute("data-cell") == f"{FRAMES - 1},{y},{x}"
    assert viewer.get_attribute("data-pinned") == "true"
    expect(filming.get_by_label("Curve", exact=True).locator("option:checked")).to_have_text("Linear")
    assert "clip=" not in filming.url, "the link would show another clip"
    freeze(filming)
    assert viewer.get_attribute("data-pinned") == "true"
    expect(filming.get_by_label("Curve", exact=True).locator("option:checked")).to_have_text("Linear")


def test_a_question_that_is_not_pinned_stays_where_the_pointer_asked(filming):
    viewer = filming.locator(".nlv")
    box = filming.locator(".nlv-asks .nlv-picture").bounding_box()
    filming.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"])
    filming.mouse.move(box["x"] + 0.12 * box["width"], box["y"] + 0.2 * box["height"])
    answers_later(filming, count=1)
    asked = viewer.get_attribute("data-cell")
    answers_later(filming)
    assert viewer.get_attribute("data-cell") == asked != f"{FRAMES - 1},6,8"
    assert viewer.get_attribute("data-pinned") == "false"


def test_frozen_frames_are_scrubbed_and_kept(filming, tmp_path):
    viewer = filming.locator(".nlv")
    freeze(filming)
    filming.locator(".nlv-film [data-bar='3']").click()
    expect(viewer).to_have_attribute("data-shown", "3")
    filming.locator(".nlv-field").press("Enter")
    expect(viewer).to_have_attribute("data-pinned", "true")
    sentence = filming.locator(".nlv-sentences").inner_text()
    kept = {name: taken(filming, name, tmp_path) for name in ("Live page", "Figure", "animated PNG", "Numbers")}
    expect(filming.locator(".site-fault")).to_be_hidden()
    with np.load(kept["Numbers"]) as numbers, Image.open(kept["animated PNG"]) as film:
        origin = json.loads(str(numbers["provenance"]))
        assert (origin["clip_name"], origin["clip_sha256"], len(origin["pts_seconds"])) == ("camera", None, FRAMES)
        assert numbers["heat"].sum() == pytest.approx(1, abs=1e-4)
        assert film.n_frames == FRAMES
        assert json.loads(film.text["provenance"]) == origin
    filming.goto(kept["Live page"].as_uri())
    expect(filming.locator(".nlv-sentences")).to_have_text(sentence)
    expect(filming.locator(".nlv-film .nlv-picture")).to_have_count(FRAMES)


def test_the_buttons_of_a_phone_stay_in_their_line_while_the_camera_films(filming):
    filming.set_viewport_size({"width": 390, "height": 844})
    buttons = [filming.get_by_role("button", name="Freeze"), filming.get_by_text("Keep", exact=True)]
    assert len({button.bounding_box()["y"] for button in buttons}) == 1
    assert filming.evaluate("document.documentElement.scrollWidth") <= 390


def test_files_are_kept_while_the_camera_films(filming, tmp_path):
    kept = [taken(filming, name, tmp_path) for name in ("animated PNG", "Live page")]
    expect(filming.locator(".site-fault")).to_be_hidden()
    assert all(path.stat().st_size > 1000 for path in kept)
    answers_later(filming)


def test_networks_are_compared_on_what_the_camera_showed_last(filming):
    expect(filming.locator(".nlv-film .nlv-picture")).to_have_count(FRAMES)
    filming.get_by_role("button", name="Compare networks").click()
    expect(filming.locator(".nlv-pane[data-block]")).to_have_count(2)
    expect(filming.locator(".nlv-pane[data-block]").first.locator(".nlv-film .nlv-picture")).to_have_count(FRAMES)
