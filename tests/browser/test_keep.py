"""Files that leave the viewer, in a real Chromium: live pages, vector figures, and the button that makes them."""

import io
import json
import re
from contextlib import contextmanager

import av
import numpy as np
import pypdfium2
import pytest
from pages import Watched, mapped_block
from patience import PATIENCE_MS, settled
from PIL import Image
from playwright.sync_api import expect

from nonlocal_core import Selection, Session, read_frames
from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.look import Look
from nonlocal_core.query import row
from nonlocal_core.render import Caption, figure, pdf_bytes, svg_bytes
from nonlocal_core.render.layout import lay_out

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)>.mp4"
COLOURS = np.array([[210, 60, 60], [60, 170, 90], [70, 90, 210], [220, 190, 70]], np.uint8)
TILES = lay_out(4, (180, 320), width_px=2400).tiles
RASTER_ERROR = 8.0  # mean difference in grey levels of the two formats, each drawn by its own engine; seen 3.6


def moving_square(frames=3):
    rng = np.random.default_rng(5)
    ground = rng.integers(0, 90, (96, 160, 3), np.uint8)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=6)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(frames):
            picture = ground.copy()
            picture[30:60, 10 + 40 * index : 40 + 40 * index] = (250, 210, 40)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def session():
    return Session.open(read_frames(moving_square(), Selection(frames=3), name=EVIL), short_side=64)


@contextmanager
def watched(chromium, path, **context):
    own = chromium.new_context(**context)
    try:
        page = Watched(own.new_page())
        page.page.goto(path.as_uri())
        yield page
    finally:
        own.close()


# Live pages


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_a_kept_page_answers_while_pointing_and_asks_nothing_of_anyone(chromium, session, tmp_path, precision):
    path = session.save(tmp_path / "kept.html", frame=1, x=0.3, y=0.6, precision=precision)
    with watched(chromium, path, viewport={"width": 1280, "height": 900}, offline=True) as viewer:
        viewer.page.wait_for_selector(".nlv[data-ready]")
        viewer.page.get_by_text("Numbers", exact=True).click()
        expect(viewer.page.locator(".nlv-more")).to_contain_text(f"stored as {precision}, rows within")
        grid = session.block().query_grid
        for cell in (Cell(1, 2, 3), Cell(1, 5, 9)):
            x, y = grid.center(cell)
            viewer.point(viewer.asks, x, y)
            assert viewer.facts["cell"] == f"1,{cell.y},{cell.x}"
            answer = session.query(frame=1, x=x, y=y)
            strongest = answer.top(1)[0]
            shown = [
                int(text)
                for text in viewer.page.locator(".nlv-numbers tbody tr").first.locator("td").all_inner_texts()[:3]
            ]
            assert shown == [number + 1 for number in strongest.cell]
        assert viewer.page.locator("h1").inner_text() == EVIL
        assert viewer.page.title() == EVIL
        assert viewer.requests == [path.as_uri()]
        assert (viewer.dialogs, viewer.complaints) == ([], [])
        assert json.loads(viewer.page.locator("#provenance").inner_text())["clip_name"] == EVIL


# Vector figures


def figure_of(name):
    grid = QueryGrid.over_clip(clip_frames=4, steps=4, rows=9, cols=16)
    frames = np.repeat(np.repeat(COLOURS[:, None, None], 180, axis=1), 320, axis=2)
    caption = Caption(clip=name, model="Known network", block="res4/5")
    answer = row(mapped_block(grid), Cell(1, 4, 3))
    return figure(frames, np.arange(4) / 4, answer, caption, look=Look(plain=True))


def drawn(picture):
    """The figure in pixels of two units, found by its first and its last frame; None where they are not drawn yet."""
    pixels = np.asarray(picture, int)
    places = [np.nonzero((np.abs(pixels - colour) < 12).all(axis=-1)) for colour in COLOURS]
    if any(len(ys) < 2000 for ys, _ in places):
        return None
    left, right = places[0][1].min(), places[-1][1].max() + 1
    top = places[0][0].min()
    unit = (right - left) / (TILES[-1].right - TILES[0].left)
    page_left, page_top = left - TILES[0].left * unit, top - TILES[0].top * unit
    page_box = (page_left, page_top, page_left + 2400 * unit, page_top + 800 * unit)
    inside = tuple(np.clip(page_box, 0, [picture.width, picture.height] * 2))
    return np.asarray(picture.resize((1200, 400), Image.Resampling.BOX, box=inside).convert("L"), float)


