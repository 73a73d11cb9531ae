"""The dialog of clips reads a file that somebody brought once, whatever else is pressed in it."""

from types import SimpleNamespace

from nonlocal_core import MediaError
from nonlocal_core.app.server import memory
from nonlocal_core.app.server.visit import Choices
from nonlocal_core.app.widgets import gallery


def chosen(number: str) -> SimpleNamespace:
    return SimpleNamespace(file_id=number, name="clip.mp4", getvalue=lambda: b"no clip")


def test_a_file_that_was_refused_is_not_read_again(monkeypatch):
    read, said, told, state = [], [], [], {}

    def refuse(_content, _chosen, *, name, progress):
        read.append(name)
        progress("Reading frames", 0, 1)
        raise MediaError("It is damaged.")

    slot = SimpleNamespace(progress=lambda _part, *, text: told.append(text), empty=lambda: None)
    monkeypatch.setattr(memory, "st", SimpleNamespace(session_state=state, empty=lambda: slot))
    monkeypatch.setattr(gallery.visit, "current", lambda: Choices(clip="sample:bunny"))
    monkeypatch.setattr(gallery.FRAMES, "read_ahead", refuse)
    monkeypatch.setattr(gallery.unmarked, "failure", lambda error: said.append(str(error)))
    for number in ("1", "1", "1", "2", "2"):
        gallery._open_upload(chosen(number))
    assert len(read) == 2, "once for each file that was brought"
    assert said == ["It is damaged."] * 5
    assert told == ["Reading the file", "Reading frames"] * 2
