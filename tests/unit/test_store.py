"""What the server answers at the addresses of bundles."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.routing import Match

from app.store import BUNDLES, ROUTES, ByteStore, Later, bundle_address, columns_address


def get(path):
    """Answer a request as the server does: by the route that matches."""
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    for route in ROUTES:
        match, more = route.matches(scope)
        if match is Match.FULL:
            with ThreadPoolExecutor(1) as thread:  # this one may have a loop, of a browser that is driven from it
                return thread.submit(asyncio.run, route.endpoint(Request({**scope, **more}))).result()
    raise AssertionError(f"No route for {path}.")


def test_a_bundle_and_what_follows_it_come_under_one_token():
    made = []
    columns = Later(lambda: made.append(1) or b"columns")
    token = BUNDLES.put(b"bundle", later=columns)
    assert get(bundle_address(token)).body == b"bundle"
    assert made == []
    answer = get(columns_address(token))
    assert (answer.body, answer.headers["cache-control"]) == (b"columns", "private, max-age=31536000, immutable")
    get(columns_address(token))
    assert made == [1]


def test_what_is_made_later_goes_with_its_owner_and_not_with_the_bundle():
    """It may hold a whole clip: the store's bound counts bundles, which are far smaller."""
    columns = Later(lambda: b"columns")
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
    store = ByteStore(10)
    first, second = store.put(b"12345"), store.put(b"67890")
    assert store.get(first).content == b"12345"
    store.put(b"abcde")
    assert store.get(second) is None
    assert store.get(first) is not None
