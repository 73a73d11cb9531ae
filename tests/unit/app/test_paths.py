"""Errors tell visitors of a server what is wrong in its folders, and its own user where these lie."""

import json

import pytest
from patience import PATIENCE_MS
from streamlit.testing.v1 import AppTest

from nonlocal_core import WeightsError
from nonlocal_core.app.server import gate, paths
from nonlocal_core.vocabulary import SURVEYED
from nonlocal_core.weights.cache import ENVIRONMENT, fetched_ids, locked

ALONE = {"server.address": "localhost", "server.allowedHosts": []}


@pytest.fixture
def opened(monkeypatch):
    """Open the server to others by some of its options."""
    return lambda **options: monkeypatch.setattr(
        gate.st, "get_option", (ALONE | {f"server.{name}": value for name, value in options.items()}).__getitem__
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv(ENVIRONMENT, str(folder))
    return folder


def refusal(ask):
    with pytest.raises(WeightsError) as error:
        ask()
    return str(error.value)


@pytest.mark.parametrize(
    ("options", "is_open"),
    [
        ({}, False),
        ({"address": "127.0.0.1"}, False),
        ({"address": "::1"}, False),
        ({"address": None}, True),
        ({"address": "0.0.0.0"}, True),
        ({"address": "192.0.2.7"}, True),
        ({"address": "viewer.school.example"}, True),
        ({"allowedHosts": ["viewer.school.example"]}, True),
    ],
)
def test_a_server_is_open_by_its_address_or_by_a_name_for_a_proxy(options, is_open, opened):
    opened(**options)
    assert gate.is_open_to_others() is is_open


def test_an_error_names_the_file_in_the_cache_and_not_the_way_there(cache, opened):
    (cache / "pins.json").write_text("{")
    damaged = refusal(fetched_ids)
    (cache / ".locks").write_text("a file where a folder belongs")
    unwritable = refusal(lambda: locked(cache, "caffe2/net").__enter__())
    assert str(cache) in damaged
    assert str(cache) in unwritable
    opened()
    assert [paths.for_visitors(said) for said in (damaged, unwritable)] == [damaged, unwritable]
    opened(address="0.0.0.0")
    assert paths.for_visitors(damaged).startswith("pins.json in the server's cache folder is damaged. Remove it;")
    assert paths.for_visitors(unwritable).startswith("Nothing can be written in the server's cache folder (")
    assert paths.for_visitors(f"{cache} cannot be read.") == "The server's cache folder cannot be read."
    place = cache / "files" / "caffe2" / "i3d_32x2.pkl"
    assert paths.for_visitors(f"Put it at {place}.") == (
        "Put it at files/caffe2/i3d_32x2.pkl in the server's cache folder."
    )
    others = f"https://host{cache}/a and {cache}-2 and my{cache}"
    assert paths.for_visitors(others) == others


def test_an_error_of_a_survey_does_not_say_where_it_lies(tmp_path, opened, monkeypatch):
    monkeypatch.setenv(SURVEYED, str(tmp_path / "out"))
    opened(address="0.0.0.0")
    assert paths.for_visitors(f"{tmp_path / 'out'} holds no survey.") == "The survey's folder holds no survey."


def networks():
    from nonlocal_core.app.views import networks

    networks.draw()


@pytest.mark.parametrize("address", ["localhost", "0.0.0.0"])
def test_the_page_of_networks_says_where_the_cache_is_to_the_machines_own_user_alone(address, cache, monkeypatch):
    (cache / "pins.json").write_text(json.dumps({"caffe2/net": "no pin"}))
    monkeypatch.setattr(paths, "is_open_to_others", lambda: address != "localhost")
    page = AppTest.from_function(networks, default_timeout=PATIENCE_MS / 1000).run()
    assert not page.exception
    said = " ".join(str(drawn.proto) for drawn in page.get("html"))
    assert "is damaged" in said
    assert (str(cache) in said) is (address == "localhost")
