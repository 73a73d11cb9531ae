"""``gallery`` writes the pages of a survey and prints where they begin."""

from survey_folders import CLIPS, begin, shown_row

from nonlocal_core.cli import OK, REFUSED, main
from nonlocal_core.survey import ResultFolder
from nonlocal_core.survey.plan import Job
from nonlocal_core.survey.records import as_bytes


def test_the_page_is_there(tmp_path, capsys):
    folder, command = begin(tmp_path / "result"), ["gallery", str(tmp_path / "result"), "--out", str(tmp_path / "site")]
    assert main(command) == REFUSED
    assert "Survey clips first." in capsys.readouterr().err
    ResultFolder(folder).keep(Job(1, CLIPS[1]), as_bytes([shown_row(1, places=2.5)]))
    assert main([*command, "--viewers", "0"]) == OK
    page = tmp_path / "site" / "index.html"
    assert capsys.readouterr().out == f"{page}\n"
    assert CLIPS[1] in page.read_text()
