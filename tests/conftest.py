"""What holds for every test."""

import os
import sys
from pathlib import Path
from pkgutil import iter_modules

import pytest
import torch
from jaxtyping import install_import_hook

CORE = Path(__file__).parents[1] / "nonlocal_core"
# Every call's shapes and types are checked, but for the app's: its annotations name what it does not import.
install_import_hook([f"nonlocal_core.{room.name}" for room in iter_modules([str(CORE)])], "beartype.beartype")

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the workers share the cores


@pytest.fixture(autouse=True)
def _main_module_stays():
    """Streamlit's AppTest leaves its page as the main module, which a process that is started afterwards would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
