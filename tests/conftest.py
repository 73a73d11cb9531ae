"""What holds for every test."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

import pytest
import torch
from serving import AXE, CHROMIUM, ENGINE
from shape_checks import check_packages, turn

CORE = Path(__file__).parents[1] / "nonlocal_core"
# Every call's shapes and types are checked, but for the app's: its annotations name what it does not import.
check_packages(f"nonlocal_core.{room.name}" for room in iter_modules([str(CORE)]))

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the workers share the cores

PROGRAMS = [program for program in ("node", "ffmpeg", "ffprobe", str(CHROMIUM)) if shutil.which(program) is None]
NEEDS = {
    "programs": PROGRAMS + [str(script) for script in (AXE,) if not script.is_file()],
    "engine": [str(ENGINE)] if not ENGINE.is_dir() else [],
    "peers": [
        name
        for name in ("mmcv", "pytorchvideo", "transformers", "diffusers", "timm", "mmaction", "ray")
        if find_spec(name) is None
    ],
}
"""What some tests need and is not here, by the word that asks for it in ``NONLOCAL_NEEDS``; ``make`` installs both."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what is missing, since what needs it is skipped."""
    for word, missing in NEEDS.items():
        if missing:
            terminalreporter.write_line(f"skipped for want of {word}: {', '.join(missing)}")


def pytest_sessionstart() -> None:
    """Refuse to begin where something is missing that was asked for."""
    missing = [name for word in os.environ.get("NONLOCAL_NEEDS", "").split() for name in NEEDS[word]]
    if missing:
        raise pytest.UsageError(f"These tests need {', '.join(missing)}: make tools, or make peers, installs them.")


@pytest.fixture(autouse=True)
def _calls_are_checked_anew():
    """Each test checks the first calls of every function."""
    turn["test"] += 1


@pytest.fixture(autouse=True)
def _main_module_stays():
    """Streamlit's AppTest leaves its page as the main module, which a process that is started afterwards would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
