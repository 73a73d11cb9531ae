"""The first question on real pictures with outlined objects, as if nobody had curated it."""

import pytest
from real_clips import CLIPS, PICTURES, real_clip

SHIPPED = ("bikes", "bunny", *PICTURES)
AWAY = 0.5
"""Most of a row that may stay on its own cell."""


@pytest.mark.parametrize(
    ("names", "least"),
    [
        pytest.param(
            SHIPPED, 5, id="shipped"
        ),  # not a cyclist hidden in half the frames, nor a rocket under a cell wide
        pytest.param((*CLIPS, *PICTURES), 12, id="all fourteen"),
    ],
)
def test_the_first_question_of_most_clips_is_asked_on_an_object_and_looks_elsewhere(names, least):
    missed = []
    for name in names:
        clip = real_clip(name)
        session = clip.open()
        pin = session.first_question()
        missed += [] if clip.has(pin, session.frames.info.shown_hw) else [name]
        row = session.answer(pin)
        assert row.cell_share[row.own_cells].sum() < AWAY, name
    assert len(names) - len(missed) >= least, missed
