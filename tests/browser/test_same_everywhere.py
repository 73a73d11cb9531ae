"""One pin, one picture: on the screen, in the saved page and in every file the heat has the same colours, and the same
sentence stands beside it. The clip is flat and grey, so that a colour is that of the heat."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import av
import numpy as np
import pypdfium2
import pytest
from bundles import make_block
from pages import Watched
from PIL import Image
from playwright.sync_api import expect

from nonlocal_core import Pin, Selection, Session
from nonlocal_core.bundle import as_stored
from nonlocal_core.capture.record import Capture
from nonlocal_core.look import Look, answer_words, heats_of
from nonlocal_core.render.figure import header_units
from nonlocal_core.render.layout import UNITS, lay_out

pytestmark = pytest.mark.browser

FRAMES, ROWS, COLS = 3, 6, 10
SIZE_HW = (180, 300)
GREY = 128
APART = 3  # levels of 255, between any two of screen and files
FILM_APART = 4  # of H.264, whose 8-bit luma and chroma cannot say every colour; worst seen 3.5, at any quality
SHADES = {
    "softmax": {"pairwise": "embedded_gaussian", "scale": 1.6},
    "dot product": {"pairwise": "dot_product"},
    "head of a transformer": {"pairwise": "embedded_gaussian", "scale": 1.2, "off_grid": ("class token",), "head": 2},
}
PIN = {"frame": 1, "x": 0.45, "y": 0.42, "direction": "row", "view": "bare"}
VIEWS = ("bare", "each-root-over2-negatives-bare")
FIT = """(() => { const svg = document.documentElement, [, , width, height] = svg.getAttribute("viewBox").split(" ");
  svg.setAttribute("width", 1200); svg.setAttribute("height", (1200 * height) / width); })()"""
NUMBER = {(t, 0, x) for t in range(FRAMES) for x in range(2)}
"""Cells of the strip under the frame's number."""


@pytest.fixture(scope="module")
def session():
    """A real session whose frames are flat and whose blocks have steep, random rows, as a bundle stores them."""
    ramp = np.linspace(60, 200, SIZE_HW[1]).astype(np.uint8)
    frames = np.repeat(np.broadcast_to(ramp[None, :, None], (*SIZE_HW, 3))[None], FRAMES, axis=0).copy()
    found = Session.open(frames, "lite0-parameter-free", frames=Selection(frame_indices=(0, 1, 2)), short_side=64)
    blocks = []
    for seed, (name, facts) in enumerate(SHADES.items()):
        extra = {"off_grid": facts["off_grid"]} if "off_grid" in facts else {}
        block = make_block(
            facts["pairwise"], name=name, grid=(FRAMES, ROWS, COLS), channels=6, subsample=(1, 1, 1), seed=seed, **extra
        )
        blocks.append(as_stored(replace(block, scale=facts.get("scale", 1.0), head=facts.get("head"))))
    flat = replace(found.frames, rgb=np.full((FRAMES, *SIZE_HW, 3), GREY, np.uint8))
    return replace(found, frames=flat, capture=Capture(blocks=tuple(blocks), classes=()))


def at_centres(pictures):
    """(T, rows, cols, 3) colours in the middle of every cell, of pictures of whole frames."""
    out = np.empty((FRAMES, ROWS, COLS, 3))
    for t, picture in enumerate(pictures):
        height, width = picture.shape[:2]
        for y, x in np.ndindex(ROWS, COLS):
            out[t, y, x] = picture[int((y + 0.5) / ROWS * height), int((x + 0.5) / COLS * width)]
    return out


def on_screen(viewer):
    """The frames of the strip as they are on the screen."""
    frames = [viewer.film(t) for t in range(FRAMES)]
    return [np.asarray(Image.open(io.BytesIO(frame.screenshot())).convert("RGB")) for frame in frames]


def tiles_of(picture, pins):
    """The frames of a figure of so many pins, however large it is drawn."""
    scale = picture.shape[1] / UNITS
    found = []
    for tile in lay_out(FRAMES, SIZE_HW, width_px=UNITS, header=header_units(pins)).tiles:
        left, top, right, bottom = (round(side * scale) for side in tile)
        found.append(picture[top:bottom, left:right])
    return found


def page_of(path):
    """The page of a PDF in pixels."""
    with pypdfium2.PdfDocument(path) as document:
        return np.asarray(document[0].render(scale=2).to_pil().convert("RGB"))


def expected(session, pin):
    """Colours by formula, from the rows of the library, and the sentence of each pin."""
    answers = [session.answer(one) for one in Pin(**pin).all]
    heats = heats_of(answers, Look.parse(pin["view"]))
    found = np.full((FRAMES, ROWS, COLS, 3), float(GREY))
    for t in range(FRAMES):
        leading = np.argmax([np.where(heat.shows(heat.times[t]), heat.times[t], 0) for heat in heats], axis=0)
        for index, heat in enumerate(heats):
            colours, opacity = heat.coloured(heat.times[t], t)
            where = leading == index if len(heats) > 1 else np.ones((ROWS, COLS), bool)
            found[t][where] += (opacity[..., None] * (colours - GREY))[where]
    return found, [answer_words(answer) for answer in answers]


