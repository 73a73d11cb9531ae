"""A download that broke off goes on where it stopped, and never mixes two versions of a file."""

from pathlib import Path

import pytest
from checkpoint_server import CONTENT, HALF, LIMITS, card_at, refused

from nonlocal_core.weights.download import download


@pytest.mark.parametrize("mark", [{"ETag": '"one"'}, {"Last-Modified": "Sun, 22 Nov 2026 03:00:00 GMT"}])
def test_a_download_that_broke_at_half_goes_on_there(server, cache, mark):
    server.behaviour.mark = mark
    server.behaviour.break_after = HALF
    assert "broke off after 1,500,000 bytes" in refused(card_at(server), cache, "Start it again: it goes on there")
    partial = cache / "files/test/net/net.pkl.part"
    assert partial.read_bytes() == CONTENT[:HALF]
    steps = []
    path = download(card_at(server), progress=lambda *step: steps.append(step), cache_dir=cache, limits=LIMITS)
    assert path.read_bytes() == CONTENT
    assert server.behaviour.asked[1]["Range"] == f"bytes={HALF}-"
    assert server.behaviour.asked[1]["If-Range"] == next(iter(mark.values()))
    assert HALF < steps[0][0] < steps[-1][0] == len(CONTENT)
    assert {total for _, total in steps} == {len(CONTENT)}
    assert [other.name for other in path.parent.iterdir()] == ["net.pkl"]


@pytest.mark.parametrize("first_mark", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_mark_it_starts_again(server, cache, first_mark):
    server.behaviour.mark = first_mark
    server.behaviour.break_after = HALF
    refused(card_at(server), cache, "broke off")
    assert download(card_at(server), cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT
    assert "Range" not in server.behaviour.asked[1]


def test_a_server_that_ignores_ranges_sends_all_of_it(server, cache):
    server.behaviour.break_after = HALF
    refused(card_at(server), cache, "broke off")
    server.behaviour.ranges = False
    assert download(card_at(server), cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT
    assert server.behaviour.asked[1]["Range"] == f"bytes={HALF}-"


def test_a_file_that_changed_meanwhile_is_fetched_whole(server, cache):
    server.behaviour.break_after = HALF
    refused(card_at(server), cache, "broke off")
    server.behaviour.content = CONTENT[::-1]
    server.behaviour.mark = {"ETag": '"two"'}
    assert download(card_at(server), cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT[::-1]


class _Killed(BaseException):
    """Stands for the end of the process."""


def test_versions_are_not_mixed_by_whoever_is_killed_between(server, cache, monkeypatch):
    server.behaviour.break_after = HALF
    refused(card_at(server), cache, "broke off")
    server.behaviour.content = CONTENT[::-1]
    server.behaviour.mark = {"ETag": '"two"'}
    for name in ("write_bytes", "write_text", "unlink"):  # before each step that makes room for the new version
        with monkeypatch.context() as patched:
            patched.setattr(Path, name, _killed)
            with pytest.raises(_Killed):
                download(card_at(server), cache_dir=cache, limits=LIMITS)
    assert download(card_at(server), cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT[::-1]


def _killed(*_arguments, **_named):
    raise _Killed


def test_a_server_that_goes_on_with_another_version_is_asked_for_all_of_it(server, cache):
    server.behaviour.break_after = HALF
    refused(card_at(server), cache, "broke off")
    server.behaviour.content = CONTENT[::-1]
    server.behaviour.mark = {"ETag": '"two"'}
    server.behaviour.heeds_if_range = False
    assert download(card_at(server), cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT[::-1]


def test_a_file_that_became_shorter_is_fetched_whole(server, cache):
    server.behaviour.break_after = HALF
    refused(card_at(server), cache, "broke off")
    server.behaviour.content = CONTENT[:1000]  # under the same mark: the server answers 416
    assert download(card_at(server), cache_dir=cache, limits=LIMITS).read_bytes() == CONTENT[:1000]
    assert len(server.behaviour.asked) == 3
