"""The folder of a survey: read before the end, refused where it is another one."""

from pathlib import Path

import pytest
from survey_engine import Engine
from survey_folders import CLIPS, begin, killed

from nonlocal_core import SelectionError
from nonlocal_core.errors import SurveyError
from nonlocal_core.survey import ResultFolder, read_rows, survey


def test_rows_can_be_read_before_the_end(tmp_path):
    out = begin(tmp_path / "out")
    assert killed(out, "in a clip", 6) == 9
    assert len(set(read_rows(out, ["place"])["place"].to_pylist())) == len(ResultFolder(out).done()) == 5


def test_another_survey_is_not_written_into_the_same_folder(tmp_path):
    out = begin(tmp_path / "out")
    ResultFolder(out).keep(next(ResultFolder(out).left()), None, "It failed.")
    with pytest.raises(SurveyError, match="begun with other networks"):
        survey(CLIPS, out, models=["n"], engine=Engine())
    with pytest.raises(SurveyError, match="begun with other clips"):
        survey(CLIPS[1:], out, models=["m"], engine=Engine())
    with pytest.raises(SurveyError, match="Another survey is writing"), ResultFolder(out).writing():
        survey(CLIPS, out, models=["m"], engine=Engine())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(SurveyError, match="holds no survey"):
        survey(CLIPS, tmp_path / "mine", engine=Engine())
    with pytest.raises(SurveyError, match="different networks"):
        survey(CLIPS, tmp_path / "new", models=["m", "m"], engine=Engine())
    with pytest.raises(SelectionError):
        survey(CLIPS, tmp_path / "new", frames=0, engine=Engine())


def test_a_folder_of_another_format_is_refused(tmp_path):
    out = begin(tmp_path / "out")
    about = Path(out / "survey.json")
    about.write_text(about.read_text().replace('"format": 2', '"format": 7'))
    with pytest.raises(SurveyError, match="format 7"):
        read_rows(out)
