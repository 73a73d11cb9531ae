"""An open clip as a page to take away: its question, its tour and the engine that was given are in it."""

import json
from dataclasses import replace
from zipfile import ZipFile

import numpy as np
import pytest

from nonlocal_core import Pin, Question, TourStop
from nonlocal_core.bundle.container import ContainerReader
from nonlocal_core.session import Session
from nonlocal_core.site import packing, writing
from nonlocal_core.site.contents import PageClip

STOP = TourStop(question=Question(frame=1, x=0.3, y=0.4), caption="Here.", block="stride16")


@pytest.fixture(scope="module")
def clip():
    pixels = np.random.default_rng(2).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
    session = Session.open(pixels, "lite0-gaussian", short_side=64, device="cpu")
    late = replace(STOP, question=replace(STOP.question, frame=7))
    return PageClip(session=session, pin=Pin(frame=2, x=0.25, y=0.5, block="stride8"), tour=(STOP, late))


def test_a_zip_has_the_page_of_the_clip_and_its_pin(clip, tmp_path, monkeypatch):
    engine = {writing.SCRIPT: b"the script", writing.WASM: b"the engine"}
    monkeypatch.setattr(writing, "runtime_files", lambda folder: engine)
    monkeypatch.setattr(packing, "page_networks", lambda: ("lite0-gaussian",))
    told = []
    path = packing.zip_site(tmp_path / "page.zip", clip, progress=lambda *step: told.append(step))
    assert told[-1][1] == told[-1][2]
    with ZipFile(path) as archive:
        files = {name.removeprefix("site/"): archive.read(name) for name in archive.namelist()}
    facts = json.loads(
        next(content for name, content in files.items() if name.startswith("site-") and name.endswith(".json"))
    )
    assert files[facts["runtime"]["wasm"]] == b"the engine"
    assert [network["model"]["id"] for network in facts["networks"]] == ["lite0-gaussian"]
    (shown,) = facts["samples"]
    assert shown["pin"] == {"frame": 2, "x": 0.25, "y": 0.5, "block": "stride8"}
    header = ContainerReader(files[shown["file"]]).header.as_dict()
    assert len(header["frames"]) == 3
    assert header["view"]["tour"] == [
        {"frame": 1, "x": 0.3, "y": 0.4, "caption": "Here.", "block": None, "direction": "row"}
    ]


def test_what_ends_the_writing_leaves_nothing(clip, tmp_path, monkeypatch):
    def stop(*_):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        packing.zip_site(tmp_path / "page.zip", clip, progress=stop)
    assert not list(tmp_path.iterdir())
