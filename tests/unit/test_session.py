"""Real captures, in Python and in the browser's own arithmetic: the same question has the same answer."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from nonlocal_core import AffinityRow, Session, list_models

NODE = shutil.which("node")
ANSWERS = Path(__file__).parent / "viewer" / "answers.mjs"
STORED_ERROR = 0.006  # of the maximum: float16 tables are admitted up to 0.005, the rest is float32 arithmetic
SCORE_ERROR = 2e-3  # of the maximum: raw features have scores in the thousands, of which float32 keeps 1e-4
POINTS = [(0, 0.0, 0.0), (1, 0.5, 0.7), (2, 0.99, 0.2)]


@pytest.fixture(scope="module", params=[card.id for card in list_models()])
def session(request):
    return Session.open("sample:bunny", request.param, frames=3, short_side=64)


@pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")
def test_the_javascript_answers_equal_the_python_answers_on_real_captures(session, tmp_path):
    asked = [
        (block.name, direction, frame, x, y)
        for block in session.capture.blocks
        for direction in ("row", "column")
        for frame, x, y in POINTS
    ]
    expected = [
        (session.query if direction == "row" else session.column)(frame=frame, x=x, y=y, block=block)
        for block, direction, frame, x, y in asked
    ]
    questions = [
        {"block": answer.block, "direction": direction, "cell": dict(zip("tyx", cell_of(answer), strict=True))}
        for answer, (_, direction, *_) in zip(expected, asked, strict=True)
    ]
    (tmp_path / "bundle.nlvb").write_bytes(session.bundle())
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    command = [NODE, ANSWERS, tmp_path / "bundle.nlvb", tmp_path / "questions.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for answer, given in zip(expected, json.loads(done.stdout)["answers"], strict=True):
        peak = float(np.abs(answer.values).max())
        np.testing.assert_allclose(given["values"], answer.values, rtol=0, atol=STORED_ERROR * peak)


def cell_of(answer):
    return answer.query if isinstance(answer, AffinityRow) else answer.key


@pytest.mark.parametrize("block", [0, -1])
def test_a_session_answers_with_rows_of_its_blocks(session, block):
    captured = session.capture.blocks[block]
    answer = session.query(frame=1, x=0.4, y=0.6, block=captured.name)
    t, y, x = answer.query
    assert (t, y, x) == (1, int(0.6 * captured.query_grid.rows), int(0.4 * captured.query_grid.cols))
    assert answer.heat.shape == captured.key_grid.shape
    theta, phi = captured.theta.astype(np.float64), captured.phi.astype(np.float64)
    i = captured.query_grid.index(answer.query)
    if captured.pairwise == "concatenation":
        expected = np.maximum(theta[i, 0] + phi[:, 0], 0) / len(phi)
    elif captured.pairwise == "dot_product":
        expected = theta[i] @ phi.T / len(phi)
    else:
        scores = captured.scale * (theta[i] @ phi.T)
        expected = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    np.testing.assert_allclose(answer.values, expected, rtol=0, atol=SCORE_ERROR * np.abs(expected).max())
