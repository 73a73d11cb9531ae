"""A video of the reader's own in the page without a server: how it comes in, and every file that is kept of it."""

import base64
import hashlib
import json
from itertools import pairwise

import numpy as np
import pytest
from fed import FED, frames_fed
from media_files import number_of, stamps
from patience import PATIENCE_MS
from PIL import Image
from playwright.sync_api import expect
from sites import MODELS, SHORT_SIDE, hosted, opened, taken

from nonlocal_core.render.layout import UNITS
from nonlocal_core.session import Session

pytestmark = pytest.mark.browser

FRAMES, ALL = 8, 20
GIF_ERROR = 4
"""Mean difference in grey levels of a film in 256 colours."""
SECONDS_APART = 2e-3
"""Of the moments that the browser's and Python's decoder tell of one frame."""
GIVEN = """([bytes, name, kind]) => {
    const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    const given = new DataTransfer();
    given.items.add(new File([content], name, { type: "video/mp4" }));
    const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true });
    document.querySelector("main").dispatchEvent(event);
    return event.defaultPrevented;
}"""
"""Drops or pastes a file onto the page."""


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A video whose frames spell their numbers."""
    path = tmp_path_factory.mktemp("own") / "own.mp4"
    path.write_bytes(stamps(ALL))
    return path


@pytest.mark.parametrize("way", ["chosen", "drop", "paste"])
def test_an_own_video_comes_in_by_the_menu_by_drop_and_by_paste(page, small, film, way):
    page.add_init_script(FED)
    with hosted(small) as (address, _):
        page.goto(address)
        shown = opened(page.locator(".nlv"))
        if way == "chosen":
            page.locator("input[type=file]").set_input_files(film)
        else:
            assert page.evaluate(GIVEN, [base64.b64encode(film.read_bytes()).decode(), film.name, way]) == (
                way == "drop"
            )
        opened(page.locator(".nlv"), shown)
        expect(page.locator(".nlv-film .nlv-picture")).to_have_count(FRAMES)
        chosen = page.get_by_label("Clip", exact=True).locator("option:checked")
        expect(chosen).to_have_text("Yours: own.mp4")
        true = Session.open(film, MODELS[0], short_side=SHORT_SIDE).frames.frame_indices
        assert [number_of(frame) for frame in frames_fed(page)] == true.tolist()
        assert "clip=" not in page.url


def test_a_video_whose_first_frame_comes_late_opens_with_the_frames_that_python_takes(page, small, tmp_path):
    late = tmp_path / "late.mkv"
    late.write_bytes(stamps(ALL, container="matroska", pts=range(70, 70 + 10 * ALL, 10)))
    page.add_init_script(FED)
    with hosted(small) as (address, _):
        page.goto(address)
        shown = opened(page.locator(".nlv"))
        page.locator("input[type=file]").set_input_files(late)
        opened(page.locator(".nlv"), shown)
        true = Session.open(late, MODELS[0], short_side=SHORT_SIDE).frames.frame_indices
        assert [number_of(frame) for frame in frames_fed(page)] == true.tolist()


def test_every_file_of_an_own_video_has_its_frames_words_and_numbers(page, small, film, tmp_path):
    with hosted(small) as (address, _):
        page.goto(address)
        shown = opened(page.locator(".nlv"))
        page.locator("input[type=file]").set_input_files(film)
        shown = opened(page.locator(".nlv"), shown)
        viewer = page.locator(".nlv")
        expect(viewer).to_have_attribute("data-columns", shown)
        page.locator(".nlv-film .nlv-picture").nth(2).click(position={"x": 40, "y": 30})
        expect(viewer).to_have_attribute("data-pinned", "true")
        cell = [int(part) for part in viewer.get_attribute("data-cell").split(",")]
        sentence = page.locator(".nlv-sentences").inner_text()
        names = ("Live page", "Figure", "animated PNG", "GIF", "Numbers", "Where it comes from")
        kept = {name: taken(page, name, tmp_path) for name in names}
        expect(page.locator(".site-fault")).to_be_hidden()

    session = Session.open(film, MODELS[0], short_side=SHORT_SIDE, device="cpu")
    origin = json.loads(kept["Where it comes from"].read_text())
    assert origin["clip_sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()
    assert (origin["clip_name"], origin["model"], origin["asked_cell"]) == ("own.mp4", MODELS[0], cell)
    np.testing.assert_allclose(origin["pts_seconds"], session.frames.pts_seconds, atol=SECONDS_APART)
    with np.load(kept["Numbers"]) as numbers:
        assert json.loads(str(numbers["provenance"])) == origin
        assert numbers["heat"].shape[0] == FRAMES
        assert numbers["heat"].sum() == pytest.approx(1, abs=1e-4)
        assert sentence in str(numbers["note"])
        frame, x, y = origin["query"]
        true = session.query(frame=frame, x=x, y=y).heat
        assert np.unravel_index(numbers["heat"].argmax(), true.shape) == np.unravel_index(true.argmax(), true.shape)
    with Image.open(kept["Figure"]) as figure, Image.open(kept["animated PNG"]) as animated:
        assert figure.size[0] == UNITS
        assert json.loads(figure.text["provenance"]) == json.loads(animated.text["provenance"]) == origin
        assert animated.n_frames == FRAMES
        pictures = [np.asarray(_frame(animated, index).convert("RGB"), int) for index in range(FRAMES)]
        assert all(np.abs(one - next_one).mean() > 1 for one, next_one in pairwise(pictures))
        with Image.open(kept["GIF"]) as gif:
            assert (gif.n_frames, gif.size, json.loads(gif.info["comment"])) == (FRAMES, animated.size, origin)
            same = [np.asarray(_frame(gif, index).convert("RGB"), int) for index in range(FRAMES)]
            assert max(np.abs(one - other).mean() for one, other in zip(same, pictures, strict=True)) < GIF_ERROR
    page.goto(kept["Live page"].as_uri())
    expect(page.locator(".nlv-sentences")).to_have_text(sentence, timeout=PATIENCE_MS)
    expect(page.locator(".nlv-film .nlv-picture")).to_have_count(FRAMES)
    page.locator(".nlv-field").press("Escape")
    page.locator(".nlv-field").press("d")
    expect(page.locator(".nlv")).to_have_attribute("data-direction", "column")


def _frame(film, index):
    film.seek(index)
    return film.copy()
