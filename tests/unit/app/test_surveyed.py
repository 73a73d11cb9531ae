"""The Survey page: what it reads, which clips a link may open, and what it hands over."""

import csv
import io
import math
import os

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from nonlocal_core.app.server import surveyed
from nonlocal_core.app.server.resources import _media_of
from nonlocal_core.app.views.survey import _choices, as_csv
from nonlocal_core.app.widgets import survey_answers, survey_charts
from nonlocal_core.cli import main
from nonlocal_core.errors import MediaError
from nonlocal_core.pin import Pin
from nonlocal_core.survey.keys import KEYS, Asks, ClipKeys
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import SCHEMA, Asked, Row, Score, as_bytes
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


def test_rows_are_read_again_after_a_clip_was_done_alone(survey, monkeypatch):
    read, tables = [], ResultFolder.tables
    monkeypatch.setattr(ResultFolder, "tables", lambda *given: read.append(1) or tables(*given))
    first = surveyed.rows(["place"])
    assert surveyed.rows(["place"]) is first
    assert (len(first), len(read)) == (5, 1)
    (survey.path / "unfinished" / "00000002.arrow").unlink(missing_ok=True)
    (survey.path / "rows" / "000000.parquet").unlink()
    survey.keep(Job(0, CLIPS[0]), as_bytes(rows_of(0)))
    assert [row["place"] for row in surveyed.rows(["place"])] == [0, 0]


def kept_keys(place):
    """Keys of two cells in one frame: clip 0 asks for the right one, clip 1 for the left one."""
    strip = io.BytesIO()
    Image.new("RGB", (120, 40), "green").save(strip, "JPEG")
    theta = np.float32([1, -1] if place == 0 else [-1, 1]).tobytes()
    asks = tuple(Asks(frame=1, x=0.25, y=0.75, theta=theta) for _ in range(5))
    phi = np.float16([[0, 1], [1, 0]])
    return ClipKeys(
        place=place, clip=CLIPS[place], model="lite0-gaussian", name=f"clip [{place}]", sha256=str(place), block="made",
        pairwise="gaussian", scale=1.0, steps=1, rows=1, cols=2, frame_spans=((0, 2),), box=(0.0, 0.0, 1.0, 1.0),
        phi=phi.tobytes(), codes=b"", asks=asks, frames=2, strip=strip.getvalue(),
    )  # fmt: skip


def test_a_question_of_a_clip_is_asked_in_the_others(survey, monkeypatch):
    (survey.path / "keys").mkdir()
    for place in (0, 1):
        (survey.path / "keys" / f"0000000{place}.arrow").write_bytes(as_bytes([kept_keys(place)], KEYS))
    monkeypatch.setattr("nonlocal_core.survey.other_clips.coarse_scores", lambda thetas, codes: np.zeros(1, np.float32))
    count, (clip,) = surveyed.in_other_clips(0, "lite0-gaussian", 0)
    assert (count, clip.place, clip.frame, clip.x, clip.y) == (1, 1, 0, 0.75, 0.5)
    assert (clip.score, clip.weight) == pytest.approx((1, 1 / (1 + math.exp(-2))))
    picture = survey_answers.still(1, "lite0-gaussian", (0, 0.75, 0.5))
    assert picture.size == (60, 40)
    ringed = np.argwhere(np.asarray(picture).min(axis=2) > 250)
    assert ringed.mean(axis=0) == pytest.approx((20, 45), abs=1)

    def drawn():
        from nonlocal_core.app.widgets import survey_answers

        survey_answers.draw({"place": 0, "model": "lite0-gaussian", "block": "made"}, 64)

    shown = AppTest.from_function(drawn, default_timeout=30).run()
    shown.toggle(key="survey-elsewhere").set_value(True).run()
    assert not shown.exception
    said = [caption.value for caption in shown.caption]
    assert said[-1] == r"1\. clip \[1\], frame 1: score 1, 1.76 × an even share"
    monkeypatch.setattr(surveyed, "questions_of", lambda place, model: ("other", []))
    other = AppTest.from_function(drawn, default_timeout=30).run()
    assert not other.exception
    assert not other.toggle


def test_a_selection_is_a_csv_of_file_paths_without_formulas(survey):
    rows = [{**row, "clip": f"={row['clip']}"} for row in surveyed.rows(SCHEMA.names) if row["reason"] is None]
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
