"""The loop over workers: every clip is given once, and those of a worker that ended again, each by itself."""

import pytest
from survey_engine import Pool, row_of

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.plan import Job
from nonlocal_core.survey.pool import MOST_DEATHS, measured

JOBS = [Job(place, f"clip {place}") for place in range(9)]


def test_every_clip_comes_once_with_its_own_rows():
    pool = Pool(workers=3)
    found = list(measured(pool, JOBS, len(JOBS)))
    assert sorted(finished.job.place for finished in found) == list(range(9))
    assert all(finished.content == row_of(finished.job) for finished in found)
    assert sorted(pool.asked) == list(range(9))


def test_the_clip_that_ends_workers_is_named_and_its_neighbours_have_rows():
    pool = Pool(workers=2, fatal=(4,))
    found = {finished.job.place: finished for finished in measured(pool, JOBS, len(JOBS))}
    assert found.keys() == set(range(9))
    assert {place for place, finished in found.items() if finished.content is None} == {4}
    assert "ended 3 workers" in found[4].reason
    assert "it was planted" in found[4].reason
    assert pool.asked.count(4) == 1 + MOST_DEATHS or pool.asked.count(4) == MOST_DEATHS
    assert all(pool.asked.count(place) <= 2 for place in found if place != 4)


def test_all_clips_that_end_workers():
    found = list(measured(Pool(workers=2, fatal=tuple(range(9))), JOBS, len(JOBS)))
    assert [finished.content for finished in found] == [None] * 9


def test_workers_that_never_start_end_the_survey():
    with pytest.raises(SurveyError, match="No worker starts: it was planted"):
        list(measured(Pool(starts=False), JOBS, len(JOBS)))


def test_no_clips_need_no_worker():
    assert list(measured(Pool(workers=1), [], 0)) == []
