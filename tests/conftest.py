"""What holds for every test."""

import os
import sys

import pytest
import torch

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the workers share the cores


@pytest.fixture(autouse=True)
def _main_module_stays():
    """Streamlit's AppTest leaves its page as the main module, which a process that is started afterwards would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
