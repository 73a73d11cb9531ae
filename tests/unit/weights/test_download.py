"""Downloads from a server on this machine: resumed, verified, refused; what is refused leaves nothing behind."""

import hashlib
import multiprocessing
import shutil
import socket
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
from checkpoint_server import CONTENT, HALF, LIMITS, SHA256, card_at, left_over, refused

from nonlocal_core.weights import download as module
from nonlocal_core.weights.cache import Pin, write_pin
from nonlocal_core.weights.cards import Digest, find_published_card
from nonlocal_core.weights.download import download


def test_a_download_with_progress_is_fetched_once(server, cache):
    steps = []
    path = download(card_at(server), progress=lambda *step: steps.append(step), cache_dir=cache, limits=LIMITS)
    assert path == cache / "files/test/net/net.pkl"
    assert path.read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert len(steps) > 5
    assert steps == sorted(steps)
    assert left_over(cache) == [cache / "files", cache / "files/test", cache / "files/test/net", path]
    assert download(card_at(server), cache_dir=cache) == path
    assert len(server.behaviour.asked) == 1


def test_a_server_that_does_not_say_how_long(server, cache):
    server.behaviour.length = False
    steps = []
    path = download(card_at(server), progress=lambda *step: steps.append(step), cache_dir=cache, limits=LIMITS)
    assert path.read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), None)


