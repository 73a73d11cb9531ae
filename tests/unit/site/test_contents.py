"""What a page holds of networks and clips: words without numbers of a clip, a question, and the pin."""

import numpy as np
import onnxruntime
import pytest

from nonlocal_core import Pin, Question, TourStop
from nonlocal_core.bundle.container import ContainerReader
from nonlocal_core.errors import SiteError
from nonlocal_core.session import Session
from nonlocal_core.site.contents import PROOF, PageClip, clip_bundle, network_entry, pinned_json


def test_a_pin_says_what_is_not_usual_in_it():
    pin = Pin(frame=1, x=0.5, y=0.25, also=((2, 0.1, 0.2),), direction="column", view="each")
    assert pinned_json(pin) == {
        "frame": 1,
        "x": 0.5,
        "y": 0.25,
        "also": ((2, 0.1, 0.2),),
        "direction": "column",
        "view": "each",
    }


@pytest.fixture(scope="module")
def session():
    pixels = np.random.default_rng(2).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
    return Session.open(pixels, "lite0-gaussian", short_side=64, device="cpu")


def test_a_network_is_told_in_the_words_of_a_bundle_and_by_its_graph(session):
    files = {}
    entry = network_entry("lite0-gaussian", lambda name, content: files.setdefault(name, content) and name)
    assert (entry["model"]["id"], entry["file"]) == ("lite0-gaussian", "lite0-gaussian.onnx")
    onnxruntime.InferenceSession(files["lite0-gaussian.onnx"], providers=["CPUExecutionProvider"])
    assert entry["weights"] == session.model.card.weights
    told = ContainerReader(session.bundle(columns=False)).header.as_dict()["blocks"]
    assert [block["name"] for block in entry["blocks"]] == [block["name"] for block in told]
    for ours, theirs in zip(entry["blocks"], told, strict=True):
        assert ours.pop("proof") == PROOF
        assert ours.items() <= theirs.items()


def test_a_network_that_a_page_cannot_run_is_refused():
    with pytest.raises(SiteError, match=r"networks on the shared trunk and filters: lite0-.*; got lite0-mark\."):
        network_entry("lite0-mark", lambda name, content: name)


def test_a_clip_has_frames_and_a_first_question_and_no_block(session):
    bundle = ContainerReader(clip_bundle(PageClip(session=session))).header.as_dict()
    assert bundle["blocks"] == []
    assert len(bundle["frames"]) == 3
    first = session.first_question()
    asked = bundle["view"]["query"]
    assert (asked["frame"], asked["x"], asked["y"]) == (first.frame, first.x, first.y)
    assert bundle["view"]["tour"] == []


def test_stops_of_frames_that_were_not_read_are_left_out(session):
    stops = [TourStop(question=Question(frame=frame, x=0.3, y=0.4), caption="Here.") for frame in (1, 7)]
    bundle = ContainerReader(clip_bundle(PageClip(session=session, tour=stops))).header.as_dict()
    assert [stop["frame"] for stop in bundle["view"]["tour"]] == [1]
