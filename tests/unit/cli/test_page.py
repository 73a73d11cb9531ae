"""``page`` writes the networks and clips that are named, the usual ones where none is, and pins a question."""

import pytest

from nonlocal_core.cli import OK, REFUSED, main, page
from nonlocal_core.pin import Pin
from nonlocal_core.site.networks import page_networks
from nonlocal_core.site.writing import SAMPLES


@pytest.fixture
def asked(monkeypatch):
    """What is asked to be written."""
    found = []

    def write(out, *, models, clips, runtime, progress):
        found.append((models, clips, runtime))
        return out / "index.html"

    monkeypatch.setattr(page, "write_site", write)
    return found


@pytest.fixture
def opened(session, monkeypatch):
    """What is opened, as a clip of two small frames."""
    found = []

    def open_it(clip, model, **_more):
        found.append((clip, model))
        return session

    monkeypatch.setattr(page.Session, "open", open_it)
    return found


def test_all_networks_and_the_usual_samples(asked, tmp_path, capsys):
    assert main(["page", "--out", str(tmp_path)]) == OK
    assert asked == [(page_networks(), [f"sample:{name}" for name in SAMPLES], None)]
    assert capsys.readouterr().out == f"{tmp_path / 'index.html'}\n"


def test_a_question_is_pinned_on_the_first_clip(asked, opened, session, tmp_path):
    named = ["--model", "lite0-gaussian", "--clip", "sample:coins", "--clip", "b.mp4", "--runtime", str(tmp_path)]
    assert main(["page", "--out", str(tmp_path), *named, "--at", "0,0.25,0.5", "--block", "stride16"]) == OK
    ((models, (first, second), runtime),) = asked
    assert (models, second, runtime) == (("lite0-gaussian",), "b.mp4", tmp_path)
    assert opened == [("sample:coins", "lite0-gaussian")]
    assert (first.session, first.pin) == (session, Pin(frame=0, x=0.25, y=0.5, block="stride16"))


def test_a_question_that_cannot_be_asked_writes_nothing(asked, opened, tmp_path, capsys):
    assert main(["page", "--out", str(tmp_path), "--clip", "sample:coins", "--at", "5,0.5,0.5"]) == REFUSED
    assert "Frame 5" in capsys.readouterr().err
    assert asked == []
