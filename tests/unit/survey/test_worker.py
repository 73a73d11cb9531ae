"""A worker gives a clip the same rows, whichever clips came before it, and a reason where it has none."""

from nonlocal_core import Selection, Session
from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.clip_rows import clip_rows
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import as_bytes, as_table
from nonlocal_core.survey.worker import Worker, reason_of


def test_rows_do_not_depend_on_what_the_worker_met_before(clips):
    """The blocks are large enough that all of their queries are proved once for a size, and some of them after that."""
    plan = Plan(models=("lite0-gaussian",), frames=Selection(frames=8), short_side=128)
    forth, back = Worker(plan), Worker(plan)
    jobs = [Job(place, clip) for place, clip in enumerate(clips)]
    try:
        one = {job.place: forth.measure(job) for job in jobs}
        first = back.measure(jobs[1])
    finally:
        forth.close()
        back.close()
    assert first == one[1]
    assert all("queries drawn for this clip" in as_table(content)["proof"][0].as_py() for content in one.values())
    again = Session.open(clips[1], "lite0-gaussian", frames=8, short_side=128)
    assert as_bytes(clip_rows(again, place=1, clip=clips[1])) == one[1]


def test_a_clip_that_cannot_be_read_is_its_reason_for_every_network(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    models = ("lite0-gaussian", "lite0-dot-product")
    worker = Worker(Plan(models=models, frames=Selection(frames=1), short_side=64))
    try:
        rows = as_table(worker.measure(Job(7, str(tmp_path / "text.png")))).to_pylist()
    finally:
        worker.close()
    assert [(row["place"], row["model"], row["effect"]) for row in rows] == [(7, model, None) for model in models]
    assert all("text.png is text" in row["reason"] for row in rows)


def test_an_error_of_another_library_says_its_kind():
    assert reason_of(ZeroDivisionError("by zero")) == "ZeroDivisionError: by zero"
    assert reason_of(SurveyError("It failed.")) == "It failed."
