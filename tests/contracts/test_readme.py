"""What the README says is true: its commands run, its code runs, its table and its links are right."""

import json
import re
import shlex
import subprocess
import sys

import pytest
from lock import ROOT
from readme import QUOTES, README, measured, with_figures, with_table

TEXT = README.read_text()
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))


def test_the_model_table_is_that_of_the_catalog():
    assert with_table(TEXT) == TEXT


def test_the_figures_are_those_of_the_page_of_results():
    assert with_figures(TEXT, measured()) == TEXT


def test_a_figure_is_read_from_its_row_and_a_missing_row_is_told():
    page = ""
    for quote in QUOTES:
        columns = [*quote.row, *quote.columns]
        cells = [*quote.row.values(), *(f"{1.5 + index} (1 to 9)" for index in range(len(quote.columns)))]
        page += f"#### {quote.heading} and more\n\n| {' | '.join(columns)} |\n|---|\n| {' | '.join(cells)} |\n\n"
    readme = "Before\n<!-- figures: made -->\nold\n<!-- /figures -->\nafter"
    made = with_figures(readme, page)
    assert "| Gaussian block at 12,544 x 12,544 against mmcv | 1.5 times as fast, in 2.5 of the memory |" in made
    assert "old" not in made
    assert made.startswith("Before")
    assert made.endswith("after")
    with pytest.raises(LookupError, match="Hover"):
        with_figures(readme, page[: page.index("#### From the pointer")])


def test_every_linked_file_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert len(links) >= 3
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_verb_exists():
    verbs = set(re.findall(r"make (\w+)", TEXT)) - {"yourself"}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"app", "test", "help"} <= verbs <= targets


def test_the_steps_without_make_are_those_of_the_makefile():
    makefile = " ".join((ROOT / "Makefile").read_text().replace("$(BIN)/", "").replace("$(PIP)", "pip install").split())
    steps = [line.replace(".venv/bin/", "").split("#")[0] for line in SHELL.splitlines() if line.startswith(".venv")]
    for step in (part.strip() for line in steps for part in line.split("&&")):
        assert step.split(" -e")[0] in makefile or step in makefile, step


def test_the_python_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4


SHELL_LINES = [line.split("#")[0].strip() for line in SHELL.splitlines() if line.startswith("python -m")]


@pytest.mark.parametrize("line", SHELL_LINES)
def test_the_shell_examples_run(line, tmp_path):
    done = subprocess.run([sys.executable, *shlex.split(line)[1:]], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    if "--json" in line:
        assert json.loads(done.stdout)["cell"]["t"] == 2
    if "--out" in line:
        assert (tmp_path / done.stdout.strip()).stat().st_size > 100_000
