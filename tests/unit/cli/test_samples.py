"""``samples`` prints a line for each sample, which begins with what opens it."""

from nonlocal_core import list_samples
from nonlocal_core.cli import OK, main


def test_every_sample_has_a_line(capsys):
    assert main(["samples"]) == OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [[f"sample:{one.id}", one.kind] for one in list_samples()]
    assert all(line.endswith(f"{one.title}: {one.caption}") for line, one in zip(lines, list_samples(), strict=True))
