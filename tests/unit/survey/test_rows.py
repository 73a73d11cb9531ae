"""A row of a survey is what a session says of the same clip, bit for bit, whichever clips came before it."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from nonlocal_core import Selection, Session, prepare_model
from nonlocal_core.measures import measure_block
from nonlocal_core.survey.clip_rows import DRAWN, clip_rows, questions
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import as_bytes, as_table
from nonlocal_core.survey.worker import Worker


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_clip(path, *, seed, frames=8, size_hw=(128, 160)):
    """A GIF whose blob moves over noise."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, (*size_hw, 3), np.uint8)
    pictures = []
    for t in range(frames):
        frame = ground.copy()
        frame[20:60, 10 + 9 * t : 40 + 9 * t] = rng.integers(0, 256, 3)
        pictures.append(Image.fromarray(frame))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=80)
    return str(path)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return [write_clip(folder / f"{name}.gif", seed=seed) for name, seed in (("a", 1), ("b", 2))]


def test_a_row_says_what_the_session_says():
    session = Session.open("sample:chelsea", "lite0-embedded-gaussian", short_side=64)
    rows = clip_rows(session, place=3, clip="sample:chelsea")
    assert [row.block for row in rows] == [block.name for block in session.capture.blocks]
    assert [row.is_shown_first for row in rows] == [block is session.block() for block in session.capture.blocks]
    for row, block in zip(rows, session.capture.blocks, strict=True):
        found = measure_block(block, shown_hw=session.frames.info.shown_hw, pts_seconds=session.frames.pts_seconds)
        assert (row.query_dependence, row.places) == (found.query_dependence, found.effective_keys)
        assert (row.own_cell_share, row.own_frame_share) == (found.own_cell_share, found.own_step_share)
        assert (row.effect, row.rebuild_error) == (block.mean_effect, block.rebuild_error)
        assert row.temporal_profile == ((pytest.approx(1.0),),)
        assert row.answer[0].name == session.capture.classes[0].name
        assert len(row.asked) == 1 + DRAWN
        for asked in row.asked:
            answer = session.query(frame=asked.frame, x=asked.x, y=asked.y, block=block.name)
            assert [seen.weight for seen in asked.top] == [ranked.value for ranked in answer.top(5)]
            seen = asked.top[0]
            assert answer.key_grid.cell_at(frame=seen.frame, x=seen.x, y=seen.y) == answer.top(1)[0].cell
        first, pin = row.asked[0], session.first_question()
        cells = [block.query_grid.cell_at(frame=one.frame, x=one.x, y=one.y) for one in (first, pin)]
        assert (first.why, cells[0]) == ("first", cells[1])


def test_drawn_questions_are_the_same_parts_of_every_clip(clips):
    model = prepare_model("lite0-gaussian", "cpu")
    small, large = (Session.open(clips[0], model, frames=2, short_side=side) for side in (64, 96))
    pairs = zip(questions(small, small.block()), questions(large, large.block()), strict=True)
    drawn = [(first, second) for (why, first), (_, second) in pairs if why == "drawn"]
    assert len(drawn) == DRAWN
    for first, second in drawn:
        assert first[0] == second[0]
        assert first[1:] == pytest.approx(second[1:], abs=(1 / 4 + 1 / 6) / 2)  # half a cell of 4 rows, and of 6


def test_the_picture_holds_the_asked_frame_and_another(clips):
    row, *_ = clip_rows(Session.open(clips[0], "lite0-gaussian", frames=2, short_side=64), place=0, clip="a")
    picture = Image.open(BytesIO(row.picture))
    assert picture.size == (2 * 160, 128)
    still = clip_rows(Session.open("sample:coffee", "lite0-gaussian", short_side=64), place=0, clip="a")[0]
    assert Image.open(BytesIO(still.picture)).size == (160, 107)


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
