"""``python -m nonlocal_core`` is the shell: its words and its status."""

import runpy

import pytest

from nonlocal_core.media import list_samples


@pytest.mark.parametrize(("arguments", "status"), [(["samples"], 0), (["no-such-verb"], 2)])
def test_the_module_runs_the_verb_and_ends_with_its_status(arguments, status, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["nonlocal_core", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("nonlocal_core", run_name="__main__")
    assert ended.value.code == status
    printed = capsys.readouterr()
    if status == 0:
        assert all(sample.id in printed.out for sample in list_samples())
    else:
        assert "no-such-verb" in printed.err
