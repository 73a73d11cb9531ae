"""Questions to predict: what a file scores with is what Python scores."""

import json
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from loud_networks import loud_session

from nonlocal_core.course import guess
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.prediction import scored

NODE = shutil.which("node")
SCRIPT = Path(__file__).parents[1] / "viewer" / "guesses.mjs"
CLOSE = 2e-3
"""Of shares; weights travel with four digits. Worst seen 4e-5."""


@pytest.fixture(scope="module", params=["embedded_gaussian", "dot_product"])
def session(request):
    return loud_session(request.param)


@pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")
def test_a_file_scores_marks_as_python_does(session, tmp_path):
    block = session.block("stride16")
    count = block.key_grid.rows * block.key_grid.cols
    rng = np.random.default_rng(4)
    asked = [guess.question(block, turn) for turn in range(3)]
    asked.append(guess.Question(cell=asked[0].cell, step=block.query_grid.own_key(asked[0].cell, block.subsample).t))
    cases = [(each, sorted(rng.choice(count, size, replace=False).tolist())) for each in asked for size in (3, 7)]
    sent = [
        {"question": guess.answered(session, block, each) | {"rows": 0, "cols": 0}, "marks": marks}
        for each, marks in cases
    ]
    (tmp_path / "cases.json").write_text(json.dumps(sent))
    done = subprocess.run([NODE, SCRIPT, tmp_path / "cases.json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for (each, marks), found in zip(cases, json.loads(done.stdout), strict=True):
        mask = np.zeros((block.key_grid.rows, block.key_grid.cols), bool)
        mask.flat[marks] = True
        assert found == pytest.approx(asdict(scored(session, block, each.cell, step=each.step, marked=mask)), abs=CLOSE)


def test_questions_follow_their_number_and_have_names_of_their_own(session):
    block = session.block("stride16")
    asked = [guess.question(block, turn) for turn in range(12)]
    assert asked == [guess.question(block, turn) for turn in range(12)]
    assert len(set(asked)) > 3
    assert all(each.step != each.cell.t for each in asked), "another frame, where there is one"
    names = {guess.name_of(session.frames, block, each) for each in asked}
    assert len(names) == len(set(asked))
    fewer = replace(session.frames, frame_indices=session.frames.frame_indices + 1)
    assert guess.name_of(fewer, block, asked[0]) not in names
    assert guess.shown(session, block, asked[0])["id"] in names
    assert all(len(name) == 8 and int(name, 16) >= 0 for name in names)


def test_the_asked_cell_has_no_weight_where_it_is_shown(session):
    block = session.block("stride16")
    own = guess.Question(cell=Cell(1, 2, 1), step=1)
    data = guess.answered(session, block, own)
    assert data["own"] == 2 * block.key_grid.cols + 1
    assert data["weights"][data["own"]] == 0
    assert data["own"] not in data["colour"] + data["place"]
    assert sum(data["weights"]) == pytest.approx(1, abs=CLOSE)
    assert guess.answered(session, block, guess.Question(cell=Cell(1, 2, 1), step=2))["own"] is None
