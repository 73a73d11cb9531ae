"""The import law can fail: a planted violation breaks each contract of pyproject.toml."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from lock import ROOT

PLANTED = {
    "Imports point one way: design, section 3": ("nonlocal_core/geometry/grid.py", "import nonlocal_core.session"),
    "Pages are made of widgets, widgets show what the server holds": ("app/server/tours.py", "from .. import widgets"),
    "Layers of others are known by their parts or by what they ask of torch; only the search knows both": (
        "nonlocal_core/capture/adapters/maps/reader.py",
        "import nonlocal_core.capture.adapters.seen.reader",
    ),
    "Streamlit only in the app": ("nonlocal_core/query.py", "import streamlit"),
    "No torch where records are numpy": ("nonlocal_core/query.py", "import torch"),
    "Video decoding only in media and render": ("nonlocal_core/query.py", "import av"),
    "Measures do not draw": ("nonlocal_core/measures/tracking.py", "import nonlocal_core.render"),
}


def contracts():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return [contract["name"] for contract in settings["contracts"]]


def test_every_contract_has_its_planted_violation():
    assert set(PLANTED) == set(contracts())


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name, tmp_path):
    for part in ("nonlocal_core", "app", "pretrained"):
        copy_sources(ROOT / part, tmp_path / part)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    assert lint(tmp_path).returncode == 0
    file, line = PLANTED[name]
    planted = tmp_path / file
    planted.write_text(planted.read_text() + f"\n{line}\n")
    answer = lint(tmp_path)
    assert answer.returncode != 0
    assert f"{name} BROKEN" in " ".join(answer.stdout.split())


def copy_sources(source: Path, target: Path) -> None:
    for file in source.rglob("*.py"):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder)})
