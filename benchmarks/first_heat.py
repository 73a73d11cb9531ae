"""Measure the app as a visitor meets it: from the start of the server to the first heat on screen.

    python benchmarks/first_heat.py [starts]

Each start is a new server and a new browser profile. In turn with the app: a page of Streamlit that shows one word, and
one that imports torch first. They say what this machine takes for what the app stands on. Prints a Markdown table.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from devtools import new_browser
from serving import app_server

STARTS = 3
DRAWN = "[data-q]"
"""What only an answered viewer has, and the pages to compare with."""
BARE = f"import streamlit as st\nst.html('<p {DRAWN[1:-1]}>here</p>')\n"
PAGES = {"a page of Streamlit with one word": BARE, "the same, after `import torch`": f"import torch\n{BARE}"}


def main() -> None:
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else STARTS
    measured: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _start in range(starts):
            for number, (title, source) in enumerate(PAGES.items()):
                script = folder / f"page{number}.py"
                script.write_text(source, encoding="utf-8")
                _, first, _ = _one_start(folder, str(script))
                measured.setdefault(("start of the server", title), []).append(first)
            answering, first, again = _one_start(folder, "app/server.py")
            measured.setdefault(("start of the server", "server answers"), []).append(answering)
            measured.setdefault(("start of the server", "**first heat**"), []).append(first)
            measured.setdefault(("second visit, new browser", "heat"), []).append(again)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {date.today()}; medians of {starts} starts.\n")
    print("| from | to | seconds | all |\n|---|---|---|---|")
    for (begin, end), seconds in measured.items():
        every = ", ".join(f"{one:.1f}" for one in seconds)
        print(f"| {begin} | {end} | {statistics.median(seconds):.1f} | {every} |")


def _one_start(folder: Path, script: str) -> tuple[float, float, float]:
    """Return the seconds until the server answers, until the first visitor's page is drawn, and a second visitor's."""
    with new_browser() as tab:
        started = time.perf_counter()
        with app_server(folder / "log.txt", script) as address:
            answering = time.perf_counter() - started
            first = tab.show(address, DRAWN) - started
            with new_browser() as other:
                asked = time.perf_counter()
                return answering, first, other.show(address, DRAWN) - asked


if __name__ == "__main__":
    main()
