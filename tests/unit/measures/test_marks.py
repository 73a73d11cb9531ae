"""Who wore the mark: the shipped network's answers against the truth, and against what they should rest on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import load_file
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core import CaptureError, Session, UnknownNameError
from nonlocal_core.installed import folder_of
from nonlocal_core.measures.ablation import answer
from nonlocal_core.measures.marks import CHANGES, TURN, mark_answers, strongest_keys, who_wore, worn_by
from nonlocal_core.measures.tracking import known_masks
from nonlocal_core.media.composed import compose
from nonlocal_core.media.marked import FRAMES, MARKS, SIDE, SPACE, drawn, marks_on, swapped
from nonlocal_core.media.network_input import network_pixels
from pretrained.recipe.mark.blocks import Answerer, AskedBlock
from pretrained.recipe.mark.clips import layers
from pretrained.recipe.mark.task import STRENGTH
from pretrained.recipe.runs import trunk


@pytest.fixture(scope="module")
def session():
    return Session.open("sample:marked")


@pytest.fixture(scope="module")
def owned(session):
    """Name of each object -> cells (T, h, w) of which it covers more than half."""
    cells = session.block().query_grid.shape
    side = SIDE // cells[1]
    return {
        name: masks.reshape(cells[0], cells[1], side, cells[2], side).mean(axis=(2, 4)) > 0.5
        for name, masks in known_masks(session.sample, session.frames.frame_indices).items()
    }


def test_every_cell_of_every_object_in_every_other_frame_is_answered_rightly(session, owned):
    said = mark_answers(session).argmax(-1)
    for name, mark in zip(("cup", "patch", "cat"), SPACE.worn, strict=True):
        cells = owned[name].copy()
        cells[SPACE.frame] = False
        assert cells.sum() >= 30
        assert (said[cells] == mark).all()


def test_the_rows_go_to_the_object_in_the_frame_of_its_mark(session, owned):
    for stop in session.sample.tour:
        found = who_wore(session, frame=stop.frame, x=stop.x, y=stop.y)
        heat = session.query(frame=stop.frame, x=stop.x, y=stop.y).heat
        row = heat / heat.sum()
        assert row[SPACE.frame].sum() > 0.95
        assert row[owned[found.asked]].sum() > 0.9
        assert found.truth == worn_by(session)[found.asked]
        assert found.marked_frame == SPACE.frame


def test_it_answers_as_the_network_that_was_measured(session):
    """The recipe's own classes, filled from the shipped file, on the recipe's own features of the same pixels."""
    stored = load_file(folder_of("pretrained") / "lite0-mark.safetensors")
    measured = Answerer([AskedBlock(115)], 115, 3)
    measured.load_state_dict(
        {
            name.replace("looks.mark.", "bodies.0.").replace("heads.mark.", "head."): tensor
            for name, tensor in stored.items()
        }
    )
    spec, thw = session.model.network.input_spec, session.block().query_grid.shape
    fed = network_pixels(session.frames, spec, session.view)[0]
    rgb = np.rint((fed[:3] * spec.std[0] + spec.mean[0]) * 255).astype(np.uint8).transpose(1, 2, 3, 0)
    features = layers(trunk(), rgb)[1].flatten(0, 2)[None]
    share = fed[3:].reshape(3, thw[0], thw[1], 16, thw[2], 16).mean(axis=(3, 5)) > 0.5
    marks = STRENGTH[1] * torch.from_numpy(share.reshape(3, -1).T.astype(np.float32))[None]
    with torch.inference_mode():
        logits, _ = measured.eval()(torch.cat([features, marks], -1), torch.arange(features.shape[1])[None], None, thw)
    assert_allclose(mark_answers(session).reshape(-1, 3), logits.softmax(-1)[0], atol=2e-4)


def test_without_the_block_the_answer_does_not_know_the_marks(session, owned):
    """Elsewhere than in the frame of marks nothing tells them: swapped marks change nothing, and a third is right."""
    off = mark_answers(session, change="block off")
    other = replace(session, frames=swapped(session.frames, TURN))
    unmarked = np.arange(FRAMES) != SPACE.frame
    assert_allclose(mark_answers(other, change="block off")[unmarked], off[unmarked], atol=0.05)
    right = [
        off[cells & unmarked[:, None, None]].argmax(-1) == MARKS.index(worn_by(session)[name])
        for name, cells in owned.items()
    ]
    assert np.concatenate(right).mean() < 0.6


def test_swapped_marks_are_answered_as_they_are_worn_then(session):
    for stop in session.sample.tour:
        before = who_wore(session, frame=stop.frame, x=stop.x, y=stop.y)
        after = who_wore(session, frame=stop.frame, x=stop.x, y=stop.y, change="marks swapped")
        assert after.truth == MARKS[TURN[MARKS.index(before.truth)]]
        assert MARKS[after.answer.probabilities.argmax()] == after.truth
        assert after.worn == worn_by(replace(session, frames=swapped(session.frames, TURN)))


def test_swapping_draws_the_picture_that_other_marks_would_have_given(session):
    plain = compose(frames=FRAMES, size_hw=(SIDE, SIDE), cut_outs=SPACE.cut_outs, ground=SPACE.ground)
    marks = marks_on(plain.masks, SPACE.frame, [TURN[mark] for mark in SPACE.worn])
    turned = swapped(session.frames, TURN)
    assert_array_equal(turned.marks, marks)
    assert_array_equal(turned.rgb, drawn(plain.rgb, marks))


def test_the_keys_that_are_cut_are_those_above_an_even_share_and_the_answer_loses_its_ground(session):
    stop = session.sample.tour[0]
    asked = {"frame": stop.frame, "x": stop.x, "y": stop.y}
    row = session.query(**asked)
    cut = strongest_keys(session, **asked)
    assert_array_equal(cut, row.values > 1 / row.values.size)
    assert who_wore(session, **asked).cut == 0
    found = who_wore(session, **asked, change="strongest keys cut")
    assert found.cut == cut.sum() < 30
    truth = MARKS.index(found.truth)
    assert found.answer.probabilities[truth] < 0.7 < 0.99 < who_wore(session, **asked).answer.probabilities[truth]


def test_the_ground_wears_nothing(session):
    found = who_wore(session, frame=0, x=0.02, y=0.98)
    assert (found.asked, found.truth) == (None, None)


@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_answered_is_said(session):
    with pytest.raises(UnknownNameError, match=CHANGES[1]):
        who_wore(session, frame=0, x=0.5, y=0.5, change="block of")
    with pytest.raises(CaptureError, match="who_wore"):
        answer(session)
    nobody = replace(session, frames=replace(session.frames, marks=np.zeros_like(session.frames.marks)))
    with pytest.raises(CaptureError, match="sample:marked"):
        who_wore(nobody, frame=0, x=0.5, y=0.5)
    with pytest.raises(CaptureError, match="lite0-mark"):
        who_wore(Session.open("sample:coins", short_side=64), frame=0, x=0.5, y=0.5)


def test_the_film_ends_where_the_network_does_and_begins_with_a_guess(session):
    """Snapshots are stored in half precision."""
    film, stop = Session.open(session.frames, "lite0-mark-film"), session.sample.query
    asked = {"frame": stop.frame, "x": stop.x, "y": stop.y}
    names = [block.name for block in film.capture.blocks]
    assert [block.status for block in film.capture.blocks if block.name.endswith("-0")] == ["untrained"]
    identity = [name for name in names if name.startswith("identity-")]
    assert film.block().name == identity[-1]
    assert len(identity) >= 6 <= len(names) - len(identity)
    assert_allclose(film.query(**asked).values, session.query(**asked).values, atol=0.02)
    truth = MARKS.index(who_wore(session, **asked).truth)
    chances = [who_wore(film, **asked, name=name).answer.probabilities[truth] for name in identity]
    shares = [film.query(**asked, block=name).per_step_share[SPACE.frame] for name in identity]
    assert chances[0] < 0.5 < 0.95 < chances[-1]
    assert shares[0] < 0.3 < 0.95 < shares[-1]
    papers = [film.query(**asked, block=name) for name in names if name not in identity]
    assert_allclose(papers[0].per_step_share, 0.25, atol=0.01)  # N(0, .01): everywhere alike
