"""Files of installed packages, found without importing the package, and folders beside a checkout or inside a wheel."""

import sys

import pytest

from nonlocal_core import installed
from nonlocal_core.installed import find_installed, folder_of


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose import would fail."""
    folder = tmp_path / "unimportable"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('it was imported')")
    (folder / "data" / "one.txt").write_text("1")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_file_is_found_without_importing_its_package(package):
    assert find_installed("unimportable", "data/one.txt") == package / "data" / "one.txt"
    assert "unimportable" not in sys.modules


@pytest.mark.parametrize(
    ("name", "path"),
    [("unimportable", "data/two.txt"), ("unimportable", "data"), ("absent_package", "one.txt"), ("colorsys", "x.txt")],
    ids=["no such file", "a folder", "no such package", "a module, no package"],
)
@pytest.mark.usefixtures("package")
def test_what_is_not_there_is_none(name, path):
    assert find_installed(name, path) is None


def test_a_part_lies_inside_the_package_where_that_has_it_and_else_beside(tmp_path, monkeypatch):
    core = tmp_path / "nonlocal_core"
    (core / "app").mkdir(parents=True)
    monkeypatch.setattr(installed, "__file__", str(core / "installed.py"))
    assert folder_of("app") == core / "app"
    assert folder_of("pretrained") == tmp_path / "pretrained"
