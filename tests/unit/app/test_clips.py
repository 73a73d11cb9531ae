"""Frames are read once for all networks that are shown them, and let go with the last."""

import gc
import io
import subprocess
import sys

from PIL import Image

from nonlocal_core import Limits, Selection, Session
from nonlocal_core.app.server.clips import FIRST_CLIP, FRAMES, FrameMemory, read_first_clip


def picture():
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(file, "PNG")
    return file.getvalue()


WITHOUT_TORCH = """
import sys
from nonlocal_core.app.server.clips import read_first_clip
assert len(read_first_clip().rgb) == 8
assert "torch" not in sys.modules, "reading the first clip imported torch"
"""


def test_the_same_question_gets_the_same_frames_while_somebody_holds_them():
    memory = FrameMemory()
    first = memory.read(picture(), Selection(), name="a", limits=Limits())
    assert memory.read(picture(), Selection(), name="a", limits=Limits()) is first
    assert memory.read(picture(), Selection(), name="b", limits=Limits()).info.name == "b"
    assert memory.read(picture(), Selection(frames=1), name="a", limits=Limits()) is not first


def test_nothing_is_held_for_nobody():
    memory = FrameMemory()
    memory.read(picture(), Selection(), name=None, limits=Limits())
    gc.collect()
    assert not list(memory._held.items())


def test_the_first_clip_is_read_as_its_session_asks_for_it():
    frames = read_first_clip()
    assert Session.open(FIRST_CLIP, reader=FRAMES.read).frames is frames


def test_the_first_clip_is_read_without_torch():
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], check=True, timeout=120)