@pytest.mark.parametrize(
    "digest",
    [
        Digest(algorithm="sha256", hex=SHA256[:8]),
        Digest(algorithm="sha256", hex=SHA256),
        Digest(algorithm="sha1", hex=hashlib.sha1(CONTENT).hexdigest()),
    ],
)
def test_the_published_hash(server, cache, digest):
    assert download(card_at(server, digest=digest), cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_another_hash_than_the_published_one(server, cache, algorithm):
    wrong = card_at(server, digest=Digest(algorithm=algorithm, hex="0badbeef"))
    message = refused(wrong, cache, f"has {algorithm} [0-9a-f]+ and 0badbeef is published")
    assert "was removed; fetch it again" in message
    assert left_over(cache) == []


def test_another_hash_than_the_pinned_one(server, cache):
    download(card_at(server), cache_dir=cache, limits=LIMITS)
    write_pin(cache, "test/net", Pin(sha256=SHA256, arch="a"))
    download(card_at(server), cache_dir=cache, limits=LIMITS)
    shutil.rmtree(cache / "files")
    server.behaviour.content = CONTENT[::-1]
    refused(card_at(server), cache, f"{SHA256} was pinned here")
    assert left_over(cache) == [cache / "pins.json"]


def test_a_file_in_the_cache_that_was_damaged(server, cache):
    card = card_at(server, digest=Digest(algorithm="sha256", hex=SHA256))
    path = download(card, cache_dir=cache, limits=LIMITS)
    path.write_bytes(CONTENT[:-1])
    refused(card, cache, "was removed; fetch it again")
    assert left_over(cache) == []
    assert download(card, cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_file_that_is_gone(server, cache, status):
    server.behaviour.status = status
    refused(card_at(server), cache, f"127.0.0.1 answers {status}: http.*net.pkl was moved, removed or closed")
    assert left_over(cache) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_keeps_what_is_there(server, cache, status):
    server.behaviour.break_after = HALF
    refused(card_at(server), cache, "broke off")
    server.behaviour.status = status
    refused(card_at(server), cache, f"127.0.0.1 answers {status} .*Try again later")
    server.behaviour.status = None
    assert download(card_at(server), cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT
    assert server.behaviour.asked[2]["Range"] == f"bytes={HALF}-"


def test_a_server_that_falls_silent(server, cache):
    server.behaviour.chunk_seconds = 0.6
    refused(card_at(server), cache, "broke off after", timeout_seconds=0.2)


def test_a_server_that_is_down(cache, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/net.pkl"
    message = refused(card_at(url), cache, "127.0.0.1 refuses the connection. Try again later")
    assert f"Or fetch {url} elsewhere and put it at {cache / 'files/test/net/net.pkl'}" in message
    assert left_over(cache) == []


def test_a_machine_that_is_offline(cache, monkeypatch):
    def offline(*_args, **_kwargs):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(socket, "getaddrinfo", offline)
    refused(find_published_card("pyslowfast/I3D_8x8_R50"), cache, "dl.fbaipublicfiles.com was not found: .* offline")
    assert left_over(cache) == []


def test_a_file_put_in_place_by_hand_is_taken(cache):
    card = find_published_card("pyslowfast/I3D_8x8_R50")
    path = cache / "files" / card.id / card.file_name
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert download(card, cache_dir=cache) == path


def test_a_connection_that_is_not_secure(server, cache):
    url = f"https://127.0.0.1:{server.server_port}/net.pkl"  # the server speaks no TLS
    refused(card_at(url), cache, "The connection to 127.0.0.1 is not secure .*nothing was fetched")


@pytest.mark.parametrize("url", ["http://example.org/net.pkl", "ftp://example.org/net.pkl", "file:///etc/hosts"])
def test_other_addresses_than_https(cache, url):
    refused(card_at(url), cache, "is not an https address; nothing was fetched")
    assert left_over(cache) == []


def test_a_redirection_away_from_https(server, cache):
    server.behaviour.status, server.behaviour.location = 302, "http://example.org/net.pkl"
    refused(card_at(server), cache, "http://example.org/net.pkl is not an https address")
    assert left_over(cache) == []


def test_a_checkpoint_that_nobody_hosts(cache):
    refused(find_published_card("tushar/i3d_r50_nl_kinetics"), cache, "Nobody hosts tushar/.*utils/convert_weights.py")


def test_limits(server, cache, monkeypatch):
    refused(card_at(server), cache, "has 3,000,017 bytes and max_bytes is 3,000,000", max_bytes=3_000_000)
    assert left_over(cache) == []
    server.behaviour.length = False
    refused(card_at(server), cache, "sends more than max_bytes = 3,000,000 bytes", max_bytes=3_000_000)
    assert left_over(cache) == []
    server.behaviour.length = True
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 3_000_100, 3_000_100))
    refused(card_at(server), cache, "should have 3,000,217 bytes free and has 3,000,100", spare_disk_bytes=200)
    assert left_over(cache) == []
    download(card_at(server), cache_dir=cache, limits=replace(LIMITS, spare_disk_bytes=83))


def test_a_cache_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    refused(card_at(server), tmp_path / "file", "Nothing can be written in .*NONLOCAL_CACHE")


def fetch_in_a_process(url, cache, told):
    path = download(card_at(url), progress=lambda *step: told.put(step), cache_dir=Path(cache), limits=LIMITS)
    told.put(hashlib.sha256(path.read_bytes()).hexdigest())


def test_two_processes_at_once_fetch_it_once(server, cache):
    server.behaviour.chunk_seconds = 0.1  # 3 seconds in all
    card = card_at(server)
    spawn = multiprocessing.get_context("spawn")
    told = spawn.Queue()
    first = spawn.Process(target=fetch_in_a_process, args=(card.url, str(cache), told))
    first.start()
    assert told.get(timeout=120)[0] < len(CONTENT)  # it is in the middle of it
    steps = []
    path = download(card, progress=lambda *step: steps.append(step), cache_dir=cache, limits=LIMITS)
    assert path.read_bytes() == CONTENT
    assert steps == []
    assert len(server.behaviour.asked) == 1
    *_, (last, _), digest = (told.get(timeout=60) for _ in range(len(CONTENT) // 262_144 + 1))
    assert (last, digest) == (len(CONTENT), SHA256)
    first.join(timeout=60)
    assert first.exitcode == 0
    assert [path.name for path in left_over(cache) if path.is_file()] == ["net.pkl"]
