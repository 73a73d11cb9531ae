"""Run the benchmarks one after the other and write what they print as one page, its ratios first.

    python benchmarks/results.py            # all, on a quiet machine, in 40 minutes; writes benchmarks/RESULTS.md
    python benchmarks/results.py --quick --out results.md --only capture

Each runs in a process of its own, so that none finds the caches or threads of another. What could not be measured is
said in its place, and the exit status is 1.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
PACKAGES = ("torch", "numpy", "av", "pillow", "streamlit", "starlette", "mmcv-lite", "pytorchvideo", "decord")
COMPARED = ("ratio", "peer / ours", "ours / peer", "formula / lean", "recorded / forward", "without `joint`")
"""Columns that hold ratios."""
BUSY_LOAD = 0.3
"""Load of a core before the first benchmark at which the page warns of its own figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One script: what it measures, and its arguments for a smoke run."""

    title: str
    quick: tuple[str, ...]


BENCHMARKS = {
    "blocks": Benchmark(title="Whole blocks against mmcv and PyTorchVideo", quick=("--quick",)),
    "ops": Benchmark(title="The operation alone against the formula", quick=("--quick",)),
    "capture": Benchmark(title="Recording over the forward pass, and one question", quick=("1",)),
    "survey": Benchmark(title="A survey against a plain loop over sessions", quick=("6",)),
    "attention": Benchmark(title="Recording a vision transformer of others over its forward pass", quick=("1",)),
    "picking": Benchmark(title="Pointing, beside Plotly and an image component", quick=("2",)),
    "viewer": Benchmark(title="A hover on the main thread of the browser", quick=("2",)),
    "upload": Benchmark(title="An upload and another network, to the heat", quick=("1",)),
    "long_clips": Benchmark(title="Long clips", quick=("60",)),
    "first_heat": Benchmark(title="From the start of the server to the first heat", quick=("1",)),
    "page": Benchmark(title="The page without a server", quick=()),
    "crowd": Benchmark(
        title="Many visitors of one server", quick=("--visitors", "3", "--uploading", "1", "--minutes", "0.5")
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A Markdown table under its heading."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_in(text: str, heading: str) -> Iterator[Table]:
    """Yield the tables of a text, each under the last heading before it, else under ``heading``."""
    lines = iter([*text.splitlines(), ""])
    for line in lines:
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            continue
        table = [line]
        for line in lines:
            if not line.startswith("|"):
                break
            table.append(line)
        columns, _, *rows = (tuple(cell.strip() for cell in row.strip("|").split("|")) for row in table)
        yield Table(heading=heading, columns=columns, rows=tuple(rows))


def ratios_of(table: Table) -> str:
    """Return a table with what its rows are and their ratios alone; empty where it has none."""
    found = [index for index, name in enumerate(table.columns) if name in COMPARED]
    if not found:
        return ""
    named = [index for index in range(len(table.columns)) if index < found[0] and not _measures(table.columns[index])]
    kept = [*named, *found]
    lines = [[row[index] for index in kept] for row in (table.columns, ("---",) * len(table.columns), *table.rows)]
    return "\n".join([f"**{table.heading}**", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def _measures(column: str) -> bool:
    return any(unit in column for unit in (", ms", ", MB", "forward", "seconds", "peak", "p50", "p95"))


def machine() -> str:
    """Return the machine that the figures were measured on, in lines of Markdown."""
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    cpu = models[0].split(":")[1].strip() if models else platform.processor() or platform.machine()
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    busy = "**The machine was busy: figures in seconds are too high, ratios less so.** " if load > BUSY_LOAD else ""
    return (
        f"{datetime.now(tz=UTC):%Y-%m-%d}, commit {commit.stdout.strip() or 'unknown'}. {cpu}, {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 1e9:.0f} GB, {platform.system()}, Python {platform.python_version()}, "
        f"{', '.join(_versions())}.\n{busy}Load before the first run: {load:.2f} of each core."
    )


def _versions() -> Iterator[str]:
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def page(outputs: dict[str, str], about: str) -> str:
    """Return the page: machine, ratios, then all that was printed."""
    ratios = [
        found
        for name, text in outputs.items()
        for each in tables_in(text, BENCHMARKS[name].title)
        if (found := ratios_of(each))
    ]
    parts = [
        "# Results",
        "Written by `make bench`. Ratios are medians of pairs that were measured in turn, with the middle half of all "
        "pairs behind them; they hold on other machines better than seconds do.",
        about,
        "## Ratios",
        *(ratios or ["None was measured."]),
    ]
    for name, text in outputs.items():
        parts += [f"## {BENCHMARKS[name].title}", f"`python benchmarks/{name}.py`", text.strip().replace("\n#", "\n##")]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def run(names: Iterable[str], *, quick: bool) -> tuple[dict[str, str], bool]:
    """Return the output of each benchmark, and whether all ran to their end."""
    outputs, whole = {}, True
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        command = [sys.executable, str(HERE / f"{name}.py"), *(BENCHMARKS[name].quick if quick else ())]
        done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent)
        outputs[name] = done.stdout
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            outputs[name] += f"\nNot measured to the end: {last}\n"
            whole = False
    return outputs, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the same code on small sizes: a smoke run")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    options = parser.parse_args()
    about = machine()
    if options.quick:
        about += "\n**A smoke run on small sizes: its figures say nothing.**"
    outputs, whole = run(options.only, quick=options.quick)
    options.out.write_text(page(outputs, about), encoding="utf-8")
    print(options.out)
    sys.exit(not whole)


if __name__ == "__main__":
    main()
