"""The folder of downloads: where it is, and pins that never change and are a sentence when damaged."""

from pathlib import Path

import pytest

from nonlocal_core.app.server import known_networks
from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.cache import ENVIRONMENT, Pin, cache_folder, fetched_ids, find_pin, locked, write_pin
from nonlocal_core.weights.catalog import list_models


def test_a_pin_does_not_change(cache):
    cache.mkdir()
    write_pin(cache, "test/net", Pin(sha256="a" * 64, arch="one"))
    write_pin(cache, "test/net", Pin(sha256="a" * 64, arch="one"))
    with pytest.raises(WeightsError, match=r"was pinned here as sha256 aaa.* remove its line from"):
        write_pin(cache, "test/net", Pin(sha256="b" * 64, arch="one"))
    assert find_pin(cache, "test/net").sha256 == "a" * 64


@pytest.mark.parametrize(
    "content",
    [
        "[1]",
        "3",
        "null",
        "[" * 100_000,
        '{"a": 3}',
        '{"a": {"sha256": 3, "arch": "one"}}',
        '{"a": {"sha256": "a"}}',
        None,
    ],
)
def test_damaged_pins_are_a_sentence_and_the_menu_stays(content, tmp_path, monkeypatch):
    path = tmp_path / "pins.json"
    path.mkdir() if content is None else path.write_text(content)
    with pytest.raises(WeightsError, match=r"pins\.json (is damaged|cannot be read)"):
        find_pin(tmp_path, "test/net")
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert {card.id for card in list_models()} <= set(known_networks.menu())


@pytest.mark.parametrize("taken", [".locks", ".locks/pins.json.lock", "pins.json.new"])
def test_what_the_disk_refuses_is_a_sentence(taken, tmp_path):
    """A folder stands where a file shall, or the other way round: a refusal that a test's superuser meets as well."""
    path = tmp_path / taken
    if taken == ".locks":
        path.write_text("")
    else:
        path.mkdir(parents=True)
    with pytest.raises(WeightsError, match=r"Nothing can be written in .* Make room there, or set \$NONLOCAL_CACHE"):
        write_pin(tmp_path, "test/net", Pin(sha256="a" * 64, arch="one"))


def test_a_fault_of_whoever_holds_a_lock_stays_what_it_is(tmp_path):
    with pytest.raises(OSError, match="mine"), locked(tmp_path, "one"):
        raise OSError("mine")
    with locked(tmp_path, "one", seconds=0):  # it was let go
        pass


def test_a_cache_that_cannot_be_looked_into_is_a_sentence_and_the_menu_stays(tmp_path, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    write_pin(tmp_path, "test/net", Pin(sha256="a" * 64, arch="one"))
    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(WeightsError, match=r"cannot be read \(Permission denied\)\. Make it readable"):
        fetched_ids()
    assert {card.id for card in list_models()} <= set(known_networks.menu())


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(WeightsError, match=r"no home folder\. Set \$NONLOCAL_CACHE"):
        cache_folder()
    assert {card.id for card in list_models()} <= set(known_networks.menu())


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache/nonlocal-viewer"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x/nonlocal-viewer"
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "n"))
    assert cache_folder() == tmp_path / "n"
    assert cache_folder(tmp_path) == tmp_path
