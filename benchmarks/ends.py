"""Install the wheel at one end of the ranges of pyproject.toml, and prove that it works there: ``make ends``.

    python benchmarks/ends.py lower|upper [folder]

``lower``: every package at the first version of its range. ``upper``: the newest that pip finds in it. The environment
is made in ``folder``, or in a temporary one; torch brings several GB of CUDA packages where the index has no build for
CPUs alone. A file of constraints in ``PIP_CONSTRAINT`` spares that: of what it holds back, no end is proved. The proof:
a sample answers and is drawn, the server of the installed app becomes healthy, and the unit tests of media, bundle,
queries and drawing pass on what is installed. Prints the versions.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

from packaging.requirements import Requirement
from serving import ROOT, app_server

SOURCES = ("nonlocal_core", "app", "pretrained", "pyproject.toml", "setup.py", "README.md", "LICENSE")
TESTED = ("media", "bundle", "query", "render", "geometry")
"""Words in the paths of the unit tests that run: what meets other people's packages, and is quick."""
WITH_TESTS = ("pytest", "hypothesis", "beartype")
PROOF = """
from nonlocal_core import Session
session = Session.open("sample:coins", short_side=64)
assert abs(float(session.query(frame=0, x=0.5, y=0.5).values.sum()) - 1) < 1e-5
for name in ("heat.png", "page.html", "heat.pdf", "heat.mp4"):
    print(session.save(name, frame=0, x=0.5, y=0.5))
"""


def main() -> None:
    end = sys.argv[1]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else temporary).resolve()
        wheel = build_wheel(folder)
        environment = folder / end
        if not environment.exists():
            venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        install(python, f"{wheel}[app]", *(lower_ends() if end == "lower" else ()), *tools())
        run(python, "-c", PROOF, cwd=folder)
        with app_server(folder / "log.txt", command=[environment / "bin" / "nonlocal-viewer"]) as address:
            print(f"The viewer answers at {address}.")
        tests = shutil.copytree(ROOT / "tests", folder / "tests", dirs_exist_ok=True)
        shutil.copytree(ROOT / "pretrained", folder / "pretrained", dirs_exist_ok=True)  # fixtures use its recipe
        shutil.copy(ROOT / "pyproject.toml", folder)  # a test reads it
        files = [
            file
            for file in tests.rglob("unit/**/test_*.py")
            if any(word in str(file.relative_to(tests)) for word in TESTED)
        ]
        paths = f"pythonpath={tests / 'builders'} {tests / 'browser'} {ROOT / 'benchmarks'} {ROOT / 'tools'}"
        settings = ["-c", os.devnull, "-o", paths, "--import-mode", "importlib", "--rootdir", tests]
        run(python, "-m", "pytest", "-q", *settings, *files, cwd=folder)
        run(python, "-m", "pip", "list", "--format", "freeze", cwd=folder)


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy of the sources, with the setuptools that is installed, and return its path."""
    sources = folder / "sources"
    for name in SOURCES:
        copy = sources / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        source = ROOT / name
        shutil.copytree(source, copy, dirs_exist_ok=True) if source.is_dir() else shutil.copy(source, copy)
    flags = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder]
    run(Path(sys.executable), "-m", "pip", "wheel", *flags, sources, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def requirements() -> list[Requirement]:
    """Return the requirements in pyproject.toml, with the extra of the app."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["app"])]


def lower_ends() -> list[str]:
    """Return the first version of every range, as pip takes it."""
    firsts = {need.name: part.version for need in requirements() for part in need.specifier if part.operator == ">="}
    return [f"{name}=={version}" for name, version in firsts.items()]


def tools() -> list[str]:
    """Return the pins of what the tests themselves run with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [line for line in project["optional-dependencies"]["test"] if Requirement(line).name in WITH_TESTS]


def install(python: Path, *what: str) -> None:
    run(python, "-m", "pip", "install", "--quiet", *what, cwd=ROOT.parent)


def run(python: Path, *arguments: str | Path, cwd: Path) -> None:
    subprocess.run([python, *arguments], cwd=cwd, check=True)


if __name__ == "__main__":
    main()
