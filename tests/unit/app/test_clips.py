"""Frames are read once for all networks that are shown them, and let go with the last."""

import gc
import io
import subprocess
import sys
import threading

from PIL import Image

from nonlocal_core import Selection, find_sample
from nonlocal_core.app.server import clips
from nonlocal_core.app.server.clips import FrameMemory, read_first_clip
from nonlocal_core.app.server.resources import first_session, open_clip
from nonlocal_core.app.server.visit import Choices


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
