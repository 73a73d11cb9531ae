"""The gallery's files hold the figures of the survey's rows; what cannot be shown has no picture and no link."""

import json
import math
import re

import pytest
from survey_engine import row_of
from survey_folders import CLIPS, begin, shown_row

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey import ResultFolder
from nonlocal_core.survey.gallery import TITLES, gallery
from nonlocal_core.survey.plan import Job
from nonlocal_core.survey.records import FIGURES, as_bytes


def data_of(page):
    """What the page's script reads."""
    return json.loads(re.search(r'<script type="application/json" id="survey">(.*)</script>\n', page)[1])


def test_rows_become_columns_and_reasons_stand_once(tmp_path):
    folder = ResultFolder(begin(tmp_path / "result"))
    figures = {0: {"places": 3.5, "entropy": math.inf}, 1: {"places": None}}
    for place, found in figures.items():
        folder.keep(Job(place, CLIPS[place]), as_bytes([shown_row(place, **found)]))
    for place in (2, 5):
        folder.keep(Job(place, CLIPS[place]), row_of(Job(place, CLIPS[place])))
    data = data_of(gallery(folder.path, tmp_path / "site", viewers=0).read_text())
    rows = data["rows"]
    assert (rows["clip"], rows["name"]) == (CLIPS[:2], ["name 0", "name 1"])
    assert (rows["places"], rows["entropy"]) == ([3.5, None], [None, None])
    assert [(tmp_path / "site" / picture).read_bytes() for picture in rows["picture"]] == [b"0", b"1"]
    assert rows["viewer"] == ["", ""]
    assert data["failed"] == [[CLIPS[place], f"{CLIPS[place]} is broken."] for place in (2, 5)]


def test_a_survey_without_figures_has_no_gallery(tmp_path):
    folder = ResultFolder(begin(tmp_path / "result"))
    folder.keep(Job(2, CLIPS[2]), row_of(Job(2, CLIPS[2])))
    with pytest.raises(SurveyError, match=r"No clip of .* has figures yet"):
        gallery(folder.path, tmp_path / "site")


def test_every_figure_has_a_title():
    assert tuple(TITLES) == FIGURES
