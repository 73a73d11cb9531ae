"""Keys of a clip: the strongest one is the first of a row; codes come near; what cannot be searched says so."""

import affinity_oracle
import numpy as np
import pytest

from nonlocal_core import Session
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.errors import SurveyError, UnknownNameError
from nonlocal_core.query import row
from nonlocal_core.survey.keys import KEYS, captured_block, clip_keys, coarse_scores, phi_of, place_in, strongest
from nonlocal_core.survey.records import as_bytes, as_table


@pytest.mark.parametrize("pairwise", ["gaussian", "embedded_gaussian", "dot_product"])
def test_the_strongest_key_of_the_own_clip_is_the_first_of_its_row(pairwise):
    block = affinity_oracle.capture(pairwise)
    best = strongest(block.theta, block.phi, block.pairwise, block.scale)
    for i in range(block.query_grid.size):
        answer = row(block, block.query_grid.cell(i))
        if not answer.top(1):
            assert best.score[i] <= 0
            continue
        (first,) = answer.top(1)
        assert block.key_grid.cell(int(best.index[i])) == first.cell
        assert best.weight[i] == pytest.approx(row_weights(block, block.query_grid.cell(i)).max(), rel=1e-5)
        assert best.times_uniform[i] == pytest.approx(first.times_uniform, rel=1e-5)
        scale = 1 if pairwise == "dot_product" else block.scale
        slow = max(
            scale * sum(float(a) * float(b) for a, b in zip(block.theta[i], key, strict=True)) for key in block.phi
        )
        assert best.score[i] == pytest.approx(slow, abs=1e-5)


def test_a_question_that_no_key_answers_has_no_share():
    theta, phi = -np.ones((1, 3), np.float32), np.ones((5, 3), np.float32)
    best = strongest(theta, phi, "dot_product", 1.0)
    assert (best.score[0], best.weight[0], best.times_uniform[0]) == (-3, -0.6, 0)


def test_keys_come_back_from_their_file(tmp_path):
    session = Session.open("sample:chelsea", "lite0-gaussian", short_side=64)
    block = captured_block(session, "stride16")
    points = [(0, 0.2, 0.9), (0, 0.7, 0.1)]
    kept = clip_keys(session, block, points, place=4, clip="a clip")
    (found,) = as_table(as_bytes([kept], KEYS)).to_pylist()
    assert (found["place"], found["block"], found["frames"]) == (4, "stride16", 1)
    assert np.abs(phi_of(found) - block.phi).max() < 1e-3 * np.abs(block.phi).max()
    for n in (0, 3, block.key_grid.size - 1):
        cell = block.key_grid.cell(n)
        assert place_in(found, n) == (block.key_grid.span(cell.t)[0], *block.key_grid.center(cell))
    thetas = np.stack([np.frombuffer(asks["theta"], np.float32) for asks in found["asks"]])
    cells = [block.query_grid.cell_at(frame=frame, x=x, y=y) for frame, x, y in points]
    assert np.array_equal(thetas, block.theta[[block.query_grid.index(cell) for cell in cells]])
    exact = (thetas @ block.phi.T).max(axis=1)
    step = (block.phi.max(axis=0) - block.phi.min(axis=0)) / 255
    assert (np.abs(coarse_scores(thetas, found["codes"]) - exact) <= np.abs(thetas) @ step).all()


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("lite0-concatenation", "so all questions find the same clips"),
        ("pixels-nl-means", "which 16 bits do not hold"),
    ],
)
def test_what_cannot_be_searched_says_why(model, why):
    session = Session.open(np.random.default_rng(2018).integers(0, 256, (1, 60, 70, 3), np.uint8), model, short_side=64)
    with pytest.raises(SurveyError, match=why):
        captured_block(session, "first")
    with pytest.raises(UnknownNameError):
        captured_block(session, "absent")
