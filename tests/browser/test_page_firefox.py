"""The page without a server in Debian's Firefox, by WebDriver BiDi: what Chromium is walked through."""

import base64
import json
import re

import numpy as np
import pytest
from firefox import ARROW_RIGHT, ENTER, PROGRAM, firefox
from media_files import stamps
from page_rows import ROW_TOLERANCE
from PIL import Image
from sites import MODELS, SHORT_SIDE, hosted, picture

from nonlocal_core.session import Session

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="firefox-esr is not installed; the page is walked in it where it is"),
]

FRAMES, ALL = 8, 20
FILM_TOLERANCE = 0.05
"""Of a row's largest weight, where the browser draws the film by its own rule."""
KEPT = (
    ("Figure", ".png"),
    ("Numbers", ".npz"),
    ("Live page", ".html"),
    ("Where it comes from", ".json"),
    ("Film with heat (animated PNG)", "-film.png"),
    ("Film with heat (GIF)", ".gif"),
)
READY = "document.querySelector('.nlv')?.dataset.ready"
FILM = "document.querySelectorAll('.nlv-film .nlv-picture').length"
WIDTH = "document.documentElement.scrollWidth"
DROP = """(() => {
    const content = Uint8Array.from(atob("CONTENT"), (letter) => letter.charCodeAt(0));
    const given = new DataTransfer();
    given.items.add(new File([content], "NAME", { type: "TYPE" }));
    const event = new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true });
    document.querySelector("main").dispatchEvent(event);
    return true;
})()"""


def dropped(content, name, kind):
    """The expression that drops a file onto the page."""
    values = {"CONTENT": base64.b64encode(content).decode(), "NAME": name, "TYPE": kind}
    return re.sub("|".join(values), lambda found: values[found[0]], DROP)


def click(window, words):
    """Click the first button that has these words."""
    button = f"[...document.querySelectorAll('button')].find((one) => one.textContent.includes({json.dumps(words)}))"
    window.wait(f"Boolean({button})")
    window.ask(f"({button}.click(), true)")


def choose(window, label, index):
    """Choose an entry of a menu."""
    menu = f"document.querySelector('select[aria-label={label}]')"
    window.ask(f"({menu}.selectedIndex = {index}, {menu}.dispatchEvent(new Event('change')), true)")


def colours(window):
    """Lightness of the ground and of the ink, 0 to 765."""
    return (
        sum(map(int, re.findall(r"\d+", window.ask(f"getComputedStyle(document.body).{name}"))[:3]))
        for name in ("backgroundColor", "color")
    )


def kept_beside_python(window, path, **how):
    """The largest difference of the weights that were kept last from Python's, as a part of the largest weight."""
    with np.load(window.downloaded(".npz")) as numbers:
        frame, x, y = json.loads(str(numbers["provenance"]))["query"]
        true = Session.open(path, MODELS[0], device="cpu", **how).query(frame=frame, x=x, y=y).heat
        return np.abs(numbers["heat"] - true).max() / true.max()


def test_firefox_walks_the_page(served, tmp_path):
    address, server = served
    own = tmp_path / "own.png"
    picture(own, seed=4)
    with firefox(tmp_path, dark=True) as window:
        window.size(1280, 900)
        window.open(address)
        assert window.wait(READY) == "page-1"
        assert window.ask(WIDTH) <= 1280
        assert window.ask("matchMedia('(prefers-color-scheme: dark)').matches")
        ground, ink = colours(window)
        assert ground < 200 < 500 < ink, "the page is not dark"

        # a file of one's own, asked and pinned with the keys, and every file of it
        window.give("#own", own)
        window.wait(f"{READY} === 'page-2'")
        window.ask("(document.querySelector('.nlv-field').focus(), true)")
        cell = window.ask("document.querySelector('.nlv').dataset.cell")
        window.press(ARROW_RIGHT, ENTER)
        window.wait("document.querySelector('.nlv').dataset.pinned === 'true'")
        t, y, x = map(int, cell.split(","))
        assert window.ask("document.querySelector('.nlv').dataset.cell") == f"{t},{y},{x + 1}"
        for name, suffix in KEPT:
            click(window, name)
            assert window.downloaded(suffix).stat().st_size > 1000
        with np.load(window.downloaded(".npz")) as numbers, Image.open(window.downloaded("-film.png")) as film:
            origin = json.loads(str(numbers["provenance"]))
            assert origin == json.loads(film.text["provenance"])
        with Image.open(window.downloaded(".gif")) as film:
            assert origin == json.loads(film.info["comment"])
        assert kept_beside_python(window, own) <= ROW_TOLERANCE

        # what is no picture is refused, other networks answer, and all of them beside each other
        window.ask(dropped(b"no", "broken.png", "image/png"))
        assert "not a picture or a video" in window.wait(
            "document.querySelector('.site-fault:not([hidden])')?.innerText"
        )
        choose(window, "Network", 1)
        window.wait(f"{READY} === 'page-3'")
        window.ask("(document.querySelector('[aria-label=\"Compare networks\"]').click(), true)")
        window.wait("document.querySelectorAll('.nlv-pane[data-block]').length === 2")
        window.size(390, 844)
        assert window.wait(WIDTH) <= 390

        # the camera, whose pinned question stays where it is in the last frame
        click(window, "Camera")
        window.wait(f"{FILM} === {FRAMES}")
        assert window.wait(WIDTH) <= 390
        assert window.ask("document.querySelector('.nlv').dataset.pinned") == "true"
        assert window.ask("document.querySelector('.nlv').dataset.cell").startswith(f"{FRAMES - 1},")
        click(window, "Freeze")
        window.wait("[...document.querySelectorAll('button')].some((one) => one.textContent === 'Camera')")

        # the sample again, and the page without its host
        choose(window, "Clip", 0)
        window.wait(f"{FILM} === 1")
        window.ask("navigator.serviceWorker.ready.then(() => true)")
        server.shutdown()
        server.socket.close()
        window.open(address)
        assert window.wait(READY) == "page-1"


def test_firefox_opens_the_frames_of_a_film_that_python_opens(small, tmp_path):
    """It tells no page which frame it shows: the page finds them by the times in the container."""
    film = tmp_path / "own.webm"
    film.write_bytes(stamps(ALL, container="webm", codec="libvpx-vp9"))
    with hosted(small) as (address, _), firefox(tmp_path) as window:
        window.size(1280, 900)
        window.open(address)
        assert window.wait(READY) == "page-1"
        ground, ink = colours(window)
        assert ink < 200 < 600 < ground, "the page is not light"
        window.ask(dropped(film.read_bytes(), film.name, "video/webm"))
        window.wait(f"{FILM} === {FRAMES}")
        window.ask("(document.querySelector('.nlv-field').focus(), true)")
        window.press(ENTER)
        window.wait("document.querySelector('.nlv').dataset.pinned === 'true'")
        click(window, "Numbers (NPZ)")
        assert kept_beside_python(window, film, short_side=SHORT_SIDE) <= FILM_TOLERANCE
