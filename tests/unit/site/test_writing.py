"""The files of a page: every name but the page's own tells its content, and nothing is asked of another host."""

import hashlib
import json
import re

import numpy as np
import pytest

from nonlocal_core.errors import SiteError
from nonlocal_core.session import Session
from nonlocal_core.site import writing
from nonlocal_core.site.contents import PageClip
from nonlocal_core.site.writing import write_site

ENGINE = {writing.SCRIPT: b"the script", writing.WASM: b"the engine"}
WITH_GPU = ENGINE | {writing.GPU_SCRIPT: b"another script", writing.GPU_WASM: b"another engine"}
OWN_NAMES = {"index.html", "offline.js", "NOTICE.txt"}


def silent(_stage, _done, _total):
    pass


@pytest.fixture(scope="module")
def clip():
    pixels = np.random.default_rng(2).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
    return PageClip(session=Session.open(pixels, "lite0-gaussian", short_side=64, device="cpu"))


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.setattr(writing, "runtime_files", lambda folder: WITH_GPU)


def test_names_tell_contents_and_every_address_is_a_file_of_the_page(engine, clip, tmp_path):
    page = write_site(tmp_path, models=["lite0-gaussian"], clips=[clip], progress=silent)
    assert page == tmp_path / "index.html"
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name, content in files.items():
        if name not in OWN_NAMES:
            assert re.fullmatch(rf"[\w.-]+-{hashlib.sha256(content).hexdigest()[:10]}\.[\w.]+", name), name
    text = page.read_text()
    linked = set(re.findall(r'(?:href|src|data-site)="([^"]+)"', text))
    assert linked <= files.keys()
    (site,) = (name for name in linked if name.endswith(".json"))
    facts = json.loads(files[site])
    stored = [facts["worker"], facts["frame"], *facts["runtime"].values(), *facts["files"].values()]
    with_gpu = facts["with_gpu"].values()
    stored += [entry["file"] for part in ("networks", "samples") for entry in facts[part]]
    assert {*stored, *with_gpu} <= files.keys()
    assert files[facts["runtime"]["wasm"]] == b"the engine"
    at_once, later = (
        json.loads(re.search(rb"const %s = (\[.*?\]);" % name, files["offline.js"])[1]) for name in (b"FILES", b"LATER")
    )
    assert set(at_once) == {"./"} | files.keys() - {"offline.js", *with_gpu}
    assert set(later) == set(with_gpu)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "http" not in policy
    assert "default-src &#x27;none&#x27;" in policy


def test_links_tell_clips_of_one_name_apart(engine, clip, tmp_path):
    write_site(tmp_path, models=["lite0-gaussian"], clips=[clip, "sample:chelsea", clip, clip], progress=silent)
    (site,) = tmp_path.glob("site-*.json")
    first, sample, *others = (entry["id"] for entry in json.loads(site.read_text())["samples"])
    assert sample == "chelsea"
    assert others == [f"{first}-2", f"{first}-3"]


def test_a_page_of_an_engine_without_webgpu_says_so(monkeypatch, clip, tmp_path):
    monkeypatch.setattr(writing, "runtime_files", lambda folder: ENGINE)
    write_site(tmp_path, models=["lite0-gaussian"], clips=[clip], progress=silent)
    (site,) = tmp_path.glob("site-*.json")
    assert json.loads(site.read_text())["with_gpu"] is None
    assert "const LATER = [];" in (tmp_path / "offline.js").read_text()


def test_a_place_that_is_no_folder_is_refused(engine, clip, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SiteError, match=r"A page is a folder; .*file cannot be made"):
        write_site(tmp_path / "file", models=["lite0-gaussian"], clips=[clip], progress=silent)
