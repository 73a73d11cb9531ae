"""Run every code sample of the guide: Python as doctests, shell lines by the program that they name."""

import os
import shlex
import sys
from importlib import metadata
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser


def enter_folder(namespace: dict[str, Any]) -> None:
    """Let a page write its files into a folder of its own."""
    namespace["_left"], namespace["_folder"] = os.getcwd(), TemporaryDirectory()  # noqa: PTH109 -- chdir's other half
    os.chdir(namespace["_folder"].name)


def leave_folder(namespace: dict[str, Any]) -> None:
    """Remove the folder and what the page wrote."""
    os.chdir(namespace["_left"])
    namespace["_folder"].cleanup()


def run_lines(example: Example) -> str | None:
    """Run each line of a shell sample, without a new process for each; return the line that failed."""
    for line in str(example.parsed).splitlines():
        program, *words = shlex.split(line, comments=True)
        (command,) = metadata.entry_points(group="console_scripts", name=program)
        with patch.object(sys, "argv", [program, *words]):
            status = command.load()()
        if status != 0:
            return f"{line}\nended with status {status}"
    return None


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser(language="sh", evaluator=run_lines)],
    patterns=["*.md"],
    setup=enter_folder,
    teardown=leave_folder,
).pytest()