def compared(found, colours, pin, *, but=frozenset()):
    """The largest difference of colours outside the asked cells, which are boxed."""
    away = np.abs(found - colours)
    boxed = {
        (frame, int(y * ROWS) + dy, int(x * COLS) + dx)
        for one in Pin(**pin).all
        for frame, x, y in one.points
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    }
    for t, y, x in {*but, *boxed}:
        away[t, y, x] = 0
    return away.max()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("direction", ["row", "column"])
@pytest.mark.parametrize("block", SHADES)
def test_a_pin_looks_the_same_on_the_screen_and_in_every_file(chromium, tmp_path, session, block, direction, view):
    check(chromium, tmp_path, session, PIN | {"block": block, "direction": direction, "view": view})


def test_three_pins_and_a_temperature_look_the_same_everywhere(chromium, tmp_path, session):
    beside = (((0, 0.85, 0.25),), ((1, 0.75, 0.75), (1, 0.85, 0.75)))
    words = check(chromium, tmp_path, session, PIN | {"block": "softmax", "beside": beside, "temperature": 0.5})
    assert "Temperature 0.5, not the network's" in words


def test_a_look_of_several_hops_is_the_same_everywhere(chromium, tmp_path, session):
    words = check(chromium, tmp_path, session, PIN | {"block": "softmax", "hops": 3})
    assert "3 hops, the further ones through" in words


def check(chromium, tmp_path, session, pin):
    """Draw a pin on the screen and in every file; return what the drawing says."""
    colours, sentences = expected(session, pin)
    assert (np.abs(colours - GREY).max(axis=-1) > 20).sum() > 10, "there is heat to compare"
    files = {
        suffix: session.save(tmp_path / f"a{suffix}", **pin)
        for suffix in (".html", ".png", ".svg", ".pdf", ".gif", ".mp4")
    }

    context = chromium.new_context(viewport={"width": 1280, "height": 900}, device_scale_factor=2)
    try:
        viewer = Watched(context.new_page())
        viewer.page.goto(files[".html"].as_uri())
        viewer.page.wait_for_selector(".nlv[data-ready]")
        viewer.settle()
        assert viewer.facts["cell"] == f"1,{int(0.42 * ROWS)},{int(0.45 * COLS)}"
        for sentence, said in zip(sentences, viewer.page.locator(".nlv-sentence").all(), strict=True):
            expect(said).to_contain_text(sentence)
        if "hops" in pin:
            expect(viewer.page.locator(".nlv-answers .nlv-warning")).to_contain_text(f"{pin['hops']} hops")
        if pin.get("temperature", 1) != 1:
            expect(viewer.page.locator(".nlv-answers .nlv-warning")).to_contain_text("not the network's")
        assert compared(at_centres(on_screen(viewer)), colours, pin, but=NUMBER) <= APART, "screen"
        drawing = context.new_page()
        drawing.set_viewport_size({"width": 1200, "height": 700})
        drawing.goto(files[".svg"].as_uri())
        drawing.evaluate(FIT)
        shot = np.asarray(Image.open(io.BytesIO(drawing.screenshot())).convert("RGB"))
        assert compared(at_centres(tiles_of(shot, len(sentences))), colours, pin) <= APART, "svg"
    finally:
        context.close()

    words = " ".join(ElementTree.fromstring(files[".svg"].read_bytes()).itertext())
    words = " ".join(words.split())
    assert all(sentence in words for sentence in sentences)
    png = np.asarray(Image.open(files[".png"]).convert("RGB"))
    assert compared(at_centres(tiles_of(png, len(sentences))), colours, pin) <= APART, "png"
    assert compared(at_centres(tiles_of(page_of(files[".pdf"]), len(sentences))), colours, pin) <= APART, "pdf"
    with Image.open(files[".gif"]) as film:
        pictures = []
        for index in range(film.n_frames):
            film.seek(index)
            pictures.append(np.asarray(film.convert("RGB"))[: SIZE_HW[0]])
    assert compared(at_centres(pictures), colours, pin) <= APART, "gif"
    with av.open(str(files[".mp4"])) as film:
        pictures = [frame.to_ndarray(format="rgb24")[: SIZE_HW[0]] for frame in film.decode(video=0)]
    assert compared(at_centres(pictures), colours, pin) <= FILM_APART, "mp4"
    return words


def test_the_comparison_can_tell_another_scale(session):
    pin = PIN | {"block": "softmax"}
    usual, _ = expected(session, pin)
    other, _ = expected(session, pin | {"view": "each-bare"})
    assert compared(usual, other, pin) > 2 * APART
