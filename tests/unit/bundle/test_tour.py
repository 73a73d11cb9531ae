"""Tours of one's own: into the bundle and the page, out of JSON from anywhere, kept by clip while a visit lasts."""

import base64
import json
import re

import pytest
import streamlit as st

from nonlocal_core import BundleError, Question, Session, TourStop
from nonlocal_core.app.server import tours
from nonlocal_core.app.server.opened import notes_on
from nonlocal_core.bundle import decode_bundle, read_tour, tour_as_json
from nonlocal_core.cli import OK, REFUSED, main

EVIL = "<img src=x onerror=alert(1)>"
OWN = (
    TourStop(question=Question(frame=1, x=0.25, y=0.5), caption=EVIL, block="stride16", direction="column"),
    TourStop(question=Question(frame=0, x=0.75, y=1.0), caption="The cup, behind the cat.", hops=3),
)
JSON = [
    {"frame": 1, "x": 0.25, "y": 0.5, "caption": EVIL, "block": "stride16", "direction": "column"},
    {"frame": 0, "x": 0.75, "y": 1, "caption": "The cup, behind the cat.", "hops": 3},
]


@pytest.fixture(scope="module")
def session():
    return Session.open("sample:bunny", frames=2, short_side=64)


def page_tour(path):
    """The tour in an exported page."""
    coded = re.search(r'id="bundle">([^<]+)<', path.read_text()).group(1)
    return decode_bundle(base64.b64decode(coded)).view.tour


def test_a_tour_of_ones_own_takes_the_place_of_the_samples(session):
    assert decode_bundle(session.bundle(tour=OWN)).view.tour == OWN
    assert decode_bundle(session.bundle(tour=())).view.tour == ()
    theirs = [stop.caption for stop in session.sample.tour if stop.frame < 2]
    assert [stop.caption for stop in decode_bundle(session.bundle()).view.tour] == theirs


def test_a_saved_page_holds_the_tour_as_text_only(session, tmp_path):
    path = session.save(tmp_path / "page.html", frame=0, x=0.5, y=0.5, tour=OWN)
    assert page_tour(path) == OWN
    assert EVIL not in path.read_text()


@pytest.mark.parametrize(
    ("stop", "sentence"),
    [
        (TourStop(question=Question(frame=2, x=0.5, y=0.5), caption=""), "frames go from 0 to 1"),
        (TourStop(question=Question(frame=0, x=0.5, y=0.5), caption="", block="res4"), "the block 'res4'"),
    ],
)
def test_a_stop_that_the_clip_or_the_network_does_not_have_is_refused(session, stop, sentence):
    with pytest.raises(BundleError, match=sentence):
        session.bundle(tour=[stop])


def test_json_comes_back_and_may_leave_out_block_and_direction():
    assert read_tour(json.loads(json.dumps(tour_as_json(OWN))), frame_count=2) == OWN
    assert read_tour(JSON, frame_count=2) == OWN


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"frame": 2}, r"tour\[0\].frame of a tour is a whole number from 0 to 1; got 2"),
        ({"frame": True}, "whole number"),
        ({"x": 1.5}, "number from 0 to 1"),
        ({"y": None}, "number from 0 to 1"),
        ({"caption": 5}, "is text"),
        ({"caption": "x" * 201}, "up to 200 characters"),
        ({"block": 3}, "is text"),
        ({"direction": "up"}, "one of row, column"),
        ({"hops": 0}, "whole number from 1 to 4"),
        ({"hops": 5}, "whole number from 1 to 4"),
    ],
)
def test_a_faulty_stop_is_refused_with_its_field(change, sentence):
    with pytest.raises(BundleError, match=sentence):
        read_tour([JSON[0] | change], frame_count=2)


@pytest.mark.parametrize("hops", [0, 5])
def test_a_stop_of_hops_that_no_file_could_hold_is_none(hops):
    with pytest.raises(BundleError, match="1 to 4 hops"):
        TourStop(question=Question(frame=0, x=0.5, y=0.5), caption="", hops=hops)


@pytest.mark.parametrize("found", ["text", None, {"frame": 0}, [[]], [JSON[0]] * 33])
def test_what_is_no_tour_is_refused(found):
    with pytest.raises(BundleError):
        read_tour(found, frame_count=2)


def test_the_shell_writes_a_page_with_the_tour_of_a_file(tmp_path, capsys):
    (tmp_path / "tour.json").write_text(json.dumps(JSON))
    small = ["render", "sample:bunny", "--frames", "2", "--short-side", "64"]
    page = tmp_path / "page.html"
    assert main([*small, "--tour", str(tmp_path / "tour.json"), "--out", str(page)]) == OK
    assert page_tour(page) == OWN
    for text in ("{", json.dumps([JSON[0] | {"block": "res4"}])):
        (tmp_path / "tour.json").write_text(text)
        assert main([*small, "--tour", str(tmp_path / "tour.json"), "--out", str(page)]) == REFUSED
        assert "tour" in capsys.readouterr().err


@pytest.fixture
def visit(monkeypatch):
    """What Streamlit keeps of one visitor."""
    kept = {}
    monkeypatch.setattr(st, "session_state", kept)
    return kept


def test_a_tour_is_kept_for_its_clip_and_frames_whatever_the_network(visit, session):
    assert tours.kept(notes_on(session.frames)).stops is None
    tours.keep(notes_on(session.frames), JSON)
    assert tours.kept(notes_on(session.frames)).stops == OWN
    other_network = Session.open("sample:bunny", "lite0-gaussian", frames=2, short_side=96)
    assert tours.kept(notes_on(other_network.frames)).stops == OWN
    other_frames = Session.open("sample:bunny", frames=3, short_side=64)
    assert tours.kept(notes_on(other_frames.frames)).stops is None
    tours.keep(notes_on(session.frames), [])
    assert tours.kept(notes_on(session.frames)).stops == ()


@pytest.mark.parametrize("sent", [None, "text", [5], [{"frame": 9}], [JSON[0]] * 33])
def test_what_the_browser_should_not_send_changes_nothing(visit, session, sent):
    tours.keep(notes_on(session.frames), JSON)
    tours.keep(notes_on(session.frames), sent)
    assert tours.kept(notes_on(session.frames)).stops == OWN


def test_a_stop_at_a_block_of_another_network_goes_into_a_file_without_it(visit, session):
    assert tours.for_file(notes_on(session.frames), session) is None
    tours.keep(notes_on(session.frames), [JSON[0] | {"block": "res4.5"}, JSON[0]])
    stops = tours.for_file(notes_on(session.frames), session)
    assert [stop.block for stop in stops] == [None, "stride16"]
    assert decode_bundle(session.bundle(tour=stops)).view.tour == stops
