"""Tables of chosen clips answer as the session does, go on where they were stopped, and say before what they take."""

from collections import deque
from contextlib import contextmanager

import numpy as np
import pytest
from survey_folders import write_clip

from nonlocal_core import Selection, Session
from nonlocal_core.bundle import as_stored, decode_bundle
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.errors import SurveyError
from nonlocal_core.survey import ResultFolder, choose, keep_tables, open_tables, read_rows, survey
from nonlocal_core.survey.pool import Done, Ready
from nonlocal_core.survey.worker import Worker
from nonlocal_core.viewer.export import export_html

MODELS = ("lite0-gaussian", "lite0-dot-product")
CHOICE = {"models": MODELS, "frames": Selection(frames=3), "short_side": 64}


class Here:
    """Engine of one worker in this process. ``asked``: place and network of each job."""

    depth = 1

    def __init__(self):
        self.asked = []

    @contextmanager
    def start(self, plan):
        self.worker, self.plan, self.jobs, self.coming = Worker(plan), plan, deque(), deque([Ready(0)])
        try:
            yield self
        finally:
            self.worker.close()

    def replace(self, worker):
        raise AssertionError("the worker of this process never ends")

    def give(self, worker, job):
        self.jobs.append(job)
        self.asked.append((job.place, self.plan.models))

    def wait(self):
        if self.coming:
            return self.coming.popleft()
        job = self.jobs.popleft()
        return Done(0, job.place, self.worker.measure(job))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return [write_clip(folder / f"{n}.gif", seed=n, frames=4, size_hw=(70, 90 + 30 * n)) for n in range(3)]


@pytest.fixture
def folder(tmp_path, clips):
    return survey([*clips, "absent.gif"], tmp_path / "result", engine=Here(), **CHOICE)


def test_a_choice_names_clips_and_says_what_their_tables_take(folder, clips):
    rows = [row for row in read_rows(folder.path).to_pylist() if row["reason"] is None]
    places = sorted(row["places"] for row in rows)
    choice = choose(folder.path, f"places > {places[-3]} and model == 'lite0-gaussian'")
    wanted = {row["place"] for row in rows if row["places"] > places[-3] and row["model"] == "lite0-gaussian"}
    assert {each.place for each in choice.chosen} == wanted
    assert choose(folder.path, "effect < -1").chosen == ()
    every = choose(folder.path, "places > 0")
    assert [(each.clip, each.model) for each in every.chosen] == [(clip, model) for clip in clips for model in MODELS]
    size = sum(each.table_bytes for each in every.chosen)
    assert f"Tables of 6 clips and networks, 0 of them there: {size / 1e6:,.0f} MB to write" in every.sentence
    keep_tables(every, engine=Here())
    assert "6 of them there: 0 MB to write" in every.sentence
    for each in every.chosen:
        blocks = decode_bundle(folder.bundle(each.place, each.model).read_bytes()).blocks
        assert {block.dtype for block in blocks} == {"float16"}
        assert each.table_bytes == sum(2 * (block.capture.theta.size + block.capture.phi.size) for block in blocks)


def test_tables_answer_as_the_session_does(folder, clips):
    keep_tables(choose(folder.path, "place == 1"), engine=Here())
    for model in MODELS:
        session = Session.open(clips[1], model, frames=CHOICE["frames"], short_side=64)
        kept = open_tables(folder.path, clips[1], model)
        assert kept.block().name == session.block().name
        for block in session.capture.blocks:
            answer = kept.query(frame=2, x=0.4, y=0.6, block=block.name)
            cell = block.query_grid.cell_at(frame=2, x=0.4, y=0.6)
            stored = row_weights(as_stored(block), cell)
            assert np.array_equal(answer.values, stored.astype(np.float32))
            exact = session.query(frame=2, x=0.4, y=0.6, block=block.name)
            assert np.abs(answer.values - exact.values).max() <= 0.005 * np.abs(exact.values).max()
        content = folder.bundle(1, model).read_bytes()
        assert content == session.bundle()
        assert "bundle " + decode_bundle(content).id[:12] in export_html(content, title="Kept")
    with pytest.raises(SurveyError, match=r"has no tables of .*0.gif"):
        open_tables(folder.path, clips[0])


def test_a_run_that_was_stopped_goes_on(folder):
    engine = Here()

    def stop(pace):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_tables(choose(folder.path, "places > 0"), engine=engine, progress=stop)
    (done,) = engine.asked
    (folder.path / "tables" / ".half.nlvb.part").write_bytes(b"half")
    again, paces = Here(), []
    assert keep_tables(choose(folder.path, "places > 0"), engine=again, progress=paces.append) == {}
    assert sorted([done, *again.asked]) == sorted((place, (model,)) for place in range(3) for model in MODELS)
    assert len(list((folder.path / "tables").iterdir())) == 6
    assert choose(folder.path, "places > 0").left == ()
    assert sorted((pace.done, pace.count) for pace in paces) == [(1, 2), (1, 3), (2, 2), (2, 3), (3, 3)]


def test_a_clip_that_has_changed_or_is_gone_is_named(tmp_path):
    clips = [write_clip(tmp_path / f"{n}.gif", seed=n, frames=2, size_hw=(70, 90)) for n in range(3)]
    folder = survey(clips, tmp_path / "result", engine=Here(), models=MODELS[:1], short_side=64)
    write_clip(tmp_path / "0.gif", seed=9, frames=2, size_hw=(70, 90))
    (tmp_path / "1.gif").unlink()
    failed = keep_tables(choose(folder.path, "places > 0"), engine=Here())
    assert list(failed) == clips[:2]
    assert "has changed since it was surveyed" in failed[clips[0]]
    assert "there is no such file" in failed[clips[1]]
    assert [file.name[:8] for file in (folder.path / "tables").iterdir()] == ["00000002"]


def test_a_disk_without_room_is_said_before_anything_runs(folder, monkeypatch):
    choice, engine = choose(folder.path, "places > 0"), Here()
    usage = type("Usage", (), {"free": choice.left_bytes - 1})
    monkeypatch.setattr("nonlocal_core.survey.chosen_tables.shutil.disk_usage", lambda path: usage)
    with pytest.raises(SurveyError, match="Choose fewer clips, or make room"):
        keep_tables(choice, engine=engine)
    assert engine.asked == []


def test_a_survey_without_tables_says_how_to_have_some(folder, clips):
    with pytest.raises(SurveyError, match="Survey with --tables"):
        open_tables(ResultFolder(folder.path).path, clips[2])
