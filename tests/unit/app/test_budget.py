"""What the server holds is weighed in bytes, bounded, and let go once those it was held for have left."""

import subprocess
import sys

import pytest

from nonlocal_core.app.server import resources, visitors
from nonlocal_core.app.server.budget import SWEEPS, Budget
from nonlocal_core.app.server.visit import Choices


@pytest.fixture
def visit(monkeypatch):
    """Return a function that says whose page runs."""
    return lambda name: monkeypatch.setattr(visitors, "here", lambda: name)


def test_sessions_are_weighed_and_the_least_recently_used_makes_room(monkeypatch):
    few, many = (Choices(clip="sample:composed", frames=count, short_side=64) for count in (1, 6))
    for asked in (few, many):
        resources.open_clip(asked, lambda *_: None)
    kept = [resources._kept(asked) for asked in (few, many)]
    sizes = [each.size for each in kept]
    tables = [resources.session_bytes(each.session) for each in kept]
    assert tables[1] > 4 * tables[0]  # of 6 frames and of 1
    assert [size - table for size, table in zip(sizes, tables, strict=True)] == [len(each.bundle) for each in kept]
    held = Budget(sizes[1] + sizes[0] // 2)
    monkeypatch.setattr(resources, "HELD", held)
    for asked in (few, many):
        resources.open_clip(asked, lambda *_: None)
    assert resources._kept(few) is None
    assert resources._kept(many) is not None
    features = sum(holding.size for key, holding in held._held.items() if key[0] == "features")
    assert held.held_bytes == sizes[1] + features


def test_all_kinds_share_one_budget():
    held = Budget(100)
    held.put(("upload", 1), "file", 60)
    held.put(("bundle", 1), "bundle", 30)
    held.get(("upload", 1))
    held.put(("session", 1), "session", 40)
    assert [held.get(key) for key in (("upload", 1), ("bundle", 1), ("session", 1))] == ["file", None, "session"]
    assert held.held_bytes == 100


def test_what_was_held_goes_with_the_last_visitor(visit):
    held, there = Budget(100), {"ada", "ben"}
    visit(None)
    held.put(("session", "first"), "the server's", 1)
    visit("ada")
    held.put(("session", "shared"), "of both", 1)
    held.put(("upload", "own"), "of one", 1)
    visit("ben")
    held.get(("session", "shared"))
    there.remove("ada")
    for sweep in range(1, SWEEPS + 1):
        assert held.held_bytes == 3
        assert held.sweep(there.__contains__) == (sweep == SWEEPS), "whether anything went"
    visit("ben")
    assert held.get(("upload", "own")) is None
    assert held.get(("session", "shared")) == "of both"
    there.clear()
    for _ in range(SWEEPS):
        held.sweep(there.__contains__)
    assert held.held_bytes == 1


def test_a_page_that_is_reloaded_finds_what_it_had(visit):
    held = Budget(100)
    visit("ada")
    held.put(("upload", 1), "file", 1)
    assert not held.sweep(lambda _: False)
    visit("ada again")
    assert held.get(("upload", 1)) == "file"
    for _ in range(SWEEPS):
        held.sweep(lambda visitor: visitor == "ada again")
    assert held.get(("upload", 1)) == "file"


def test_the_uploads_of_one_visitor_make_room_among_themselves(visit):
    held = Budget(1000, max_visitor_upload_bytes=100)
    visit("ben")
    held.put(("upload", "ben's"), "other", 90)
    visit("ada")
    for number in range(3):
        held.put(("upload", number), number, 50)
    assert [held.get(("upload", key)) for key in ("ben's", 0, 1, 2)] == ["other", None, 1, 2]


MEASURE = """
import psutil
from nonlocal_core.app.server.budget import return_free_memory
rss = psutil.Process().memory_info
parts = [bytes(60_000) for _ in range(3_000)]
last = bytes(60_000)
full = rss().rss
del parts
freed = rss().rss
return_free_memory()
print(full, freed, rss().rss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' allocators are not asked")
def test_what_was_freed_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    full, freed, returned = map(int, done.stdout.split())
    assert freed > full - 100e6, "the allocator keeps it, else there is nothing to test"
    assert returned < full - 100e6