def test_svg_and_pdf_are_drawn_alike_and_as_they_should(chromium, tmp_path):
    drawing, path = figure_of(EVIL), tmp_path / "figure.svg"
    path.write_bytes(svg_bytes(drawing))
    with watched(chromium, path, viewport={"width": 1300, "height": 700}, device_scale_factor=2) as viewer:
        for _ in range(PATIENCE_MS // 200):
            shot = Image.open(io.BytesIO(viewer.page.screenshot())).convert("RGB")
            if (svg := drawn(shot)) is not None:
                break
            viewer.page.wait_for_timeout(200)
        assert viewer.dialogs == []
    with pypdfium2.PdfDocument(pdf_bytes(drawing)) as document:
        pdf = drawn(document[0].render(scale=2).to_pil().convert("RGB"))
    assert np.abs(svg - pdf)[10:390, 10:1190].mean() < RASTER_ERROR
    for picture in (svg, pdf):
        heading = picture[25:110]
        assert (heading < 120).mean() > 0.01, "words, dark"
        assert (heading > 240).mean() > 0.8, "on white paper"
        assert around(picture, frame=1, cell=(4, 3), reach=3).max() > 240, "a white dot on the query"
        target = around(picture, frame=2, cell=(8, 11), reach=12)
        assert np.ptp(target) > 60, "the head of an arrow at the edge of the key that has all the weight"
        assert np.ptp(around(picture, frame=3, cell=(4, 8), reach=60)) < 12, "nothing where no arrow leads"


def around(picture, *, frame, cell, reach):
    tile = TILES[frame]
    x, y = tile.left + (cell[1] + 0.5) / 16 * tile.width, tile.top + (cell[0] + 0.5) / 9 * tile.height
    return picture[round(y / 2) - reach : round(y / 2) + reach + 1, round(x / 2) - reach : round(x / 2) + reach + 1]


# The button


def make(page, title):
    """Choose a format, have it made and download it."""
    page.get_by_role("combobox", name="Keep this answer as").click()
    page.get_by_role("option", name=title, exact=True).click()
    page.get_by_role("button", name="Make the file").click()
    ready = page.get_by_role("button", name=re.compile(r"^Download, [\d.]+ [kM]B"))
    expect(ready).to_be_visible()
    settled(page)  # the page runs once more, without the clock that drew the progress
    with page.expect_download() as download:
        ready.click()
    return download.value


def test_a_pinned_answer_is_made_and_downloaded_under_a_harmless_name(chromium, address, session, tmp_path):
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        watch = Watched(page)
        page.goto(f"{address}/?clip=sample:coins&short_side=128")
        before = page.wait_for_selector("[data-ready]").get_attribute("data-ready")
        page.get_by_role("button", name="Open image or video").click()
        uploader = page.locator("[data-testid=stFileUploaderDropzoneInput]")
        expect(uploader).to_have_count(1)  # that of a dialog before may be leaving
        uploader.set_input_files({"name": EVIL, "mimeType": "video/mp4", "buffer": moving_square()})
        expect(page.locator(f'[data-ready]:not([data-ready="{before}"])')).to_be_visible()
        expect(page.locator(f'[data-ready="{before}"]')).to_have_count(0)
        expect(page.get_by_text(re.compile(r"alert\(1\)>\.mp4 · 3 of 3 frames"))).to_be_visible()
        watch.point(watch.asks, 0.3, 0.6)
        page.mouse.down()
        page.mouse.up()
        page.get_by_role("button", name="Keep", exact=True).click()
        record = make(page, "Where it comes from (JSON)")
        frame = json.loads(record.path().read_text())["query"][0]
        assert record.suggested_filename == f"img-src-x-onerror-alert-1-frame-{frame + 1}.json"
        assert json.loads(record.path().read_text())["clip_sha256"] == session.frames.info.sha256
        film = make(page, "Film with heat (MP4)")
        film.save_as(tmp_path / "film.mp4")
        with av.open(str(tmp_path / "film.mp4")) as read:
            assert len(list(read.decode(video=0))) == 3
        assert film.suggested_filename.endswith(".mp4")
        assert watch.dialogs == []
        assert not [text for text in watch.complaints if "Error" in text]
    finally:
        context.close()
