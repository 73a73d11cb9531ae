"""``survey`` says what failed, and goes on where it was."""

import pytest
from survey_folders import write_pictures

from nonlocal_core import cli


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "clips")


def test_the_verb_says_what_failed_and_goes_on_where_it_was(folder, tmp_path, capsys):
    command = ["survey", str(folder), "--model", "lite0-gaussian", "--frames", "1", "--short-side", "64"]
    for _ in range(2):  # the second time there is nothing left to do
        assert cli.main([*command, "--workers", "1", "--out", str(tmp_path / "out")]) == 0
        told = capsys.readouterr().out.splitlines()
        assert told[-1] == f"3 of 4 clips have figures: {tmp_path / 'out'}"
        assert "cut.png: " in told[0]
    assert cli.main([*command, "--start", "1", "--out", str(tmp_path / "out")]) == 2
    assert "begun with other networks, frames or keys" in capsys.readouterr().err


def test_the_verb_says_what_tables_take_and_keeps_those_that_are_chosen(folder, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["survey", str(folder), "--model", "lite0-gaussian", "--frames", "1", "--short-side", "64"]
    command += ["--workers", "1", "--out", str(out), "--tables"]
    assert cli.main([*command, "places >> 1"]) == 2
    assert "no part of a condition" in capsys.readouterr().err
    assert not out.exists(), "a slip is told before the survey"
    assert cli.main([*command, "name == 'b.png' and places > 0"]) == 0
    assert "Tables of 1 clips and networks, 0 of them there: " in capsys.readouterr().out
    assert len(list((out / "tables").iterdir())) == 1
