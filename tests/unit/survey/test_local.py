"""Real workers: their rows are those of the session, and a worker or a decoder that is killed costs no clip."""

import os
import signal

import psutil
import pytest
from survey_folders import write_pictures

from nonlocal_core import Session
from nonlocal_core.errors import SurveyError
from nonlocal_core.media.selection import Selection
from nonlocal_core.survey import LocalEngine, read_rows, survey
from nonlocal_core.survey.clip_rows import clip_rows
from nonlocal_core.survey.records import as_bytes, as_table

MODELS = ["lite0-gaussian", "lite0-dot-product"]


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "clips")


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


def test_a_network_that_is_none_ends_the_survey_with_its_sentence(folder, tmp_path):
    with pytest.raises(SurveyError, match="There is no model called 'absent'"):
        survey(folder, tmp_path / "out", models=["absent"], frames=Selection(frames=1), engine=LocalEngine(workers=1))
