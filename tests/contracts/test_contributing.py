"""Names in CONTRIBUTING are real, and hooks, CI and citation are in step with the Makefile and the package."""

import re
from importlib import metadata

import yaml
from lock import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()


def named_places(text: str) -> set[str]:
    """The files and folders of this repository that a text names in backticks, commands and links."""
    return set(re.findall(r"(?:app|nonlocal_core|pretrained|tests)/[\w/.-]*\w", text)) | set(
        re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    )


def test_every_place_that_is_named_exists():
    places = named_places(TEXT)
    assert len(places) > 30
    assert sorted(place for place in places if not (ROOT / place).exists()) == []


def test_every_room_of_the_core_is_in_the_table():
    rooms = {path.parent.name for path in (ROOT / "nonlocal_core").glob("*/__init__.py")}
    assert {room for room in rooms if f"`nonlocal_core/{room}" not in TEXT} == set()


def test_the_hooks_are_the_tools_of_make_check():
    (commands,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    checked = {re.sub(r"\$\(BIN\)/| --check| \.$", "", line.strip()) for line in commands.splitlines()}
    hooked = {
        hook["entry"].removeprefix(".venv/bin/").removesuffix(" --fix") for repo in HOOKS for hook in repo["hooks"]
    }
    assert [repo["repo"] for repo in HOOKS] == ["local"]
    assert hooked == checked


def test_ci_runs_verbs_of_the_makefile():
    verbs = set(re.findall(r"make (\w+)", WORKFLOW))
    assert {"test", "docs"} <= verbs <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    actions = re.findall(r"uses: \S+@(\S+)", WORKFLOW)
    assert all(re.fullmatch(r"v\d+", pin) for pin in actions)


def test_the_citation_is_of_this_version_and_of_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    package = metadata.metadata("nonlocal-viewer")
    assert (citation["version"], citation["license"]) == (package["Version"], package["License-Expression"])
    assert citation["preferred-citation"]["title"] == "Non-local Neural Networks"


def test_a_place_that_is_not_there_is_found():
    assert named_places("`tests/unit/test_absent.py` and [x](GONE.md)") == {"tests/unit/test_absent.py", "GONE.md"}
