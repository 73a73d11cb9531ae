"""What the server answers at the addresses of bundles."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

from PIL import Image
from starlette.requests import Request
from starlette.routing import Match

from nonlocal_core.app.server.budget import Budget
from nonlocal_core.app.server.byte_store import (
    BUNDLES,
    ROUTES,
    UPLOADS,
    ByteStore,
    LazyBytes,
    bundle_address,
    columns_address,
)
from nonlocal_core.app.server.resources import open_clip
from nonlocal_core.app.server.visit import Choices


def get(address, base="/"):
    """Answer a request as the server does: by the route that matches. ``base``: of the pages."""
    path = base + address
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    for route in ROUTES:
        match, more = route.matches(scope)
        if match is Match.FULL:
            with ThreadPoolExecutor(1) as thread:  # this one may have a loop, of a browser that is driven from it
                return thread.submit(asyncio.run, route.endpoint(Request({**scope, **more}))).result()
    raise AssertionError(f"No route for {path}.")


def test_a_bundle_and_what_follows_it_come_under_one_token():
    made = []
    columns = LazyBytes(lambda: made.append(1) or b"columns")
    token = BUNDLES.put(b"bundle", later=columns)
    assert get(bundle_address(token)).body == get(bundle_address(token), base="/a/path/").body == b"bundle"
    assert made == []
    answer = get(columns_address(token))
    assert (answer.body, answer.headers["cache-control"]) == (b"columns", "private, max-age=31536000, immutable")
    get(columns_address(token))
    assert made == [1]


def test_what_is_made_later_goes_with_its_owner_and_not_with_the_bundle():
    """It may hold a whole clip: the store's bound counts bundles, which are far smaller."""
    columns = LazyBytes(lambda: b"columns")
    token = BUNDLES.put(b"a bundle that stays", later=columns)
    assert get(columns_address(token)).status_code == 200
    del columns
    assert get(bundle_address(token)).body == b"a bundle that stays"
    assert get(columns_address(token)).status_code == 404


def test_what_is_not_held_is_said_so():
    token = BUNDLES.put(b"bundle without more")
    for address in (bundle_address("0" * 64), columns_address("0" * 64), columns_address(token)):
        answer = get(address)
        assert answer.status_code == 404
        assert "Reload the page" in answer.body.decode()


def test_the_oldest_makes_room_and_what_was_asked_for_last_stays():
    store = ByteStore("bundle", Budget(10))
    first, second = store.put(b"12345"), store.put(b"67890")
    assert store.get(first).content == b"12345"
    store.put(b"abcde")
    assert store.get(second) is None
    assert store.get(first) is not None


def test_a_name_belongs_to_the_upload_and_not_to_the_bytes():
    store = ByteStore("upload", Budget(1000))
    first, second = store.put(b"the same bytes", "biopsy of Mrs A.png"), store.put(b"the same bytes", "cells.png")
    assert (store.get(first).name, store.get(second).name) == ("biopsy of Mrs A.png", "cells.png")
    assert store.put(b"the same bytes", "cells.png") == second
    assert store.put(b"bytes", "the same ") != store.put(b"the same bytes", "")


def test_two_visitors_with_the_same_bytes_see_their_own_names():
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "PNG")
    names = ["biopsy of Mrs A.png", "cells.png"]
    tokens = [UPLOADS.put(file.getvalue(), name) for name in names]
    opened = [open_clip(Choices(clip=f"upload:{token}"), lambda stage, done, total: None) for token in tokens]
    for name, other, one in zip(names, reversed(names), opened, strict=True):
        assert one.notes.summary.startswith(name)
        assert one.session.frames.info.name == name
        assert other.encode() not in BUNDLES.get(one.token).content
    assert opened[0].session is not opened[1].session
