"""Frames are read once for all networks that are shown them, and let go with the last."""

import gc
import io
import subprocess
import sys
import threading

from PIL import Image

from nonlocal_core import Selection, find_sample
from nonlocal_core.app.server import clips
from nonlocal_core.app.server.budget import Budget
from nonlocal_core.app.server.byte_store import UPLOADS
from nonlocal_core.app.server.clips import FrameMemory, read_first_clip
from nonlocal_core.app.server.resources import first_session, open_clip
from nonlocal_core.app.server.visit import Choices
from nonlocal_core.media.intake import choice_for
from nonlocal_core.running.prepared import trained_on


def picture():
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(file, "PNG")
    return file.getvalue()


WITHOUT_TORCH = """
import sys
from nonlocal_core.app.server import clips
from nonlocal_core.app.server.clips import read_first_clip
assert len(read_first_clip().rgb) == 8
assert "torch" not in sys.modules, "reading the first clip imported torch"
"""


def test_the_same_question_gets_the_same_frames_while_somebody_holds_them():
    memory = FrameMemory()
    first = memory.read(picture(), Selection(), name="a")
    assert memory.read(picture(), Selection(), name="a") is first
    assert memory.read(picture(), Selection(), name="b").info.name == "b"
    assert memory.read(picture(), Selection(frames=1), name="a") is not first


def test_a_file_that_somebody_brought_is_decoded_in_another_process(monkeypatch):
    def never(*_, **__):
        raise AssertionError("it was decoded here")

    monkeypatch.setattr(clips, "read_frames", never)
    assert FrameMemory().read(picture(), Selection()).rgb.shape == (1, 6, 8, 3)


def test_nobody_waits_while_the_file_of_another_is_read():
    memory, answers = FrameMemory(), []

    def meanwhile(_stage, _done, _total):
        if not answers:
            answers.append(None)
            beside = threading.Thread(target=lambda: answers.append(memory.read(picture(), Selection(), name="b")))
            beside.start()
            beside.join(timeout=60)

    memory.read(picture(), Selection(), name="a", progress=meanwhile)
    assert len(answers) == 2


def test_nothing_is_held_for_nobody():
    memory = FrameMemory()
    memory.read(picture(), Selection())
    gc.collect()
    assert not list(memory._held.items())


def test_what_was_read_ahead_is_held_in_the_budget_until_it_is_asked_for(monkeypatch):
    held = Budget(10_000)
    monkeypatch.setattr(clips, "HELD", held)
    memory = FrameMemory()
    memory.read_ahead(picture(), Selection(), name="a")
    gc.collect()
    (waiting,) = memory._held.values()
    assert held.held_bytes == waiting.rgb.nbytes == 6 * 8 * 3
    monkeypatch.setattr(clips, "read", None)  # nothing is read a second time
    assert memory.read(picture(), Selection(), name="a") is waiting
    assert held.held_bytes == 0


def test_a_page_asks_for_the_frames_that_were_read_ahead(monkeypatch):
    memory, token = FrameMemory(), UPLOADS.put(picture(), "mine.png")
    monkeypatch.setattr(clips, "FRAMES", memory)
    memory.read_ahead(picture(), choice_for(picture(), None, trained_on("lite0-gaussian")), name="mine.png")
    (waiting,) = memory._held.values()
    choices = Choices(clip=f"upload:{token}", model="lite0-gaussian", short_side=64)
    assert open_clip(choices, lambda *_: None).session.frames.rgb is waiting.rgb


def test_the_first_clip_is_read_as_its_session_asks_for_it():
    frames = read_first_clip()
    assert first_session().frames is frames
    assert first_session().sample.id == "bunny"


def test_networks_that_ask_for_the_same_frames_share_them():
    first, second = (
        open_clip(Choices(clip="sample:composed", model=model, frames=2, short_side=64), lambda *_: None)
        for model in ("lite0-gaussian", "lite0-dot-product")
    )
    assert first.session.frames is second.session.frames
    assert first.session.bundle() != second.session.bundle()
    assert first.session.sample.tour == second.session.sample.tour == find_sample("composed").tour


def test_the_first_clip_is_read_without_torch():
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], check=True, timeout=120)
