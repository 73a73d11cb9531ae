"""The button that keeps an answer, in Streamlit's own harness: made once, cancelled at once, named harmlessly."""

import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from nonlocal_core import Pin, Question, RenderError, TourStop
from nonlocal_core.app.widgets import keep
from nonlocal_core.site.runtime import ENVIRONMENT

PATIENCE_SECONDS = 30


class SlowSession:
    """Writes a file in steps, each when it is let."""

    def __init__(self):
        self.frames = SimpleNamespace(info=SimpleNamespace(name="<b>clip</b>.mp4"))
        self.model, self.sample = SimpleNamespace(card=SimpleNamespace(id="lite0-gaussian")), None
        self.go, self.asked, self.target, self.refusal = threading.Semaphore(0), [], None, None

    def save(self, path, *, progress, **asked):
        self.target, self.asked = Path(path), [*self.asked, asked]
        with self.target.open("wb") as file:
            for step in range(4):
                file.write(b"piece ")
                file.flush()
                while not self.go.acquire(timeout=0.02):
                    progress("Drawing frames", step, 4)
        if self.refusal:
            raise self.refusal
        return self.target

    def asked_for(self, count):
        """Wait until it was asked so often, and return what it was asked for last."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.asked) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.asked) == count
        return self.asked[-1]

    def finish(self):
        """Let it write, and wait until it has."""
        for _ in range(4):
            self.go.release()
        for thread in threading.enumerate():
            if thread.name == "keep":
                thread.join(PATIENCE_SECONDS)


def page(session):
    import streamlit as st

    from nonlocal_core.app.server.visit import Pin
    from nonlocal_core.app.widgets import keep

    keep.offer(session, Pin(frame=2, x=0.25, y=0.5, block="stride16"), st.session_state.get("tour"))


@pytest.fixture
def session():
    slow = SlowSession()
    yield slow
    slow.finish()


@pytest.fixture
def app(session):
    return AppTest.from_function(page, args=(session,), default_timeout=PATIENCE_SECONDS).run()


def button(app, key):
    return next((found for found in app.button if found.key == key), None)


def downloads(app):
    return [found.proto for found in app.get("download_button")]


def test_a_file_is_made_in_the_background_and_offered(app, session):
    app.selectbox[0].select(keep.FORMATS[5]).run()
    button(app, "keep-make").click().run()
    assert button(app, "keep-make") is None
    assert button(app, "keep-cancel") is not None
    assert downloads(app) == []
    session.finish()
    app.run()
    (offered,) = downloads(app)
    assert offered.label == "Download, 0.1 kB"
    assert session.asked == [
        asdict(Pin(frame=2, x=0.25, y=0.5, block="stride16")) | {"tour": None, "precision": "float16"}
    ]
    assert session.target.suffix == ".mp4"
    assert not session.target.parent.exists(), "the file on the disk is gone; the browser gets the bytes"


def test_cancelling_ends_the_work_and_leaves_nothing(app, session):
    button(app, "keep-make").click().run()
    session.go.release()
    button(app, "keep-cancel").click().run()
    assert button(app, "keep-make") is not None
    assert downloads(app) == []
    assert not session.target.parent.exists()
    assert not [thread for thread in threading.enumerate() if thread.name == "keep"]


def test_another_format_is_another_file(app, session):
    button(app, "keep-make").click().run()
    session.finish()
    app.run()
    assert len(downloads(app)) == 1
    app.selectbox[0].select(keep.FORMATS[1]).run()
    assert downloads(app) == []
    button(app, "keep-make").click().run()
    assert session.asked_for(2)["precision"] == "int8"
    session.finish()
    app.run()
    assert len(downloads(app)) == 1


def test_another_tour_is_another_live_page_and_the_same_figure(app, session):
    button(app, "keep-make").click().run()
    session.finish()
    app.run()
    app.session_state["tour"] = stops = (TourStop(question=Question(frame=1, x=0.5, y=0.5), caption="Here."),)
    app.run()
    assert downloads(app) == []
    button(app, "keep-make").click().run()
    assert session.asked_for(2)["tour"] == stops
    app.selectbox[0].select(keep.FORMATS[2]).run()
    button(app, "keep-make").click().run()
    assert session.asked_for(3)["tour"] is None
    session.finish()
    app.run()
    app.session_state["tour"] = ()
    app.run()
    assert len(downloads(app)) == 1


def test_a_refusal_is_shown_as_its_sentence(app, session):
    session.refusal = RenderError("Times must increase from picture to picture.")
    button(app, "keep-make").click().run()
    session.finish()
    app.run()
    (said,) = (element.proto.body for element in app.get("html") if "role='alert'" in element.proto.body)
    assert ">Times must increase from picture to picture.<" in said
    assert downloads(app) == []


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ("<img src=x onerror=alert(1)>.mp4", "img-src-x-onerror-alert-1-frame-3.png"),
        ("../../etc/passwd", "passwd-frame-3.png"),
        ("holiday in Überlingen.mov", "holiday-in-Überlingen-frame-3.png"),
        ("日本.webm", "日本-frame-3.png"),
        (".mp4", "mp4-frame-3.png"),
        ("???.mp4", "clip-frame-3.png"),
        ("a\u202egpj.exe\x00\n.mp4", "a-gpj.exe-frame-3.png"),
        ("x" * 300 + ".mp4", "x" * 60 + "-frame-3.png"),
        ("CON", "CON-frame-3.png"),
    ],
)
def test_a_file_name_is_harmless_on_any_system(clip, expected):
    assert keep.file_name(clip, 2, ".png") == expected


def test_a_page_without_a_server_is_offered_where_its_engine_is(monkeypatch, tmp_path):
    def offered(session):
        app = AppTest.from_function(page, args=(session,)).run()
        return "Page without a server (ZIP)" in app.selectbox[0].options, [caption.value for caption in app.caption]

    session = SlowSession()
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    is_there, captions = offered(session)
    assert not is_there
    assert any(
        "`nonlocal-viewer page --model lite0-gaussian --clip FILE --at 2,0.250,0.500" in said for said in captions
    )
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert offered(session)[0]
    session.model.card.id = "i3d-nl-r50"
    is_there, captions = offered(session)
    assert not is_there
    assert any("this one needs Python" in said for said in captions)


def test_a_page_without_a_server_is_packed_and_not_saved_as_an_answer(session, monkeypatch, tmp_path):
    """Streamlit gives back a copy of what was chosen, of which identity says nothing."""
    packed = []

    def zip_page(path, opened, pin, tour, tell):
        packed.append((opened, pin, tour))
        path.write_bytes(b"PK")

    monkeypatch.setattr(keep, "runtime_at_hand", lambda: tmp_path)
    monkeypatch.setattr(keep, "_zip", zip_page)
    app = AppTest.from_function(page, args=(session,), default_timeout=PATIENCE_SECONDS).run()
    app.selectbox[0].select(keep.WITHOUT_SERVER).run()
    button(app, "keep-make").click().run()
    session.finish()
    app.run()
    assert [offered.label for offered in downloads(app)] == ["Download, 0.1 kB"]
    assert packed == [(session, Pin(frame=2, x=0.25, y=0.5, block="stride16"), None)]
