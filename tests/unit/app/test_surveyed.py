"""The Survey page: what it reads, which clips a link may open, and what it hands over."""

import csv
import io
import os

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from nonlocal_core.app.server import surveyed
from nonlocal_core.app.server.resources import _media_of
from nonlocal_core.app.views.survey import _choices, as_csv
from nonlocal_core.app.widgets import survey_charts
from nonlocal_core.cli import main
from nonlocal_core.errors import MediaError
from nonlocal_core.pin import Pin
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import Asked, Row, Score, as_bytes
from nonlocal_core.survey.result import ResultFolder
from nonlocal_core.vocabulary import FIRST_VISIT, SURVEYED

CLIPS = ("sample:coffee", "/clips/=cmd.mp4", "/clips/gone.mp4")


def rows_of(place):
    if place == 2:
        return [Row(place=2, clip=CLIPS[2], model="lite0-gaussian", reason="gone.mp4 cannot be opened.")]
    asked = (Asked(why="first", frame=1, x=0.25, y=0.75, top=()),)
    common = {"place": place, "clip": CLIPS[place], "name": f"clip {place}", "frame_indices": (0, 5)}
    return [
        Row(
            **common, model=model, block="made", answer=(Score(name="cup", score=0.5),), asked=asked,
            places=10.0 * place + n, entropy=float("nan"),
        )
        for n, model in enumerate(("lite0-gaussian", "lite0-dot-product"))
    ]  # fmt: skip


@pytest.fixture
def survey(tmp_path, monkeypatch):
    folder = ResultFolder.begin(tmp_path / "result", Plan(models=("lite0-gaussian", "lite0-dot-product")), CLIPS)
    for place, clip in enumerate(CLIPS):
        folder.keep(Job(place, clip), as_bytes(rows_of(place)))
    monkeypatch.setenv(SURVEYED, str(folder.path))
    surveyed.folder.cache_clear()
    yield folder
    surveyed.folder.cache_clear()


def page():
    def draw():
        from nonlocal_core.app.views import survey

        survey.draw()

    return AppTest.from_function(draw, default_timeout=30)


def test_the_page_shows_a_figure_its_clips_and_those_that_failed(survey):
    shown = page().run()
    assert not shown.exception
    shown.selectbox(key="survey-figure").select("places").run()
    assert shown.dataframe[0].value["Places looked at"].tolist() == [10.0, 0.0], "largest first"
    assert shown.dataframe[1].value["reason"].tolist() == ["gone.mp4 cannot be opened."]
    shown.selectbox(key="survey-other").select(("lite0-dot-product", "made")).run()
    assert not shown.exception
    assert shown.dataframe[0].value["difference"].tolist() == [1.0, 1.0]
    shown.selectbox(key="survey-figure").select("entropy").run()
    assert not shown.exception, "no clip has it"


def test_a_link_opens_clips_of_the_survey_alone(survey, monkeypatch):
    assert _media_of("survey:0") == ("sample:coffee", None)
    assert str(_media_of("survey:1")[0]) == CLIPS[1]
    for place in ("3", "-1", "1.0", "../../etc/passwd", "9" * 400):
        with pytest.raises(MediaError, match="has no clip"):
            _media_of(f"survey:{place}")
    monkeypatch.delenv(SURVEYED)
    with pytest.raises(MediaError, match="has no clip"):
        _media_of("survey:0")


def test_a_clip_opens_with_its_frames_and_its_first_question(survey):
    waiting = surveyed.folder().of_clip(7, ["clip"])
    assert (waiting.num_rows, waiting.column_names) == (0, ["clip"])
    row = surveyed.row_of(1, "lite0-dot-product", "made", ["place", "asked", "frame_indices"])
    opened = _choices(row, row)
    assert (opened.clip, opened.model, opened.frame_indices) == ("survey:1", "lite0-dot-product", (0, 5))
    assert opened.pin == Pin(frame=1, x=0.25, y=0.75, block="made")


def test_a_selection_is_a_csv_of_file_paths_without_formulas(survey):
    rows = [{**row, "clip": f"={row['clip']}"} for row in surveyed.rows(None) if row["reason"] is None]
    read = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert [line["filepath"] for line in read[::2]] == ["'=sample:coffee", "'=/clips/=cmd.mp4"]
    assert [float(line["places"]) for line in read] == [0.0, 1.0, 10.0, 11.0]


def test_bars_hold_every_value_and_select_what_lies_in_them():
    values = [0.0, 1.0, 2.0, 2.0, 24.0]
    edges = survey_charts.edges_of(values)
    figure = survey_charts.histogram(values, edges, "places")
    assert figure.data[0].y.tolist()[:3] == [1, 1, 2]
    assert sum(figure.data[0].y) == len(values)
    assert survey_charts.within(values, edges, [2, 23]) == [2, 3, 4]
    assert survey_charts.within(values, edges, None) == [0, 1, 2, 3, 4]
    assert survey_charts.within(values, edges, []) == [], "a box round no bar holds no row"
    assert np.diff(survey_charts.edges_of([3.0, 3.0])).min() > 0


def test_the_server_is_told_which_survey_it_shows(survey, tmp_path, monkeypatch):
    started = []
    monkeypatch.setenv(FIRST_VISIT, "{}")
    monkeypatch.setattr("runpy.run_module", lambda name, **_: started.append(name))
    monkeypatch.chdir(survey.path.parent)
    monkeypatch.setenv(SURVEYED, "")
    monkeypatch.setattr("sys.argv", [])
    assert main(["open", "--survey", "result", "--no-browser"]) == 0
    assert os.environ[SURVEYED] == str(survey.path)
    assert main(["open", "--survey", str(tmp_path)]) == 2, "a folder without a survey is a sentence"
    assert started == ["streamlit"]
