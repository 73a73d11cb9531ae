"""The documentation builds without a warning, lists every public name, and needs no network to be read."""

import re
import subprocess
import sys

import pytest
from lock import ROOT
from sphinx.util.inventory import InventoryFile

import nonlocal_core

PAGES = sorted((ROOT / "docs").rglob("*.md"))
BUILD = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The documentation, as ``make docs`` builds it."""
    target = tmp_path_factory.mktemp("docs")
    done = subprocess.run([*BUILD, ROOT / "docs", target], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def test_every_page_is_built(built):
    missing = [page for page in PAGES if not (built / page.relative_to(ROOT / "docs")).with_suffix(".html").is_file()]
    assert len(PAGES) > 10
    assert missing == []


def test_the_reference_has_every_public_name(built):
    inventory = InventoryFile.loads((built / "objects.inv").read_bytes(), uri="")
    listed = {name.rpartition(".")[2] for kind, names in inventory.data.items() if kind[:3] == "py:" for name in names}
    assert set(nonlocal_core.__all__) - listed == set()


def test_the_pages_fetch_nothing(built):
    fetched = re.compile(r"""(?:src=|<link[^>]*href=|@import |url\()["']?(?:https?:)?//[^"')\s]+""")
    found = {page.name: fetched.findall(page.read_text()) for page in built.rglob("*.html")}
    assert {name: addresses for name, addresses in found.items() if addresses} == {}
    assert fetched.search('<script src="https://example.org/a.js">')


def test_a_broken_link_breaks_the_build(tmp_path):
    (tmp_path / "conf.py").write_text('extensions = ["myst_parser"]')
    (tmp_path / "index.md").write_text("# Page\n\n[nowhere](absent.md)\n")
    done = subprocess.run([*BUILD, tmp_path, tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "absent.md" in done.stderr
