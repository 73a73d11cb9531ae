"""``learn`` writes the steps that are named, all of them where none is, and prints path and size."""

import pytest

from nonlocal_core import Selection
from nonlocal_core.cli import OK, learn, main
from nonlocal_core.course.stages import step_ids
from nonlocal_core.course.writing import OnClip


@pytest.mark.parametrize("steps", [(), ("embedded", "local")])
def test_the_steps_of_the_course(monkeypatch, capsys, tmp_path, steps):
    clips, written = [], []

    def on_clip(*given):
        clips.append(given)
        return OnClip(*given)

    def write(path, opened, ids, *, progress):
        written.append(tuple(ids))
        path.write_bytes(bytes(1_260_000))
        return path

    monkeypatch.setattr(learn, "OnClip", on_clip)
    monkeypatch.setattr(learn, "write_course", write)
    named = [word for step in steps for word in ("--step", step)]
    assert main(["learn", "sample:coins", *named, "--frames", "3", "--out", str(tmp_path / "a.html")]) == OK
    assert clips == [("sample:coins", Selection(frames=3), "auto")]
    assert written == [steps or tuple(step_ids())]
    assert capsys.readouterr().out == f"{tmp_path / 'a.html'}, 1.3 MB\n"
