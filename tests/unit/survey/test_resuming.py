"""A survey that was killed goes on without a clip lost or done twice, and ends with the very same files."""

import subprocess
import sys
from pathlib import Path

import pytest
import survey_engine
from survey_engine import SHARD, Engine, Pool

from nonlocal_core import SelectionError
from nonlocal_core.errors import SurveyError
from nonlocal_core.survey import Pace, ResultFolder, read_rows, survey
from nonlocal_core.survey.plan import Plan

COUNT = 11
CLIPS = [f"clip {place}" for place in range(COUNT)]


def begin(out, clips=CLIPS, models=("m",), **choice):
    ResultFolder.begin(out, Plan(models=tuple(models), **choice), clips, shard=SHARD)
    return out


def files_of(out):
    return {file.name: file.read_bytes() for file in sorted((out / "rows").iterdir())}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = begin(tmp_path_factory.mktemp("whole") / "out")
    survey(CLIPS, out, models=["m"], engine=Engine())
    return files_of(out)


def killed(out, where, after):
    """Run in a process of its own that ends there; return its status."""
    command = [sys.executable, survey_engine.__file__, str(out), str(COUNT), where, str(after)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_three_kills_lose_nothing_and_do_nothing_twice(tmp_path, uninterrupted):
    out = begin(tmp_path / "out")
    for where, after in (("in a clip", 3), ("in a file", 5), ("behind a file", 2)):
        before = ResultFolder(out).done()
        assert killed(out, where, after) == 9
        assert before < ResultFolder(out).done() < set(range(COUNT))
    done, pool = ResultFolder(out).done(), Pool()
    survey(CLIPS, out, models=["m"], engine=Engine(pool))
    assert sorted(pool.asked) == sorted(set(range(COUNT)) - done)
    assert files_of(out) == uninterrupted
    assert list((out / "unfinished").iterdir()) == []


def test_a_kill_between_a_clip_and_its_file(tmp_path, uninterrupted):
    out = begin(tmp_path / "out")
    assert killed(out, "behind a clip", 9) == 9
    survey(CLIPS, out, models=["m"], engine=Engine())
    assert files_of(out) == uninterrupted


def test_rows_are_in_the_order_of_the_list_and_reasons_stand_among_them(tmp_path):
    out = begin(tmp_path / "out")
    paces = []
    survey(CLIPS, out, models=["m"], engine=Engine(), progress=paces.append)
    table = read_rows(out, ["place", "block", "reason"]).to_pylist()
    assert [row["place"] for row in table] == sorted(row["place"] for row in table)
    assert {row["place"] for row in table} == set(range(COUNT))
    assert {row["place"] for row in table if row["reason"]} == {2, 5, 8}
    assert [pace.done for pace in paces] == list(range(1, COUNT + 1))
    assert paces[-1].failed == 3
    assert paces[-1].seconds_left == 0
    assert Pace(done=7, count=1007, here=4, seconds=8.0, failed=2).sentence == (
        "7 of 1,007 clips, 0.50 a second, 33 min 20 s left, 2 rows without figures"
    )


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


def test_a_survey_that_did_nothing_can_be_begun_otherwise(tmp_path):
    out = begin(tmp_path / "out", models=["mistyped"])
    survey(CLIPS, out, models=["m"], engine=Engine())
    assert ResultFolder(out).plan.models == ("m",)
    assert len(ResultFolder(out).done()) == COUNT


def test_a_folder_of_another_format_is_refused(tmp_path):
    out = begin(tmp_path / "out")
    about = Path(out / "survey.json")
    about.write_text(about.read_text().replace('"format": 1', '"format": 7'))
    with pytest.raises(SurveyError, match="format 7"):
        read_rows(out)
