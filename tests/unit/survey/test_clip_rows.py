"""A row of a survey is what a session says of the same clip."""

from io import BytesIO

import pytest
from PIL import Image

from nonlocal_core import Session, prepare_model
from nonlocal_core.measures import measure_block
from nonlocal_core.survey.clip_rows import DRAWN, clip_rows, questions


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
