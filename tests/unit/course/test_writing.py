"""The course in one file: each bundle once, inert data, errors before anything is written."""

import base64
import json
import re

import pytest
from loud_networks import clip

from nonlocal_core import Selection, SelectionError, UnknownNameError
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.cli import main
from nonlocal_core.course.writing import OnClip, write_course


def silent(stage, done, total):
    assert done <= total


def elements(path):
    """The data of a file, and its bundles."""
    text = path.read_text()
    course = json.loads(re.search(r'id="course">(.*?)</script>', text)[1])
    bundles = [base64.b64decode(each) for each in re.findall(r'id="bundle-\d+">(.*?)</script>', text)]
    return text, course, bundles


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("course") / "course.html"
    on_clip = OnClip(clip(), Selection(frames=2), "cpu")
    opened = []

    def keep(step):
        opened.append(on_clip.open(step))
        return opened[-1]

    assert write_course(path, keep, ("subsampling", "embedded", "findings"), progress=silent) == path
    assert all(session.frames is opened[0].frames for session in opened), "read once"
    return elements(path)


def test_a_bundle_stands_once_however_many_steps_show_it(written):
    _, course, bundles = written
    assert [step["bundle"] for step in course["steps"]] == [0, 1, 1]
    opened = [decode_bundle(each) for each in bundles]
    assert [block.capture.name for block in opened[0].blocks] == ["pooled", "stride16"]
    assert [block.capture.name for block in opened[1].blocks] == ["stride16"]
    assert [step["block"] for step in course["steps"]] == ["pooled", "stride16", "stride16"]


def test_each_step_has_its_words_facts_and_origin(written):
    text, course, _ = written
    first, second, third = course["steps"]
    assert [fact["kind"] for fact in first["facts"]] == ["table", "said", "said"]
    assert len({each["id"] for each in second["guesses"]}) == 6
    assert first["guesses"] == third["guesses"] == []
    assert third["lesson"]["attempt"] == "Read a claim that did not hold, and its reason."
    provenance = json.loads(re.search(r'id="provenance">(.*?)</script>', text, re.DOTALL)[1])
    assert [step["step"] for step in provenance["steps"]] == ["subsampling", "embedded", "findings"]
    assert provenance["steps"][1]["model"] == "lite0-embedded-gaussian"
    assert provenance["versions"]["torch"]


def test_without_a_step_or_with_an_unknown_one_nothing_is_written(tmp_path):
    path = tmp_path / "course.html"
    with pytest.raises(SelectionError, match="at least one step"):
        write_course(path, OnClip(clip()).open, (), progress=silent)
    with pytest.raises(UnknownNameError, match="no step called"):
        write_course(path, OnClip(clip()).open, ("absent",), progress=silent)

    def leave(stage, done, total):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        write_course(path, OnClip(clip()).open, ("local",), progress=leave)
    assert list(tmp_path.iterdir()) == []


def test_the_shell_writes_a_step(tmp_path, capsys):
    (tmp_path / "clip.png").write_bytes(clip())
    path = tmp_path / "step.html"
    assert main(["learn", str(tmp_path / "clip.png"), "--step", "local", "--frames", "1", "--out", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{path}, ")
    _, course, _ = elements(path)
    assert [step["lesson"]["id"] for step in course["steps"]] == ["local"]
