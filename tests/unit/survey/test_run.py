"""A survey that was killed goes on without a clip lost or done twice, and ends with the very same files."""

import pytest
from survey_engine import Engine, Pool
from survey_folders import CLIPS, COUNT, begin, killed

from nonlocal_core.survey import Pace, ResultFolder, read_rows, survey


def files_of(out):
    return {file.name: file.read_bytes() for file in sorted((out / "rows").iterdir())}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = begin(tmp_path_factory.mktemp("whole") / "out")
    survey(CLIPS, out, models=["m"], engine=Engine())
    return files_of(out)


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


def test_a_survey_that_did_nothing_can_be_begun_otherwise(tmp_path):
    out = begin(tmp_path / "out", models=["mistyped"])
    survey(CLIPS, out, models=["m"], engine=Engine())
    assert ResultFolder(out).plan.models == ("m",)
    assert len(ResultFolder(out).done()) == COUNT
