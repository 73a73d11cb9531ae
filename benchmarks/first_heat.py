"""Measure the app as a visitor meets it: from the start of the server to the first heat on screen.

    python benchmarks/first_heat.py [starts]

Each start is a new server and a new browser profile. Without the picture that an installation makes, a start makes it
and keeps it; every later one shows it at once. In turn with the app: a page of Streamlit that shows one word, and one
that imports torch first. They show how much of the time belongs to Streamlit and to torch. Prints a Markdown table.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from devtools import new_browser
from serving import app_server

STARTS = 2
PATIENCE_SECONDS = 60.0
DRAWN = "[data-q]"
"""Selector of an element that only an answered viewer has, and the pages to compare with."""
BARE = f"import streamlit as st\nst.html('<p {DRAWN[1:-1]}>here</p>')\n"
PAGES = {"a page of Streamlit with one word": BARE, "the same, after `import torch`": f"import torch\n{BARE}"}


def main() -> None:
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else STARTS
    measured: dict[tuple[str, str], list[float]] = {}

    def note(begin: str, end: str, seconds: float) -> None:
        measured.setdefault((begin, end), []).append(seconds)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for start in range(starts):
            for number, (title, source) in enumerate(PAGES.items()):
                script = folder / f"page{number}.py"
                script.write_text(source, encoding="utf-8")
                with new_browser() as tab, _started(folder, str(script), folder) as (address, started, _):
                    note("start of the server", title, tab.show(address, DRAWN) - started)
            cache = folder / f"cache{start}"
            for which in ("start without a kept picture", "start as installed, and any later one"):
                with new_browser() as tab, _started(folder, "app/start.py", cache) as (address, started, answering):
                    note(which, "server answers", answering)
                    note(which, "**first heat**", tab.show(address, DRAWN) - started)
                    _wait_for_any_file(cache)
                    with new_browser() as other:
                        asked = time.perf_counter()
                        note("second visit, new browser", "heat", other.show(address, DRAWN) - asked)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {date.today()}; medians of {starts} starts.\n")
    print("| from | to | seconds | all |\n|---|---|---|---|")
    for (begin, end), seconds in measured.items():
        every = ", ".join(f"{one:.1f}" for one in seconds)
        print(f"| {begin} | {end} | {statistics.median(seconds):.1f} | {every} |")


@contextmanager
def _started(folder: Path, script: str, cache: Path) -> Iterator[tuple[str, float, float]]:
    """Yield the address of a new server, the moment of its start, and the seconds until it answered."""
    started = time.perf_counter()
    with app_server(folder / "log.txt", script, NONLOCAL_CACHE=str(cache)) as address:
        yield address, started, time.perf_counter() - started


def _wait_for_any_file(folder: Path) -> None:
    """Wait until the server has kept its picture."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(path.is_file() for path in folder.rglob("*.bin")):
        if time.monotonic() > deadline:
            raise TimeoutError(f"No picture was kept in {folder}.")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
