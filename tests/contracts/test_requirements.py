"""requirements.txt is in step with pyproject.toml and with what is installed."""

import tomllib

from lock import ROOT, direct, render
from packaging.requirements import Requirement


def test_requirements_are_what_make_lock_would_write():
    assert (ROOT / "requirements.txt").read_text() == render() + "\n"


def test_every_dependency_is_pinned_and_torch_to_the_release_that_was_measured():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for line in project["dependencies"]:
        assert str(Requirement(line).specifier).startswith("=="), line
    assert direct()["torch"] == "2.13.0"


def test_every_dependency_earns_its_line_in_decisions():
    decisions = (ROOT / "DECISIONS.md").read_text()
    missing = [name for name in direct() if name not in decisions]
    assert not missing
