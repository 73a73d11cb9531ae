"""``query`` prints the answer of the API, as numbers and as words."""

import json

import numpy as np
import pytest
from small_clip import SMALL

from nonlocal_core.cli import OK, main


@pytest.mark.parametrize("direction", ["row", "column"])
def test_query_prints_the_answer_of_the_api(session, capsys, direction):
    point = ["--frame", "1", "--x", "0.7", "--y", "0.2"]
    status = main(["query", "sample:bunny", *SMALL, *point, "--direction", direction, "--top", "3", "--json"])
    assert status == OK
    printed = json.loads(capsys.readouterr().out)
    ask = session.query if direction == "row" else session.column
    answer = ask(frame=1, x=0.7, y=0.2)
    assert [entry["cell"] for entry in printed["top"]] == [ranked.cell._asdict() for ranked in answer.top(3)]
    np.testing.assert_allclose([entry["value"] for entry in printed["top"]], [r.value for r in answer.top(3)])
    np.testing.assert_allclose(printed["per_step_share"], answer.per_step_share)
    assert printed["classes"][0]["name"] == session.capture.classes[0].name


def test_query_in_words_names_the_strongest_cell(session, capsys):
    assert main(["query", "sample:bunny", *SMALL]) == OK
    first = session.first_question()
    cell = session.query(frame=first.frame, x=first.x, y=first.y).top(1)[0].cell
    assert f"frame {cell.t + 1}, row {cell.y + 1}, column {cell.x + 1}: " in capsys.readouterr().out


def test_the_mask_has_the_cells_of_the_api_and_their_pixels(session, capsys, tmp_path):
    target, point = tmp_path / "mask.npz", ["--frame", "1", "--x", "0.7", "--y", "0.2"]
    assert main(["query", "sample:bunny", *SMALL, *point, "--mask-out", str(target), "--times", "2"]) == OK
    assert "Share of each step of time" in capsys.readouterr().out
    answer, (height, width) = session.query(frame=1, x=0.7, y=0.2), session.frames.info.shown_hw
    grid = answer.grid
    expected = answer.values.reshape(grid.shape) >= 2 / answer.values.size
    centres = [(frame, *grid.center(cell), cell) for cell in map(grid.cell, range(grid.size)) for frame in range(2)]
    with np.load(target) as written:
        np.testing.assert_array_equal(written["cells"], expected)
        assert written["pixels"].shape == (2, height, width)
        for frame, x, y, cell in centres:
            seen = expected[grid.find_t(frame), cell.y, cell.x]
            assert written["pixels"][frame, int(y * height), int(x * width)] == seen
    assert (expected[0] != expected[1]).any(), "the frames must differ, or this test proves little"
