"""Real workers: their rows are those of the session, and a worker or a decoder that is killed costs no clip."""

import os
import signal

import psutil
import pytest
import torch
from PIL import Image

from nonlocal_core import Session, cli
from nonlocal_core.errors import SurveyError
from nonlocal_core.media.selection import Selection
from nonlocal_core.survey import LocalEngine, read_rows, survey
from nonlocal_core.survey.clip_rows import clip_rows
from nonlocal_core.survey.records import as_bytes, as_table

MODELS = ["lite0-gaussian", "lite0-dot-product"]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path):
    """A folder of pictures, one of them in a folder below, one file that is cut short, and one that is hidden."""
    clips = tmp_path / "clips"
    (clips / "below").mkdir(parents=True)
    for place, name in enumerate(["a.png", "below/b.png", "c.png"]):
        Image.radial_gradient("L").rotate(30 * place).resize((90 + place, 70)).convert("RGB").save(clips / name)
    (clips / "cut.png").write_bytes((clips / "a.png").read_bytes()[:20])
    (clips / ".hidden.png").write_bytes((clips / "a.png").read_bytes())
    return clips


def test_rows_of_processes_are_those_of_sessions_though_a_worker_is_killed(folder, tmp_path):
    """The worker is killed at the first clip that is done, with two more in its hands."""
    killed = []

    def kill(pace):
        if not killed:
            workers = [p for p in psutil.Process().children() if any("worker_child" in part for part in p.cmdline())]
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    survey(folder, tmp_path / "out", models=MODELS, short_side=64, engine=LocalEngine(workers=1), progress=kill)
    assert killed
    table = read_rows(tmp_path / "out")
    names = ["a.png", "b.png", "c.png", "cut.png"]
    assert [(row["place"], row["model"]) for row in table.select(["place", "model"]).to_pylist()] == [
        (place, model) for place in range(4) for model in MODELS for _ in range(1 if place == 3 else 2)
    ]
    for place, name in enumerate(names[:3]):
        path = next(folder.rglob(name)).resolve()
        assert table["clip"][4 * place].as_py() == str(path)
        rows = [
            row
            for model in MODELS
            for row in clip_rows(Session.open(path, model, short_side=64), place=place, clip=str(path))
        ]
        assert repr(table.slice(4 * place, 4).to_pylist()) == repr(as_table(as_bytes(rows)).to_pylist())
    reasons = table["reason"].to_pylist()
    assert reasons[:12] == [None] * 12
    assert all("cut.png" in reason for reason in reasons[12:])


def test_the_verb_says_what_failed_and_goes_on_where_it_was(folder, tmp_path, capsys):
    command = ["survey", str(folder), "--model", "lite0-gaussian", "--frames", "1", "--short-side", "64"]
    for _ in range(2):  # the second time there is nothing left to do
        assert cli.main([*command, "--workers", "1", "--out", str(tmp_path / "out")]) == 0
        told = capsys.readouterr().out.splitlines()
        assert told[-1] == f"3 of 4 clips have figures: {tmp_path / 'out'}"
        assert "cut.png: " in told[0]
    assert cli.main([*command, "--start", "1", "--out", str(tmp_path / "out")]) == 2
    assert "begun with other networks or frames" in capsys.readouterr().err


def test_a_network_that_is_none_ends_the_survey_with_its_sentence(folder, tmp_path):
    with pytest.raises(SurveyError, match="There is no model called 'absent'"):
        survey(folder, tmp_path / "out", models=["absent"], frames=Selection(frames=1), engine=LocalEngine(workers=1))
